package duckdb

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

//go:embed queries/rank.sql
var rankSQL string

// Rank implements pageview.Store.
func (s *Store) Rank(ctx context.Context, q pageview.RankQuery) (pageview.Ranking, error) {
	err := q.Check()
	if q.Order == "" {
		q.Order = pageview.RankScore
	}
	var r pageview.Ranking
	if err == nil {
		r, err = reading(ctx, s, func() (pageview.Ranking, error) { return s.rank(ctx, q) })
	}
	if err != nil {
		return pageview.Ranking{}, fmt.Errorf("rank pages of %s: %w", q.Site, err)
	}
	return r, nil
}

func (s *Store) rank(ctx context.Context, q pageview.RankQuery) (pageview.Ranking, error) {
	r, err := s.rankAdded(ctx, q)
	if errors.Is(err, errMoved) {
		return s.rankRaw(ctx, q)
	}
	return r, err
}

// rankAdded ranks by what is added up, after adding up what is new.
func (s *Store) rankAdded(ctx context.Context, q pageview.RankQuery) (r pageview.Ranking, err error) {
	db, v, err := s.reader()
	if err != nil {
		return r, err
	}
	bots := q.Bots != "" && q.Bots != pageview.BotsExclude
	if q.Raw || bots || q.Through != 0 && q.Through < v.through {
		return r, errMoved
	}
	dims := []rolled{rolledDay, rolledPage}
	var score rolled
	if hours := q.HalfLife / time.Hour; q.Order == pageview.RankScore && byDay(q.HalfLife) {
		if q.HalfLife != hours*time.Hour || hours > 1e6 {
			return r, errMoved
		}
		score = rolledScore + rolled(hours)
		dims = append(dims, score)
	}
	if err := s.fold(ctx, q.Site, dims); err != nil {
		return r, fmt.Errorf("add up what is new: %w", err)
	}
	err = s.held(v.sites[q.Site].id, dims, q.Through, func(through uint64) error {
		v := v.at(through)
		if r.Span, err = v.span(ctx, db, q.Site, true); err != nil {
			return err
		}
		r.Rollup = true
		return (&ranker{q: q, added: true, score: score, words: s.view.Load}).rank(ctx, db, v, &r)
	})
	return r, err
}

// rankRaw ranks raw rows.
func (s *Store) rankRaw(ctx context.Context, q pageview.RankQuery) (r pageview.Ranking, err error) {
	db, v, err := s.reader()
	if err != nil {
		return r, err
	}
	v = v.at(v.upTo(q.Through))
	if r.Span, err = v.span(ctx, db, q.Site, false); err != nil {
		return r, err
	}
	return r, (&ranker{q: q, words: s.view.Load}).rank(ctx, db, v, &r)
}

// byDay tells whether a half-life is long enough for a landmark each day: with
// a shorter one, weights would outgrow what can be added up.
func byDay(halfLife time.Duration) bool { return halfLife >= 24*time.Hour }

// ranker writes the SQL of one ranking.
type ranker struct {
	*builder
	q        pageview.RankQuery
	added    bool       // whole days come from what is added up
	score    rolled     // dimension of the scores; zero means that they come from raw rows
	newest   time.Time  // instant of the newest counted pageview
	counted  string     // holds for rows that count, at whatever time
	halfLife string     // in microseconds
	windows  []interval // now, earlier, and, if it is asked for, before
	words    func() *view
}

