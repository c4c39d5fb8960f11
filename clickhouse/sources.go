package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// siteDays are a site's local days. What it holds is replaced, never changed,
// since readers may have it.
type siteDays map[pageview.Day]siteDay

// siteDay is what the ledger tells of a local day.
type siteDay struct {
	sources []began
	rows    int64 // pageviews and stays
}

// began tells when a source began on a day, as a number of a block, and how many
// pageviews it has.
type began struct {
	engine.Began
	persons, bots int64
}

// note notes what blocks hold of a day.
func (d siteDays) note(day pageview.Day, source pageview.Source, bot bool, n tally, first uint64) {
	known := d[day]
	known.rows += n.pageviews + n.stays
	defer func() { d[day] = known }()
	if n.pageviews == 0 {
		return
	}
	known.sources = slices.Clone(known.sources)
	i := slices.IndexFunc(known.sources, func(b began) bool { return b.Source == source })
	if i < 0 {
		i = len(known.sources)
		known.sources = append(known.sources, began{Began: engine.Began{Source: source}})
	}
	b := &known.sources[i]
	earliest := func(known uint64) uint64 {
		if known == 0 {
			return first
		}
		return min(known, first)
	}
	if bot {
		b.bots, b.Bot = b.bots+n.pageviews, earliest(b.Bot)
	} else {
		b.persons, b.Person = b.persons+n.pageviews, earliest(b.Person)
	}
}

// beginnings are when sources began.
func beginnings(sources []began) []engine.Began {
	list := make([]engine.Began, len(sources))
	for i, b := range sources {
		list[i] = b.Began
	}
	return list
}

// leftOut are the sources of a day of a site that do not count.
func (v *view) leftOut(s site, day pageview.Day) (sources []pageview.Source) {
	began := beginnings(v.days[s.name][day].sources)
	counted := engine.Counted(s.precedence, began, v.through)
	for _, b := range began {
		if !slices.Contains(counted, b.Source) {
			sources = append(sources, b.Source)
		}
	}
	slices.Sort(sources)
	return sources
}

// left are the stretches of days on which a source of a site does not count.
func (v *view) left(s site) []engine.Stretch {
	mixed := map[pageview.Day][]engine.Began{}
	for day, d := range v.days[s.name] {
		if len(d.sources) > 1 {
			mixed[day] = beginnings(d.sources)
		}
	}
	return engine.Left(mixed, s.precedence, v.through)
}

// counting is the condition, on the columns day and source, that holds for
// pageviews whose source counts. It has one term for each source.
func (v *view) counting(s site) string {
	days := map[pageview.Source][]string{}
	for _, l := range v.left(s) {
		days[l.Source] = append(days[l.Source], fmt.Sprintf("day >= %d AND day <= %d", l.First, l.Last))
	}
	var c []string
	for _, source := range slices.Sorted(maps.Keys(days)) {
		c = append(c, fmt.Sprintf("NOT (source = %d AND (%s))", source, strings.Join(days[source], " OR ")))
	}
	return strings.Join(c, " AND ")
}

// Sources tells of each local day from one to another which sources have
// pageviews, and whether they count. Every other answer leaves out those that
// do not.
func (s *Store) Sources(ctx context.Context, name string, from, to pageview.Day) (answer []pageview.SourceDay, err error) {
	v, err := s.current(ctx)
	if err != nil {
		return nil, fmt.Errorf("sources of %s: %w", name, err)
	}
	site, days := v.sites[name], v.days[name]
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if day < from || day > to {
			continue
		}
		sources := slices.SortedFunc(slices.Values(days[day].sources), func(a, b began) int { return cmp.Compare(a.Source, b.Source) })
		counts := engine.Counted(site.precedence, beginnings(sources), v.through)
		for _, b := range sources {
			answer = append(answer, pageview.SourceDay{
				Day: day, Source: b.Source, Pageviews: b.persons, Bots: b.bots, Counts: slices.Contains(counts, b.Source),
			})
		}
	}
	return answer, nil
}
