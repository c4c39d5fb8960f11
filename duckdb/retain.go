package duckdb

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Retain deletes a site's pageviews and stays of the days before one, after
// adding them up: answers from rollups stay what they were. It returns how many
// pageviews it deleted. A pageview of such a day that comes later is added to
// its pageviews; its visits and visitors stay, since nobody can tell whether the
// visitor had come before.
func (s *Store) Retain(ctx context.Context, name string, before pageview.Day) (int64, error) {
	db, v, err := s.reader(ctx)
	if err != nil {
		return 0, err
	}
	site := v.sites[name].id
	dims := s.dimensions(site)
	if err := s.fold(ctx, name, dims); err != nil {
		return 0, fmt.Errorf("add up pageviews of %s: %w", name, err)
	}
	through := uint64(math.MaxInt64)
	s.marks.RLock()
	for _, d := range dims {
		through = min(through, s.marks.of[markKey{site, d}].seq)
	}
	s.marks.RUnlock()
	if err := s.written(db, site); err != nil { // what is deleted could not be added up anew
		return 0, err
	}
	return s.forget(ctx, name, before, through)
}

// dimensions are all that a site is added up by.
func (s *Store) dimensions(site uint16) []rolled {
	every := []rolled{persons, bots, mixed}
	dims := rolledDay.of(every)
	for _, d := range rolledDimensions {
		dims = append(dims, d.of(every)...)
	}
	s.marks.RLock()
	defer s.marks.RUnlock()
	for k := range s.marks.of {
		if k.site == site && k.dimension >= rolledScore {
			dims = append(dims, k.dimension)
		}
	}
	return dims
}

// goneDays are the days of a site of which pageviews were deleted.
func goneDays(ctx context.Context, q querier, site uint16) (map[pageview.Day]bool, error) {
	days := map[pageview.Day]bool{}
	err := each(ctx, q, `SELECT DISTINCT "day" FROM gone WHERE site = ? AND source <> 0`, func(scan func(...any) error) error {
		var at time.Time
		err := scan(&at)
		days[pageview.DayOf(at.UTC())] = true
		return err
	}, site)
	return days, err
}