func (b *ranker) rank(ctx context.Context, db querier, v *view, r *pageview.Ranking) error {
	if b.q.Until.IsZero() {
		b.q.Until = r.Span.Last
	}
	r.Until = b.q.Until
	if r.Until.IsZero() {
		return nil
	}
	b.newest = r.Span.Last
	b.builder = newBuilder(&pageview.Query{Site: b.q.Site, Through: v.through, Bots: b.q.Bots}, v)
	b.counted = b.countedRows()
	b.halfLife = fmt.Sprint(b.q.HalfLife.Microseconds())
	now := b.window("now", b.q.Until, b.q.Window)
	b.windows = []interval{now, b.window("earlier", b.q.Until.Add(-b.q.Earlier), b.q.Window)}
	if b.q.Before && b.q.Window > 0 {
		before := b.window("before", now.after, b.q.Window)
		b.windows = append(b.windows, before)
		for of, p := range map[*pageview.Values]interval{&r.Total: now, &r.Before: before} {
			if err := eachNumbers(ctx, db, b.total(p), []*int64{&of.Pageviews, &of.Visitors}, func() {}); err != nil {
				return err
			}
		}
	}
	pages, err := b.count(ctx, db)
	if err != nil {
		return err
	}
	listed := b.order(pages, b.words().paths)
	if len(listed) == 0 {
		return nil
	}
	for _, p := range listed {
		r.Pages = append(r.Pages, pageview.Ranked{
			Page: p.path, Values: p.of[0].Values, Before: p.of[2].Values, Score: float64(p.of[0].score) / 1e9, Earlier: p.place,
		})
	}
	return b.complete(ctx, db, now, listed, r.Pages)
}

// rankedPage is what a page has in each window: now, earlier, and before.
type rankedPage struct {
	id    int64
	path  string
	place int // earlier, from 1; zero means that it had no pageview then
	of    [3]struct {
		pageview.Values
		score int64 // in billionths
	}
}

// value is what pages are ordered by in a window.
func (p *rankedPage) value(window int, o pageview.RankOrder) int64 {
	switch o {
	case pageview.RankPageviews:
		return p.of[window].Pageviews
	case pageview.RankVisitors:
		return p.of[window].Visitors
	}
	return p.of[window].score
}

// count counts each page that is asked for.
func (b *ranker) count(ctx context.Context, db querier) ([]*rankedPage, error) {
	var pages []*rankedPage
	var p rankedPage
	fields := []*int64{&p.id}
	for w := range b.windows {
		fields = append(fields, &p.of[w].Pageviews, &p.of[w].Visitors, &p.of[w].score)
	}
	err := eachNumbers(ctx, db, b.statement(), fields, func() {
		one := p
		pages = append(pages, &one)
	}, b.args...)
	return pages, err
}

// order gives those to list, in their order, with the place that they had earlier.
// SQL would need a window function for it; see builder.answer.
func (b *ranker) order(pages []*rankedPage, paths []string) []*rankedPage {
	for _, p := range pages {
		p.path = paths[p.id]
	}
	sorted := func(window int) []*rankedPage {
		there := slices.DeleteFunc(slices.Clone(pages), func(p *rankedPage) bool { return p.of[window].Pageviews == 0 })
		slices.SortFunc(there, func(x, y *rankedPage) int {
			if c := cmp.Compare(y.value(window, b.q.Order), x.value(window, b.q.Order)); c != 0 {
				return c
			}
			return strings.Compare(x.path, y.path)
		})
		return there
	}
	for i, p := range sorted(1) {
		p.place = i + 1
	}
	listed := sorted(0)
	if b.q.Limit > 0 {
		listed = listed[:min(len(listed), b.q.Limit)]
	}
	return listed
}

// complete adds what is known of the pages that are listed only: titles, and
// visitors that were not counted for all.
func (b *ranker) complete(ctx context.Context, db querier, now interval, listed []*rankedPage, pages []pageview.Ranked) error {
	at := map[int64]int{}
	ids := make([]string, len(listed))
	for i, p := range listed {
		at[p.id], ids[i] = i, fmt.Sprint(p.id)
	}
	in := strings.Join(ids, ", ")
	titles := fmt.Sprintf(`SELECT id, title FROM pages WHERE site = %s AND title <> '' AND id IN (%s)`, b.site, in)
	err := each(ctx, db, titles, func(scan func(...any) error) error {
		var id int64
		var title string
		err := scan(&id, &title)
		pages[at[id]].Title = title
		return err
	})
	if err != nil || b.countsVisitors() {
		return err
	}
	var id, visitors int64
	query := fmt.Sprintf(`SELECT CAST(page AS BIGINT), count(*) FROM (%s) GROUP BY page`, b.seen(now, "page IN ("+in+")"))
	return eachNumbers(ctx, db, query, []*int64{&id, &visitors}, func() { pages[at[id]].Visitors += visitors })
}

