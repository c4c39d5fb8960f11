package duckdb

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

//go:embed queries/sources.sql
var sourcesSQL string

// siteDays are the sources of a site's local days. A slice in it is replaced,
// never changed, since readers may have it.
type siteDays map[pageview.Day][]engine.Began

// note notes a pageview. It tells whether that was the first of its kind.
func (d siteDays) note(r sourceRow) bool {
	known := d[r.day]
	i := slices.IndexFunc(known, func(b engine.Began) bool { return b.Source == r.source })
	if i >= 0 && (r.bot && known[i].Bot != 0 || !r.bot && known[i].Person != 0) {
		return false
	}
	sources := slices.Clone(known)
	if i < 0 {
		i = len(sources)
		sources = append(sources, engine.Began{Source: r.source})
	}
	if r.bot {
		sources[i].Bot = r.seq
	} else {
		sources[i].Person = r.seq
	}
	d[r.day] = sources
	return true
}

// counting is the condition, on the columns day and source, that holds for
// pageviews that count, of what was kept of a site up to a sequence number.
func (v *view) counting(s site, through uint64) string {
	var b strings.Builder
	b.WriteString("true")
	for _, l := range engine.Left(v.mixed[s.id], s.precedence, through) {
		fmt.Fprintf(&b, ` AND NOT (source = %d AND "day" BETWEEN DATE '%s' AND DATE '%s')`, l.Source, l.First, l.Last)
	}
	return b.String()
}

// only puts the condition of what counts into a query.
func only(query, condition string) string { return strings.ReplaceAll(query, "{counting}", condition) }

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
	db, v, err := s.reader(ctx)
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
			d.Counts = slices.Contains(engine.Counted(site.precedence, sources, v.through), d.Source)
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
