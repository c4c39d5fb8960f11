package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// siteDays are a site's local days. What it holds is replaced, never changed,
// since readers may have it.
type siteDays map[pageview.Day]siteDay

// siteDay is what the ledger tells of a local day.
type siteDay struct {
	sources []began
	rows    int64 // pageviews and stays
}

// began tells how many pageviews a source has on a day, and the first block of
// those by persons and of those by bots. Zero means that there is none.
type began struct {
	source        pageview.Source
	persons, bots int64
	person, bot   uint64
}

// known tells whether anything of it is in the blocks up to one.
func (b began) known(through uint64) bool {
	return b.person != 0 && b.person <= through || b.bot != 0 && b.bot <= through
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
	i := slices.IndexFunc(known.sources, func(b began) bool { return b.source == source })
	if i < 0 {
		i = len(known.sources)
		known.sources = append(known.sources, began{source: source})
	}
	b := &known.sources[i]
	earliest := func(known uint64) uint64 {
		if known == 0 {
			return first
		}
		return min(known, first)
	}
	if bot {
		b.bots, b.bot = b.bots+n.pageviews, earliest(b.bot)
	} else {
		b.persons, b.person = b.persons+n.pageviews, earliest(b.person)
	}
}

// counted are the sources that count on a day, of what is in the blocks up to
// one.
func counted(p pageview.Precedence, sources []began, through uint64) []pageview.Source {
	var persons, all []pageview.Source
	for _, b := range sources {
		if b.person != 0 && b.person <= through {
			persons = append(persons, b.source)
		}
		if b.known(through) {
			all = append(all, b.source)
		}
	}
	return p.Counted(persons, all)
}

// stretch is a stretch of days on which a source does not count.
type stretch struct {
	source      pageview.Source
	first, last pageview.Day
}

// left are the stretches of days on which a source does not count.
func (d siteDays) left(p pageview.Precedence, through uint64) []stretch {
	var done []stretch
	open := map[pageview.Source]stretch{}
	for _, day := range slices.Sorted(maps.Keys(d)) {
		if len(d[day].sources) < 2 {
			continue
		}
		counts := counted(p, d[day].sources, through)
		for _, b := range d[day].sources {
			s, ok := open[b.source]
			switch {
			case !b.known(through), slices.Contains(counts, b.source):
				continue
			case ok && s.last == day-1:
				s.last = day
			default:
				if ok {
					done = append(done, s)
				}
				s = stretch{b.source, day, day}
			}
			open[b.source] = s
		}
	}
	return slices.AppendSeq(done, maps.Values(open))
}

// counting is the condition, on the columns day and source, that holds for
// pageviews whose source counts. It has one term for each source.
func (v *view) counting(s site) string {
	days := map[pageview.Source][]string{}
	for _, l := range v.days[s.name].left(s.precedence, v.through) {
		days[l.source] = append(days[l.source], fmt.Sprintf("day >= %d AND day <= %d", l.first, l.last))
	}
	var c []string
	for _, source := range slices.Sorted(maps.Keys(days)) {
		c = append(c, fmt.Sprintf("NOT (source = %d AND (%s))", source, strings.Join(days[source], " OR ")))
	}
	return strings.Join(c, " AND ")
}

// uncounted are the sources that do not count on some of the days.
func (v *view) uncounted(s site, from, to pageview.Day) []pageview.Uncounted {
	of := map[pageview.Source]pageview.Uncounted{}
	for _, l := range v.days[s.name].left(s.precedence, v.through) {
		first, last := l.first, l.last
		if from != 0 {
			first = max(first, from)
		}
		if to != 0 {
			last = min(last, to)
		}
		if first > last {
			continue
		}
		u, known := of[l.source]
		if !known {
			u = pageview.Uncounted{Source: l.source, First: first, Last: last}
		}
		u.First, u.Last = min(u.First, first), max(u.Last, last)
		u.Days += int(last-first) + 1
		of[l.source] = u
	}
	return slices.SortedFunc(maps.Values(of), func(a, b pageview.Uncounted) int { return cmp.Compare(a.Source, b.Source) })
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
		sources := slices.SortedFunc(slices.Values(days[day].sources), func(a, b began) int { return cmp.Compare(a.source, b.source) })
		counts := counted(site.precedence, sources, v.through)
		for _, b := range sources {
			answer = append(answer, pageview.SourceDay{
				Day: day, Source: b.source, Pageviews: b.persons, Bots: b.bots, Counts: slices.Contains(counts, b.source),
			})
		}
	}
	return answer, nil
}