// countsVisitors tells whether the statement counts the visitors of all pages on
// days that a window cuts. It costs more than the rest of it, and where the order
// does not need them, it is done for the pages that are listed.
func (b *ranker) countsVisitors() bool {
	return b.q.Order == pageview.RankVisitors || b.q.Before || b.q.Limit == 0
}

// statement is the SQL of the ranking. What is not asked for is left out, since most
// of its cost is that of planning it.
//
// Its parts hold what pages have on days, or on a part of one, and in which of the
// windows that lies.
func (b *ranker) statement() string {
	parts := b.cutDays()
	if b.added {
		parts = append(parts, b.wholeDays())
	}
	if b.countsVisitors() {
		for _, p := range b.windows {
			if p.name != "earlier" || b.q.Order == pageview.RankVisitors {
				parts = append(parts, fmt.Sprintf(`SELECT page, "day", %s, 0 AS n, count(*) AS visitors, 0 AS weight FROM (%s) GROUP BY ALL`,
					b.only(p.name), b.seen(p, "true")))
			}
		}
	}
	if b.q.Order == pageview.RankScore && !byDay(b.q.HalfLife) {
		for _, p := range b.windows[:2] {
			parts = append(parts, b.lately(p))
		}
	}
	var counts, weights, scores string
	for _, p := range b.windows {
		counts += fmt.Sprintf(`, coalesce(sum(n) FILTER (%[1]s), 0) AS %[1]s_pageviews, coalesce(sum(visitors) FILTER (%[1]s), 0) AS %[1]s_visitors`, p.name)
	}
	for _, p := range b.windows[:2] {
		weights += fmt.Sprintf(`, sum(weight) FILTER (%[1]s) AS %[1]s`, p.name)
		scores += fmt.Sprintf(`, %s AS %s_score`, b.scoreOf(p), p.name)
	}
	of := ""
	if b.q.Order == pageview.RankScore {
		of = fmt.Sprintf(`LEFT JOIN (
  SELECT page%s FROM (SELECT page, "day"%s FROM parts WHERE weight <> 0 GROUP BY page, "day") GROUP BY page
) USING (page)`, scores, weights)
	}
	var columns strings.Builder
	for _, p := range b.windows {
		score := "0"
		if p.name != "before" && b.q.Order == pageview.RankScore {
			score = fmt.Sprintf("CAST(coalesce(%s_score, 0) AS BIGINT)", p.name)
		}
		fmt.Fprintf(&columns, ", CAST(%[1]s_pageviews AS BIGINT), CAST(%[1]s_visitors AS BIGINT), %[2]s", p.name, score)
	}
	return strings.NewReplacer("{parts}", strings.Join(parts, "\n  UNION ALL\n  "), "{counts}", counts, "{scores}", of,
		"{columns}", columns.String(), "{pages}", b.patterns()).Replace(rankSQL)
}

// only tells of a part that it lies in one window.
func (b *ranker) only(name string) string {
	var in []string
	for _, p := range b.windows {
		in = append(in, fmt.Sprintf("%t AS %s", p.name == name, p.name))
	}
	return strings.Join(in, ", ")
}

// lies tells of a part in which windows it lies, by a condition for each.
func (b *ranker) lies(condition func(interval) string) string {
	var in []string
	for _, p := range b.windows {
		in = append(in, fmt.Sprintf("%s AS %s", condition(p), p.name))
	}
	return strings.Join(in, ", ")
}

