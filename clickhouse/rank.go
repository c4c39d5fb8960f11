package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// Rank implements pageview.Store.
func (s *Store) Rank(ctx context.Context, q pageview.RankQuery) (pageview.Ranking, error) {
	err := q.Check()
	q.Order = cmp.Or(q.Order, pageview.RankScore)
	var r pageview.Ranking
	if err == nil {
		r, err = s.rank(ctx, q)
	}
	if err != nil {
		return pageview.Ranking{}, fmt.Errorf("rank pages of %s: %w", q.Site, err)
	}
	return r, nil
}

func (s *Store) rank(ctx context.Context, q pageview.RankQuery) (r pageview.Ranking, err error) {
	newest, err := s.current(ctx)
	if err != nil {
		return r, err
	}
	b := &ranker{s: s, q: q, v: newest.at(q.Through), site: newest.sites[q.Site]}
	b.zone = b.site.location()
	parts, added := b.parts()
	if r.Rollup = added && b.v == newest; r.Rollup {
		b.v, err = s.fold(ctx, newest, q.Site, 0, 0, parts...)
		if errors.Is(err, errBehind) {
			s.config.Logger.Error("ranked by the rows that there are", "site", q.Site, "error", err)
			b.v, r.Rollup, err = newest, false, nil
		}
		if err != nil {
			return r, fmt.Errorf("add up what is new: %w", err)
		}
	}
	if b.added = r.Rollup; b.added {
		r.Span = b.v.span(q.Site)
	} else if r.Span, err = s.spanOf(ctx, b.v, b.site); err != nil {
		return r, err
	}
	if b.q.Until.IsZero() {
		b.q.Until = r.Span.Last
	}
	if r.Until = b.q.Until; r.Until.IsZero() {
		return r, nil
	}
	b.newest = r.Span.Last
	return r, b.rank(ctx, &r)
}

// ranker ranks the pages of one site.
type ranker struct {
	s      *Store
	q      pageview.RankQuery
	v      *view
	site   site
	zone   *time.Location
	added  bool      // whole days come from what is added up
	score  rolled    // dimension of the scores; zero means that they come from raw rows
	newest time.Time // instant of the newest counted pageview
}

// parts are what must be added up for a ranking, where that can hold it.
func (b *ranker) parts() (parts []rolled, added bool) {
	if b.q.Raw || b.q.Bots != "" && b.q.Bots != pageview.BotsExclude {
		return nil, false
	}
	if b.q.Order != pageview.RankScore || !byDay(b.q.HalfLife) {
		return []rolled{counts}, true
	}
	hours := b.q.HalfLife / time.Hour
	if b.q.HalfLife != hours*time.Hour || hours > 1e6 {
		return nil, false
	}
	b.score = rolledScore + rolled(hours)
	return []rolled{counts, b.score}, true
}

// byDay tells whether a half-life is long enough for a landmark each day: with
// a shorter one, weights would outgrow what can be added up.
func byDay(halfLife time.Duration) bool { return halfLife >= 24*time.Hour }

// ranked is a page in a window.
type ranked struct {
	path   string
	values pageview.Values
	score  int64 // in billionths
}

// by is what pages are ordered by.
func (r *ranked) by(order pageview.RankOrder) int64 {
	switch order {
	case pageview.RankPageviews:
		return r.values.Pageviews
	case pageview.RankVisitors:
		return r.values.Visitors
	}
	return r.score
}

func (b *ranker) rank(ctx context.Context, r *pageview.Ranking) error {
	now := b.window(b.q.Until, b.q.Window)
	pages, err := b.pages(ctx, now, true)
	if err != nil {
		return err
	}
	earlier := pages
	if b.q.Earlier > 0 {
		if earlier, err = b.pages(ctx, b.window(b.q.Until.Add(-b.q.Earlier), b.q.Window), true); err != nil {
			return err
		}
	}
	places := map[string]int{}
	for i, p := range earlier {
		places[p.path] = i + 1
	}
	if b.q.Limit > 0 {
		pages = pages[:min(len(pages), b.q.Limit)]
	}
	before := map[string]pageview.Values{}
	if b.q.Before && b.q.Window > 0 {
		if before, err = b.before(ctx, r, now); err != nil {
			return err
		}
	}
	titles, err := b.s.titlesOf(ctx, b.site, columnOf(pages, func(p ranked) string { return p.path }))
	for _, p := range pages {
		r.Pages = append(r.Pages, pageview.Ranked{
			Page: p.path, Title: titles[p.path], Values: p.values, Before: before[p.path],
			Score: float64(p.score) / 1e9, Earlier: places[p.path],
		})
	}
	return err
}

