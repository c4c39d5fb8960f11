package duckdb

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

//go:embed queries/span.sql
var spanSQL string

// Span implements pageview.Store.
func (s *Store) Span(ctx context.Context, name string) (pageview.Span, error) {
	span, err := reading(ctx, s, func() (pageview.Span, error) { return s.span(ctx, name) })
	if err != nil {
		return pageview.Span{}, fmt.Errorf("span of %s: %w", name, err)
	}
	return span, nil
}

func (s *Store) span(ctx context.Context, name string) (span pageview.Span, err error) {
	db, v, err := s.reader(ctx)
	if err != nil {
		return span, err
	}
	dims := []rolled{rolledDay}
	if err := s.fold(ctx, name, dims); err != nil {
		return span, fmt.Errorf("add up what is new: %w", err)
	}
	err = s.held(v.sites[name].id, dims, 0, func(through uint64) error {
		span, err = s.addedSpan(ctx, db, v.at(through), name)
		return err
	})
	if errors.Is(err, errMoved) {
		return v.span(ctx, db, name)
	}
	return span, err
}

// addedSpan is what the pageviews reach over that a view counts, where days are added
// up to it: so only rows about the first and the last day are read.
func (s *Store) addedSpan(ctx context.Context, db *sql.DB, v *view, name string) (pageview.Span, error) {
	site := v.sites[name]
	span, known, deleted := s.mirror.span(site.id)
	if known {
		return span, nil
	}
	span.Through = v.through
	bounds, err := s.bounds(ctx, db, site.id)
	if err != nil || bounds == nil {
		return span, err
	}
	// An instant of the next day may come first, where clocks are set back over
	// midnight. Each end is asked for on its own: an OR passes over less.
	ends := []string{between(bounds[0], bounds[0]+1), between(bounds[1]-1, bounds[1])}
	if bounds[1]-1 <= bounds[0]+1 {
		ends = []string{between(bounds[0], bounds[1])}
	}
	if err := v.reach(ctx, db, site, ends, &span); err != nil {
		return span, err
	}
	widen(&span, *bounds, v.zone(name))
	if site.rate == (pageview.Rate{}) { // or what is new can change the verdict on what was there
		s.mirror.keepSpan(site.id, span, deleted)
	}
	return span, nil
}

// bounds are the first and the last day that is added up of a site; nil means that there
// is none.
func (s *Store) bounds(ctx context.Context, db *sql.DB, site uint16) (*[2]pageview.Day, error) {
	sums, err := s.mirror.sums(ctx, db, site, []rolled{rolledDay}, pageview.FirstDay)
	if err != nil {
		return nil, err
	}
	if sums == nil {
		if err := s.written(db, site); err != nil {
			return nil, err
		}
		query := fmt.Sprintf(`SELECT min("day"), max("day") FROM (SELECT "day" FROM rollups WHERE site = %d AND dimension = 0 GROUP BY 1 HAVING sum(pageviews) > 0)`, site)
		var first, last sql.NullTime
		if err := db.QueryRowContext(ctx, query).Scan(&first, &last); err != nil || !first.Valid {
			return nil, err
		}
		return &[2]pageview.Day{pageview.DayOf(first.Time.UTC()), pageview.DayOf(last.Time.UTC())}, nil
	}
	var bounds *[2]pageview.Day
	for _, d := range sums[0].days {
		switch {
		case !slices.ContainsFunc(d.sums, func(s keySum) bool { return s.pageviews > 0 }):
		case bounds == nil:
			bounds = &[2]pageview.Day{d.day, d.day}
		default:
			bounds[1] = d.day
		}
	}
	return bounds, nil
}

// span is what the pageviews reach over that a view counts.
func (v *view) span(ctx context.Context, db *sql.DB, name string) (pageview.Span, error) {
	span := pageview.Span{Through: v.through}
	err := v.reach(ctx, db, v.sites[name], []string{"true"}, &span)
	return span, err
}

// reach reaches a span to the counted pageviews of some days, by a condition for each
// stretch of them.
func (v *view) reach(ctx context.Context, db *sql.DB, site site, stretches []string, span *pageview.Span) error {
	var queries []string
	for _, days := range stretches {
		counted := fmt.Sprintf("site = %d AND seq <= %d AND %s AND %s", site.id, v.through, v.counting(site, v.through), days)
		queries = append(queries, strings.Replace(only(spanSQL, counted), "{pageviews}", site.pageviews(fmt.Sprint(v.through), days), 1))
	}
	return each(ctx, db, strings.Join(queries, "UNION ALL\n"), func(scan func(...any) error) error {
		var first, last, firstDay, lastDay sql.NullTime
		if err := scan(&first, &last, &firstDay, &lastDay); err != nil || !first.Valid {
			return err
		}
		none := span.First.IsZero()
		if none || first.Time.Before(span.First) {
			span.First = first.Time.UTC()
		}
		if none || last.Time.After(span.Last) {
			span.Last = last.Time.UTC()
		}
		if day := pageview.DayOf(firstDay.Time.UTC()); none || day < span.FirstDay {
			span.FirstDay = day
		}
		if day := pageview.DayOf(lastDay.Time.UTC()); none || day > span.LastDay {
			span.LastDay = day
		}
		return nil
	})
}

// widen reaches over days whose pageviews are deleted: of these only the day is
// known.
func widen(span *pageview.Span, bounds [2]pageview.Day, zone *time.Location) {
	none := span.First.IsZero()
	if none || bounds[0] < span.FirstDay {
		span.FirstDay, span.First = bounds[0], bounds[0].Date(zone).UTC()
	}
	if none || bounds[1] > span.LastDay {
		span.LastDay, span.Last = bounds[1], (bounds[1] + 1).Date(zone).UTC().Add(-time.Microsecond)
	}
}

// at is a view of what was kept up to a sequence number.
func (v *view) at(through uint64) *view {
	earlier := *v
	earlier.through = through
	return &earlier
}

// zone is the zone of a site's days.
func (v *view) zone(name string) *time.Location {
	zone, err := time.LoadLocation(v.sites[name].zone)
	if err != nil {
		return utc
	}
	return zone
}

// upTo is the highest sequence number to count; zero means all that was
// committed. What is committed meanwhile is not counted, since it may change
// which sources count.
func (v *view) upTo(seq uint64) uint64 {
	if seq == 0 {
		return v.through
	}
	return min(seq, v.through)
}
