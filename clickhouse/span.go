package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Span implements pageview.Store.
func (s *Store) Span(ctx context.Context, name string) (pageview.Span, error) {
	span, err := s.span(ctx, name)
	if err != nil {
		return pageview.Span{}, fmt.Errorf("span of %s: %w", name, err)
	}
	return span, nil
}

func (s *Store) span(ctx context.Context, name string) (span pageview.Span, err error) {
	v, err := s.current(ctx)
	if err != nil {
		return span, err
	}
	now, err := s.fold(ctx, v, name, 0, 0, counts)
	if errors.Is(err, errBehind) {
		return s.spanOf(ctx, v, v.sites[name])
	}
	if err != nil {
		return span, err
	}
	return now.span(name), nil
}

// span is what the counted pageviews reach over. All days must be added up.
func (v *view) span(name string) pageview.Span {
	span := pageview.Span{Through: v.through}
	for k, a := range v.added[name] {
		if k.part != counts || a.persons == 0 {
			continue
		}
		if first := time.UnixMicro(a.first).UTC(); span.First.IsZero() || first.Before(span.First) {
			span.First = first
		}
		if last := time.UnixMicro(a.last).UTC(); span.Last.IsZero() || last.After(span.Last) {
			span.Last = last
		}
		if span.FirstDay == 0 || k.day < span.FirstDay {
			span.FirstDay = k.day
		}
		if span.LastDay == 0 || k.day > span.LastDay {
			span.LastDay = k.day
		}
	}
	return span
}

// spanOf asks raw rows what a view of earlier blocks reaches over.
func (s *Store) spanOf(ctx context.Context, v *view, site site) (pageview.Span, error) {
	span := pageview.Span{Through: v.through}
	r := &rows{v: v, site: site}
	query := fmt.Sprintf("SELECT toInt64(count()), min(at), max(at), min(day), max(day) FROM (%s)", r.views(nil, ""))
	err := s.server.each(ctx, query, func(scan func(...any) error) error {
		var n, first, last int64
		var firstDay, lastDay int32
		err := scan(&n, &first, &last, &firstDay, &lastDay)
		if n > 0 {
			span.First, span.Last = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
			span.FirstDay, span.LastDay = pageview.Day(firstDay), pageview.Day(lastDay)
		}
		return err
	})
	return span, err
}