// either holds where a condition does for one of the windows.
func (b *ranker) either(condition func(interval) string) string {
	var either []string
	for _, p := range b.windows {
		either = append(either, "("+condition(p)+")")
	}
	return "(" + strings.Join(either, " OR ") + ")"
}

// wholeDays are the days that windows hold whole, from what is added up.
func (b *ranker) wholeDays() string {
	first, last := pageview.LastDay, pageview.FirstDay
	for _, p := range b.windows {
		if p.first <= p.last {
			first, last = min(first, p.first), max(last, p.last)
		}
	}
	dims, n, visitors, weight := []rolled{rolledPage}, "pageviews", "visitors", "0"
	if b.score != 0 {
		dims = append(dims, b.score)
		n, visitors = fmt.Sprintf("CASE WHEN dimension = %d THEN pageviews ELSE 0 END", rolledPage), "visitors" // a score has none
		weight = fmt.Sprintf("CASE WHEN dimension = %d THEN pageviews ELSE 0 END", b.score)
	}
	return fmt.Sprintf(`SELECT key AS page, "day", %s, %s AS n, %s AS visitors, %s AS weight FROM rollups WHERE site = %s AND dimension IN (%s) AND %s`,
		b.lies(whole), n, visitors, weight, b.site, numbers(dims), between(first, last))
}

// cutDays are the days that windows cut, from raw rows. Each end of a window is read
// on its own, since DuckDB finds the rows of a few days in a row fast, and passes
// over others less well by an OR. Where all days are raw, windows are read together.
func (b *ranker) cutDays() (parts []string) {
	weight := "0"
	if b.q.Order == pageview.RankScore && byDay(b.q.HalfLife) {
		weight = "sum(" + weightOf(`epoch_us("at") - epoch_us("day"::TIMESTAMP)`, b.halfLife) + ")"
	}
	read := func(in, where string) {
		parts = append(parts, fmt.Sprintf(`SELECT page, "day", %s, count(*) AS n, 0 AS visitors, %s AS weight FROM %s WHERE %s AND %s GROUP BY ALL`,
			in, weight, b.pageviews(), b.counted, where))
	}
	if !b.added {
		read(b.lies(b.cut), b.either(b.cut))
		return parts
	}
	for _, p := range b.windows {
		for _, end := range b.ends(p) {
			read(b.only(p.name), end)
		}
	}
	return parts
}

// lately is what pages score by a half-life shorter than a day, at the end of a
// window. Only the last 38 half-lives can count: a weight is a whole number, and
// rounds to zero before.
func (b *ranker) lately(p interval) string {
	if first := micro(p.upTo.Add(-38 * b.q.HalfLife)); p.after.Before(first) {
		p.after = first
	}
	p.first, p.last = pageview.LastDay, pageview.FirstDay
	weight := weightOf(fmt.Sprintf(`epoch_us("at") - epoch_us(%s)`, instant(p.upTo)), b.halfLife)
	return fmt.Sprintf(`SELECT page, NULL, %s, 0, 0, sum(%s) FROM %s WHERE %s AND %s GROUP BY page`,
		b.only(p.name), weight, b.pageviews(), b.counted, b.cut(p))
}

// scoreOf is what a page scores at the end of a window, from its weights by day,
// which are those at the day's beginning.
func (b *ranker) scoreOf(p interval) string {
	weight := p.name + " / " + finer
	if byDay(b.q.HalfLife) {
		weight = fmt.Sprintf(`%s * pow(2, (epoch_us("day"::TIMESTAMP) - epoch_us(%s)) / %s) / %s`, p.name, instant(p.upTo), b.halfLife, finer)
	}
	return "sum(CAST(round(" + weight + ") AS BIGINT))"
}

