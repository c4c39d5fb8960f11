package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/beforehand-go/beforehand/pageview"
)

// Recount adds up a site's raw rows anew and tells where what is added up
// differs. With repair, that is replaced. Days whose raw rows are gone are passed
// over.
//
// Days of which ClickHouse has more or fewer rows than it was sent come first,
// under the dimension "rows": a server without fsync loses some with its power.
// While there are such days nothing else is looked at; with repair, what is there
// is what counts from now on.
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
	if wrong, err = s.settle(ctx, v, name, repair); err != nil || len(wrong) > 0 && !repair {
		return wrong, err
	}
	if len(wrong) > 0 {
		if v, err = s.refresh(ctx); err != nil {
			return nil, err
		}
	}
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
		f := newFolder(s, v, name, stale[0])
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
	query := fmt.Sprintf(`SELECT day, dimension, toInt64(count()) FROM (
SELECT day, dimension, key, %s, %s, %s, %s, %s FROM rollups WHERE %s
GROUP BY day, dimension, key HAVING d_pageviews != 0 OR d_visits != 0 OR d_visitors != 0 OR d_stays != 0 OR d_seconds != 0
) GROUP BY day, dimension ORDER BY day, dimension`,
		value("pageviews"), value("visits"), value("visitors"), value("stays"), value("seconds"),
		f.kept(days, fmt.Sprintf("(version = %d OR %s)", f.version, f.v.versions(f.site, f.part, first, last))))
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

// nobody is the spool of corrections of the ledger. It has no rows.
const nobody = 0

// settle compares how many raw rows there are with how many the ledger has. With
// repair, it corrects the ledger.
func (s *Store) settle(ctx context.Context, v *view, name string, repair bool) (wrong []pageview.Wrong, err error) {
	differ, err := s.differ(ctx, v, name)
	if err != nil {
		return nil, err
	}
	var r ledgerRows
	for _, e := range slices.SortedFunc(maps.Keys(differ), compareEntries) {
		n := differ[e]
		w := pageview.Wrong{Day: e.day, Dimension: "rows", Values: max(n.pageviews, -n.pageviews) + max(n.stays, -n.stays)}
		wrong = append(wrong, w)
		r.add(kindRows, e, n, "", "")
	}
	if len(wrong) == 0 || !repair {
		return wrong, nil
	}
	return wrong, s.server.enter(ctx, "", nobody, s.clock(), &r)
}

// differ tells what must be added to the ledger for it to have what is there.
func (s *Store) differ(ctx context.Context, v *view, name string) (map[entry]tally, error) {
	differ := map[entry]tally{}
	note := func(e entry, n tally) {
		known := differ[e]
		differ[e] = tally{known.pageviews + n.pageviews, known.stays + n.stays}
	}
	for day, d := range v.days[name] {
		stays := d.rows
		for _, b := range d.sources {
			note(entry{name, day, b.Source, false}, tally{-b.persons, 0})
			note(entry{name, day, b.Source, true}, tally{-b.bots, 0})
			stays -= b.persons + b.bots
		}
		note(entry{name, day, 0, false}, tally{0, -stays})
	}
	of := (&rows{v: v, site: v.sites[name]}).of()
	query := fmt.Sprintf(`SELECT day, source, toUInt8(bot != ''), toInt64(count()), toInt64(0) FROM pageviews WHERE %s GROUP BY day, source, bot != ''
UNION ALL SELECT day, toUInt8(0), toUInt8(0), toInt64(0), toInt64(count()) FROM stays WHERE %[1]s GROUP BY day`, of)
	err := s.server.each(ctx, query, func(scan func(...any) error) error {
		var day int32
		var source, bot uint8
		var n tally
		err := scan(&day, &source, &bot, &n.pageviews, &n.stays)
		note(entry{name, pageview.Day(day), pageview.Source(source), bot != 0}, n)
		return err
	})
	maps.DeleteFunc(differ, func(e entry, n tally) bool {
		_, gone := v.gone[name][dayPart{e.day, counts}]
		return gone || n == (tally{})
	})
	return differ, err
}