// before counts the window before, and the totals of both.
func (b *ranker) before(ctx context.Context, r *pageview.Ranking, now interval) (of map[string]pageview.Values, err error) {
	before := b.window(now.after, b.q.Window)
	pages, err := b.pages(ctx, before, false)
	if err == nil {
		r.Total, err = b.total(ctx, now)
	}
	if err == nil {
		r.Before, err = b.total(ctx, before)
	}
	of = map[string]pageview.Values{}
	for _, p := range pages {
		of[p.path] = p.values
	}
	return of, err
}

// pages counts the pages that are asked for in a window, and puts them in order.
func (b *ranker) pages(ctx context.Context, p interval, scored bool) (pages []ranked, err error) {
	statement := b.counts(p)
	if scored && b.q.Order == pageview.RankScore {
		statement += " UNION ALL " + b.scores(p)
	}
	query := fmt.Sprintf("SELECT path, sum(pageviews) AS p, sum(visitors) AS u, sum(score) AS s FROM (%s) WHERE %s GROUP BY path HAVING p > 0", statement, b.patterns())
	err = b.s.server.each(ctx, query, func(scan func(...any) error) error {
		var r ranked
		err := scan(&r.path, &r.values.Pageviews, &r.values.Visitors, &r.score)
		pages = append(pages, r)
		return err
	})
	slices.SortFunc(pages, func(x, y ranked) int {
		return cmp.Or(cmp.Compare(y.by(b.q.Order), x.by(b.q.Order)), strings.Compare(x.path, y.path))
	})
	return pages, err
}