// seen are the visitors of pages on the days that a window cuts.
func (b *ranker) seen(p interval, condition string) string {
	return fmt.Sprintf(`SELECT DISTINCT page, "day", visitor FROM %s WHERE %s AND %s AND visitor <> 0 AND %s`, b.pageviews(), b.counted, b.cut(p), condition)
}

// total counts the pageviews and visitors of a window, whatever their page.
func (b *ranker) total(p interval) string {
	return fmt.Sprintf(`SELECT CAST(coalesce(sum(pageviews), 0) AS BIGINT), CAST(coalesce(sum(visitors), 0) AS BIGINT) FROM (
  SELECT pageviews, visitors FROM rollups WHERE site = %s AND dimension = %d AND %s
  UNION ALL
  SELECT sum(n), count(nullif(visitor, 0)) FROM (SELECT "day", visitor, count(*) AS n FROM %s WHERE %s AND %s GROUP BY ALL)
)`, b.site, rolledDay, whole(p), b.pageviews(), b.counted, b.cut(p))
}

// patterns is the condition that a page is asked for.
func (b *ranker) patterns() string {
	anyOf := func(patterns []string, none string) string {
		var either []string
		for _, p := range patterns {
			either = append(either, fmt.Sprintf(`path LIKE %s ESCAPE '\'`, b.arg(like(p, true))))
		}
		if len(either) == 0 {
			return none
		}
		return "(" + strings.Join(either, " OR ") + ")"
	}
	if len(b.q.Pages)+len(b.q.Except) == 0 {
		return "true"
	}
	return fmt.Sprintf("page IN (SELECT id FROM pages WHERE site = %s AND %s AND NOT %s)", b.site, anyOf(b.q.Pages, "true"), anyOf(b.q.Except, "false"))
}

// interval is what was seen after one instant, up to another. The days it holds
// whole can be taken from what is added up.
type interval struct {
	name        string    // now, earlier, or before: the one before now
	after, upTo time.Time // after is zero where it has no beginning
	first, last pageview.Day
}

// window is the period of a length that ends at an instant; of length zero it
// has no beginning.
func (b *ranker) window(name string, upTo time.Time, length time.Duration) interval {
	p := interval{name: name, upTo: micro(upTo)}
	if length > 0 {
		p.after = micro(upTo.Add(-length))
	}
	p.first, p.last = engine.Whole(p.after, p.upTo, b.newest, b.zone)
	if !b.added {
		p.first, p.last = pageview.LastDay, pageview.FirstDay
	}
	return p
}

// whole is the condition that a day is one that a window holds whole.
func whole(p interval) string { return between(p.first, p.last) }

func between(first, last pageview.Day) string {
	if first > last {
		return "false"
	}
	return fmt.Sprintf(`"day" BETWEEN %s AND %s`, date(first), date(last))
}

// cut is the condition that a raw row lies in a window, on a day that this does not
// hold whole.
func (b *ranker) cut(p interval) string {
	ends := b.ends(p)
	if len(ends) == 0 {
		return "false"
	}
	return "(" + strings.Join(ends, " OR ") + ")"
}

// ends are conditions that a raw row lies at one end of a window, on a day that this
// does not hold whole; or anywhere in it, if it holds none.
func (b *ranker) ends(p interval) (ends []string) {
	first, last := pageview.FirstDay, pageview.DayOf(p.upTo.In(b.zone))+1
	within := fmt.Sprintf(`"at" <= %s`, instant(p.upTo))
	if !p.after.IsZero() {
		first = pageview.DayOf(p.after.In(b.zone)) - 1
		within += fmt.Sprintf(` AND "at" > %s`, instant(p.after))
	}
	add := func(first, last pageview.Day) {
		if first <= last {
			ends = append(ends, between(first, last)+" AND "+within)
		}
	}
	if p.first > p.last {
		add(first, last)
		return ends
	}
	add(first, min(p.first-1, last))
	add(max(p.last+1, first), last)
	return ends
}
