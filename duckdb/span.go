package duckdb

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
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
	db, v, err := s.reader()
	if err != nil {
		return span, err
	}
	dims := []rolled{rolledDay}
	if err := s.fold(ctx, name, dims); err != nil {
		return span, fmt.Errorf("add up what is new: %w", err)
	}
	err = s.held(v.sites[name].id, dims, 0, func(through uint64) error {
		span, err = v.at(through).span(ctx, db, name, true)
		return err
	})
	if errors.Is(err, errMoved) {
		return v.span(ctx, db, name, false)
	}
	return span, err
}

// span is what the pageviews reach over that a view counts. Where days are added
// up, only rows about the first and the last day are read.
func (v *view) span(ctx context.Context, db *sql.DB, name string, added bool) (pageview.Span, error) {
	span := pageview.Span{Through: v.through}
	site := v.sites[name]
	ends := []string{"true"}
	var bounds [2]pageview.Day // of what is added up
	if added {
		query := fmt.Sprintf(`SELECT min("day"), max("day") FROM (SELECT "day" FROM rollups WHERE site = %d AND dimension = 0 GROUP BY 1 HAVING sum(pageviews) > 0)`, site.id)
		var first, last sql.NullTime
		if err := db.QueryRowContext(ctx, query).Scan(&first, &last); err != nil || !first.Valid {
			return span, err
		}
		bounds = [2]pageview.Day{pageview.DayOf(first.Time.UTC()), pageview.DayOf(last.Time.UTC())}
		// An instant of the next day may come first, where clocks are set back over
		// midnight. Each end is asked for on its own: an OR passes over less.
		ends = []string{between(bounds[0], bounds[0]+1)}
		if bounds[1]-1 > bounds[0]+1 {
			ends = append(ends, between(bounds[1]-1, bounds[1]))
		} else {
			ends[0] = between(bounds[0], bounds[1])
		}
	}
	for _, days := range ends {
		if err := v.reach(ctx, db, site, days, &span); err != nil {
			return span, err
		}
	}
	if added {
		widen(&span, bounds, v.zone(name))
	}
	return span, nil
}

// reach reaches a span to the counted pageviews of some days.
func (v *view) reach(ctx context.Context, db *sql.DB, site site, days string, span *pageview.Span) error {
	counted := fmt.Sprintf("site = %d AND seq <= %d AND %s AND %s", site.id, v.through, v.counting(site, v.through), days)
	row := db.QueryRowContext(ctx, strings.Replace(only(spanSQL, counted), "{pageviews}", site.pageviews(fmt.Sprint(v.through), days), 1))
	var first, last, firstDay, lastDay sql.NullTime
	if err := row.Scan(&first, &last, &firstDay, &lastDay); err != nil || !first.Valid {
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