// titlesOf are the titles of a site's pages.
func (s *Store) titlesOf(ctx context.Context, site site, paths []string) (map[string]string, error) {
	titles := map[string]string{}
	for part := range slices.Chunk(paths, 10_000) {
		query := fmt.Sprintf("SELECT path, argMax(title, place) FROM titles WHERE site = %s AND place > %d AND path IN (%s) GROUP BY path",
			quote(site.name), site.since, strings.Join(columnOf(part, quote), ", "))
		err := s.server.each(ctx, query, func(scan func(...any) error) error {
			var path, title string
			err := scan(&path, &title)
			titles[path] = title
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return titles, nil
}

// patterns is the condition that a path is asked for.
func (b *ranker) patterns() string {
	anyOf := func(patterns []string, none string) string {
		var either []string
		for _, p := range patterns {
			either = append(either, matches("path", p, true))
		}
		if len(either) == 0 {
			return none
		}
		return "(" + strings.Join(either, " OR ") + ")"
	}
	return anyOf(b.q.Pages, "1") + " AND NOT " + anyOf(b.q.Except, "0")
}

// interval is what was seen after one instant, up to another. The days it holds
// whole can be taken from what is added up.
type interval struct {
	after, upTo time.Time // after is zero where it has no beginning
	first, last pageview.Day
}

// window is the period of a length that ends at an instant; of length zero it
// has no beginning.
func (b *ranker) window(upTo time.Time, length time.Duration) interval {
	p := interval{upTo: upTo}
	if length > 0 {
		p.after = upTo.Add(-length)
	}
	p.first, p.last = engine.Whole(p.after, p.upTo, b.newest, b.zone)
	if !b.added {
		p.first, p.last = pageview.LastDay, pageview.FirstDay
	}
	return p
}

// cut reads month, day, visitor, at and path of the raw rows of a period on days
// that it does not hold whole.
func (b *ranker) cut(p interval) string {
	r := &rows{v: b.v, site: b.site, bots: b.q.Bots}
	if p.after.IsZero() && p.first == pageview.FirstDay && p.last == pageview.LastDay {
		return r.views(nil, "0")
	}
	first := pageview.Day(0)
	instants := fmt.Sprintf("at <= %d", p.upTo.UnixMicro())
	if !p.after.IsZero() {
		first = pageview.DayOf(p.after.In(b.zone)) - 1
		instants += fmt.Sprintf(" AND at > %d", p.after.UnixMicro())
	}
	r.days = between(first, pageview.DayOf(p.upTo.In(b.zone))+1)
	if p.first <= p.last {
		r.days += fmt.Sprintf(" AND (day < %d OR day > %d)", p.first, p.last)
	}
	return r.views(nil, instants)
}

// whole is the condition that holds for what is added up in a dimension, of the
// days that a period holds whole.
func (b *ranker) whole(p interval, d rolled) string {
	if p.first > p.last {
		return "0"
	}
	part := counts
	if d >= rolledScore {
		part = d
	}
	return and("site = "+quote(b.site.name), fmt.Sprintf("dimension = %d", d), b.v.versions(b.site, part, p.first, p.last), between(p.first, p.last))
}

// counts reads path, pageviews and visitors of a period.
func (b *ranker) counts(p interval) string {
	return fmt.Sprintf(`SELECT key AS path, pageviews, visitors, toInt64(0) AS score FROM rollups WHERE %s
UNION ALL
SELECT path, toInt64(count()) AS pageviews, toInt64(uniqExactIf(day, visitor, visitor != 0)) AS visitors, toInt64(0) AS score FROM (%s) GROUP BY path`,
		b.whole(p, rolledPage), b.cut(p))
}

// total counts all pages of a period.
func (b *ranker) total(ctx context.Context, p interval) (v pageview.Values, err error) {
	query := fmt.Sprintf(`SELECT sum(pageviews), sum(visitors) FROM (
SELECT pageviews, visitors FROM rollups WHERE %s
UNION ALL
SELECT toInt64(count()) AS pageviews, toInt64(uniqExactIf(day, visitor, visitor != 0)) AS visitors FROM (%s)
)`, b.whole(p, rolledDay), b.cut(p))
	err = b.s.server.each(ctx, query, func(scan func(...any) error) error { return scan(&v.Pageviews, &v.Visitors) })
	return v, err
}

// scores reads path and score of what pages score at the end of a period.
//
// It is added up at landmarks: the beginning of each day, or the period's end
// where the half-life is short. Then only the last 38 half-lives can count: a
// weight is a whole number, and rounds to zero before. Sums of whole numbers do
// not depend on the order in which rows are added up.
func (b *ranker) scores(p interval) string {
	halfLife := fmt.Sprint(b.q.HalfLife.Microseconds())
	end := p.upTo.UnixMicro()
	var weights string
	if !byDay(b.q.HalfLife) {
		if first := p.upTo.Add(-38 * b.q.HalfLife); p.after.Before(first) {
			p.after = first
		}
		p.first, p.last = pageview.LastDay, pageview.FirstDay
		weights = fmt.Sprintf("SELECT path, toInt64(%d) AS landmark, sum(%s) AS weight FROM (%s) GROUP BY path",
			end, weightOf(fmt.Sprintf("at - %d", end), halfLife), b.cut(p))
	} else {
		weights = fmt.Sprintf("SELECT path, toInt64(day) * %d AS landmark, sum(%s) AS weight FROM (%s) GROUP BY path, day",
			dayMicros, weightOf(fmt.Sprintf("at - toInt64(day) * %d", dayMicros), halfLife), b.cut(p))
		if b.score != 0 {
			weights += fmt.Sprintf(" UNION ALL SELECT key AS path, toInt64(day) * %d AS landmark, sum(pageviews) AS weight FROM rollups WHERE %s GROUP BY key, day",
				dayMicros, b.whole(p, b.score))
		}
	}
	return fmt.Sprintf("SELECT path, toInt64(0) AS pageviews, toInt64(0) AS visitors, toInt64(round(weight * pow(2, (landmark - %d) / %s) / %s)) AS score FROM (%s)",
		end, halfLife, finer, weights)
}
