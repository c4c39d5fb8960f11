package clickhouse

import (
	"context"
	"fmt"
	"slices"

	"github.com/beforehand-go/beforehand/pageview"
)

// Recount adds up a site's raw rows anew and tells where what is added up
// differs. With repair, that is replaced. Days whose raw rows are gone are passed
// over.
func (s *Store) Recount(ctx context.Context, name string, repair bool) ([]pageview.Wrong, error) {
	wrong, err := s.recount(ctx, name, repair)
	if err != nil {
		return nil, fmt.Errorf("recount %s: %w", name, err)
	}
	return wrong, nil
}

func (s *Store) recount(ctx context.Context, name string, repair bool) (wrong []pageview.Wrong, err error) {
	v, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	if _, known := v.sites[name]; !known {
		return nil, fmt.Errorf("there is no site %q", name)
	}
	parts := v.parts(name)
	if v, err = s.fold(ctx, v, name, 0, 0, parts...); err != nil {
		return nil, err
	}
	s.folding.Lock() // nothing is added up meanwhile
	defer s.folding.Unlock()
	nothing := v.clone()
	nothing.added[name] = nil // so that each day is stale
	stale := slices.DeleteFunc(nothing.stale(name, 0, 0, parts), func(k dayPart) bool {
		_, gone := v.gone[name][dayPart{k.day, counts}]
		return gone
	})
	for len(stale) > 0 {
		n := v.chunk(name, stale)
		f := folder{s: s, v: v, site: v.sites[name], part: stale[0].part, version: s.version()}
		found, err := f.fill(ctx, stale[:n])
		if err != nil {
			return nil, err
		}
		differ, err := f.differing(ctx, stale[:n])
		if err != nil {
			return nil, err
		}
		if wrong = append(wrong, differ...); repair && len(differ) > 0 {
			if err := f.name(ctx, found); err != nil {
				return nil, err
			}
			s.learned(name, found)
		}
		stale = stale[n:]
	}
	slices.SortStableFunc(wrong, func(a, b pageview.Wrong) int { return int(a.Day - b.Day) })
	return wrong, nil
}

// differing compares the folder's version with the one that is used.
func (f *folder) differing(ctx context.Context, stale []dayPart) (wrong []pageview.Wrong, err error) {
	days := columnOf(stale, func(k dayPart) pageview.Day { return k.day })
	first, last := slices.Min(days), slices.Max(days)
	value := func(c string) string {
		return fmt.Sprintf("sum(if(version = %d, %s, -%[2]s)) AS %s", f.version, c, "d_"+c)
	}
	part := fmt.Sprintf("dimension < %d", rolledScore)
	if f.part >= rolledScore {
		part = fmt.Sprintf("dimension = %d", f.part)
	}
	query := fmt.Sprintf(`SELECT day, dimension, toInt64(count()) FROM (
SELECT day, dimension, key, %s, %s, %s, %s, %s FROM rollups WHERE %s AND (version = %d OR %s)
GROUP BY day, dimension, key HAVING d_pageviews != 0 OR d_visits != 0 OR d_visitors != 0 OR d_stays != 0 OR d_seconds != 0
) GROUP BY day, dimension ORDER BY day, dimension`,
		value("pageviews"), value("visits"), value("visitors"), value("stays"), value("seconds"),
		and("site = "+quote(f.site.name), part, in("day", days)), f.version, f.v.versions(f.site, f.part, first, last))
	err = f.s.server.each(ctx, query, func(scan func(...any) error) error {
		var w pageview.Wrong
		var day int32
		var d uint32
		err := scan(&day, &d, &w.Values)
		w.Day, w.Dimension = pageview.Day(day), rolled(d).String()
		wrong = append(wrong, w)
		return err
	})
	return wrong, err
}
