package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

//go:embed queries/sources.sql
var sourcesSQL string

// began tells when the first pageview of a source on a day was kept, as a
// sequence number: by a person, and by a bot. Zero means that there is none.
type began struct {
	source      pageview.Source
	person, bot uint64
}

// known tells whether anything of it was kept up to a sequence number.
func (b began) known(through uint64) bool {
	return b.person != 0 && b.person <= through || b.bot != 0 && b.bot <= through
}

// siteDays are the sources of a site's local days. A slice in it is replaced,
// never changed, since readers may have it.
type siteDays map[pageview.Day][]began

// note notes a pageview. It tells whether that was the first of its kind.
func (d siteDays) note(r sourceRow) bool {
	known := d[r.day]
	i := slices.IndexFunc(known, func(b began) bool { return b.source == r.source })
	if i >= 0 && (r.bot && known[i].bot != 0 || !r.bot && known[i].person != 0) {
		return false
	}
	sources := slices.Clone(known)
	if i < 0 {
		i = len(sources)
		sources = append(sources, began{source: r.source})
	}
	if r.bot {
		sources[i].bot = r.seq
	} else {
		sources[i].person = r.seq
	}
	d[r.day] = sources
	return true
}

// counted are the sources that count on a day, of what was kept up to a
// sequence number.
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

// left are the stretches of days of a site, on which a source does not count.
func (d siteDays) left(p pageview.Precedence, through uint64) []stretch {
	var done []stretch
	open := map[pageview.Source]stretch{}
	for _, day := range slices.Sorted(maps.Keys(d)) {
		counts := counted(p, d[day], through)
		for _, b := range d[day] {
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
// pageviews that count, of what was kept of a site up to a sequence number.
func (v *view) counting(s site, through uint64) string {
	var b strings.Builder
	b.WriteString("true")
	for _, l := range v.mixed[s.id].left(s.precedence, through) {
		fmt.Fprintf(&b, ` AND NOT (source = %d AND "day" BETWEEN DATE '%s' AND DATE '%s')`, l.source, l.first, l.last)
	}
	return b.String()
}

// only puts the condition of what counts into a query.
func only(query, condition string) string { return strings.ReplaceAll(query, "{counting}", condition) }

// uncounted are the sources that do not count on some of the days, of what was
// kept of a site up to a sequence number.
func (v *view) uncounted(s site, through uint64, from, to pageview.Day) []pageview.Uncounted {
	of := map[pageview.Source]pageview.Uncounted{}
	for _, l := range v.mixed[s.id].left(s.precedence, through) {
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
func (s *Store) Sources(ctx context.Context, name string, from, to pageview.Day) ([]pageview.SourceDay, error) {
	answer, err := reading(ctx, s, func() ([]pageview.SourceDay, error) { return s.sources(ctx, name, from, to) })
	if err != nil {
		return nil, fmt.Errorf("sources of %s: %w", name, err)
	}
	return answer, nil
}

func (s *Store) sources(ctx context.Context, name string, from, to pageview.Day) ([]pageview.SourceDay, error) {
	db, v, err := s.reader()
	if err != nil {
		return nil, err
	}
	site := v.sites[name]
	var answer []pageview.SourceDay
	err = each(ctx, db, sourcesSQL, func(scan func(...any) error) error {
		var day time.Time
		var d pageview.SourceDay
		err := scan(&day, &d.Source, &d.Pageviews, &d.Bots)
		d.Day, d.Counts = pageview.DayOf(day.UTC()), true
		if sources := v.mixed[site.id][d.Day]; sources != nil {
			d.Counts = slices.Contains(counted(site.precedence, sources, v.through), d.Source)
		}
		answer = append(answer, d)
		return err
	},
		sql.Named("site", site.id), sql.Named("through", v.through),
		sql.Named("from_day", from.Date(utc)), sql.Named("to_day", to.Date(utc)))
	return answer, err
}

// sourceRow is a row of the table sources.
type sourceRow struct {
	site   uint16
	day    pageview.Day
	source pageview.Source
	bot    bool
	seq    uint64
}

// noteSource notes a pageview that begins a source on a day. It tells whether
// it was the first of its kind.
func (w *writer) noteSource(r sourceRow) bool {
	days := w.days[r.site]
	if days == nil {
		days = siteDays{}
		w.days[r.site] = days
	}
	if !days.note(r) {
		return false
	}
	if len(days[r.day]) > 1 {
		w.remix(r.site, r.day)
	}
	return true
}

// remix tells readers of a day with several sources.
func (w *writer) remix(site uint16, day pageview.Day) {
	if !w.newMixed[site] {
		mixed := maps.Clone(w.mixed[site])
		if mixed == nil {
			mixed = siteDays{}
		}
		w.mixed = maps.Clone(w.mixed)
		w.mixed[site], w.newMixed[site] = mixed, true
	}
	w.mixed[site][day] = w.days[site][day]
}
