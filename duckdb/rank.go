package duckdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

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
	db, v, err := s.reader(ctx)
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
		if r.Span, err = s.addedSpan(ctx, db, v, q.Site); err != nil {
			return err
		}
		r.Rollup = true
		b := &ranker{q: q, added: true, score: score, words: s.view.Load}
		if !b.begin(v, &r) {
			return nil
		}
		first, _ := b.whole()
		if b.pages, err = s.mirror.sums(ctx, db, v.sites[q.Site].id, dims[1:], first); err != nil {
			return err
		}
		if b.held, err = s.mirror.ends(ctx, db, b); err != nil {
			return err
		}
		if b.pages == nil || len(b.windows) > 2 { // the table is asked
			if err = s.written(db, v.sites[q.Site].id); err != nil {
				return err
			}
		}
		return b.rank(ctx, db, &r)
	})
	return r, err
}

// rankRaw ranks raw rows.
func (s *Store) rankRaw(ctx context.Context, q pageview.RankQuery) (r pageview.Ranking, err error) {
	db, v, err := s.reader(ctx)
	if err != nil {
		return r, err
	}
	v = v.at(v.upTo(q.Through))
	if r.Span, err = v.span(ctx, db, q.Site); err != nil {
		return r, err
	}
	b := &ranker{q: q, words: s.view.Load}
	if !b.begin(v, &r) {
		return r, nil
	}
	return r, b.rank(ctx, db, &r)
}

// byDay tells whether a half-life is long enough for a landmark each day: with
// a shorter one, weights would outgrow what can be added up.
func byDay(halfLife time.Duration) bool { return halfLife >= 24*time.Hour }

// ranker writes the SQL of one ranking.
type ranker struct {
	*builder
	q        pageview.RankQuery
	added    bool         // whole days come from what is added up
	score    rolled       // dimension of the scores; zero means that they come from raw rows
	newest   time.Time    // instant of the newest counted pageview
	counted  string       // holds for rows that count, at whatever time
	halfLife string       // in microseconds
	windows  []interval   // now, earlier, and, if it is asked for, before
	pages    []*mirrored  // what pages add up to, and, where there are some, their scores; none where tables are asked for them
	held     map[end]*cut // what was seen at ends of windows; what is not there, tables are asked for
	words    func() *view
}

// begin tells whether there is anything to rank.
func (b *ranker) begin(v *view, r *pageview.Ranking) bool {
	if b.q.Until.IsZero() {
		b.q.Until = r.Span.Last
	}
	r.Until = b.q.Until
	if r.Until.IsZero() {
		return false
	}
	b.newest = r.Span.Last
	b.builder = newBuilder(&pageview.Query{Site: b.q.Site, Through: v.through, Bots: b.q.Bots}, v)
	b.counted = b.countedRows()
	b.halfLife = fmt.Sprint(b.q.HalfLife.Microseconds())
	now := b.window("now", b.q.Until, b.q.Window)
	b.windows = []interval{now, b.window("earlier", b.q.Until.Add(-b.q.Earlier), b.q.Window)}
	if b.q.Before && b.q.Window > 0 {
		b.windows = append(b.windows, b.window("before", now.after, b.q.Window))
	}
	return true
}

func (b *ranker) rank(ctx context.Context, db querier, r *pageview.Ranking) error {
	if len(b.windows) > 2 {
		for of, p := range map[*pageview.Values]interval{&r.Total: b.windows[0], &r.Before: b.windows[2]} {
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
	return b.complete(ctx, db, b.windows[0], listed, r.Pages)
}

// rankedPage is what a page has in each window: now, earlier, and before.
type rankedPage struct {
	id    int64
	path  string
	place int // earlier, from 1; zero means that it had no pageview then
	of    [3]inWindow
}

type inWindow struct {
	pageview.Values
	score int64 // in billionths
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

// count counts pages.
func (b *ranker) count(ctx context.Context, db querier) ([]*rankedPage, error) {
	pages := b.mirrored()
	weights := map[windowDay]int64{}
	b.countHeld(pages, weights)
	parts := b.parts()
	var err error
	var page, in, day, n, visitors, weight int64
	if len(parts) > 0 {
		err = eachNumbers(ctx, db, strings.Join(parts, "\nUNION ALL\n"), []*int64{&page, &in, &day, &n, &visitors, &weight}, func() {
			of := pages.at(page)
			for w := range of {
				if in>>w&1 == 0 {
					continue
				}
				of[w].Pageviews += n
				of[w].Visitors += visitors
				if weight != 0 && w < 2 {
					weights[windowDay{w, page, pageview.Day(day)}] += weight
				}
			}
		})
	}
	for k, weight := range weights {
		pages.at(k.page)[k.window].score += scoreOf(weight, b.factor(b.windows[k.window], k.day))
	}
	return slices.Collect(maps.Values(pages)), err
}

// windowDay is a day of a page in a window.
type windowDay struct {
	window int
	page   int64
	day    pageview.Day
}

// scoreOf is what a weight scores, in billionths, given the factor that brings it to the end
// of a window.
func scoreOf(weight int64, factor float64) int64 {
	return int64(math.Round(float64(weight) * factor / finer))
}

// rankedPages are pages by their numbers.
type rankedPages map[int64]*rankedPage

// at is what a page has in each window.
func (ps rankedPages) at(id int64) *[3]inWindow {
	p := ps[id]
	if p == nil {
		p = &rankedPage{id: id}
		ps[id] = p
	}
	return &p.of
}

// mirrored counts pages on the days that windows hold whole, where they are held in
// memory.
func (b *ranker) mirrored() rankedPages {
	pages := rankedPages{}
	if b.pages == nil {
		return pages
	}
	for w, p := range b.windows {
		for _, s := range gather(b.pages[0].between(p.first, p.last)) {
			of := &pages.at(int64(s.key))[w]
			of.Pageviews, of.Visitors = s.pageviews, s.visitors
		}
	}
	if b.score == 0 {
		return pages
	}
	for w, p := range b.windows[:2] {
		days := slices.Clone(b.pages[1].between(p.first, p.last))
		for i, d := range days {
			factor := b.factor(p, d.day)
			days[i].sums = make([]keySum, len(d.sums))
			for j, s := range d.sums {
				days[i].sums[j] = keySum{key: s.key, pageviews: scoreOf(s.pageviews, factor)}
			}
		}
		for _, s := range gather(days) {
			pages.at(int64(s.key))[w].score = s.pageviews
		}
	}
	return pages
}

// order gives those to list, in their order, with the place that they had earlier.
// SQL would need a window function for it; see builder.answer.
func (b *ranker) order(pages []*rankedPage, paths []string) []*rankedPage {
	pages = slices.DeleteFunc(pages, func(p *rankedPage) bool {
		p.path = paths[p.id]
		return !b.asks(p.path)
	})
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
	titles := b.words().titles
	for i, p := range listed {
		pages[i].Title = titles[p.id]
	}
	if b.countsVisitors(now) {
		return nil
	}
	if b.holds(now) {
		wanted := make([]bool, len(b.words().paths))
		for _, p := range listed {
			wanted[p.id] = true
		}
		visitors := b.seenThere(now, wanted)
		for i, p := range listed {
			pages[i].Visitors += visitors[p.id]
		}
		return nil
	}
	at := map[int64]int{}
	ids := make([]string, len(listed))
	for i, p := range listed {
		at[p.id], ids[i] = i, fmt.Sprint(p.id)
	}
	var id, visitors int64
	query := fmt.Sprintf(`SELECT CAST(page AS BIGINT), count(*) FROM (%s) GROUP BY page`, b.seen(now, "page IN ("+strings.Join(ids, ", ")+")"))
	return eachNumbers(ctx, db, query, []*int64{&id, &visitors}, func() { pages[at[id]].Visitors += visitors })
}

// countsVisitors tells whether the visitors of all pages are counted on days that a
// window cuts. It costs more than the rest, and where the order does not need them, it
// is done for the pages that are listed.
func (b *ranker) countsVisitors(p interval) bool {
	if p.name == "earlier" {
		return b.q.Order == pageview.RankVisitors
	}
	return b.q.Order == pageview.RankVisitors || b.q.Before || b.q.Limit == 0
}

// parts select what pages have on days, or on a part of one: the page, in which of the
// windows that lies, the day, pageviews, visitors and weights. What is not asked for is
// left out, since most of the cost of the statement is that of planning it.
func (b *ranker) parts() []string {
	parts := b.cutDays()
	if b.added && b.pages == nil {
		parts = append(parts, b.wholeDays()...)
	}
	for w, p := range b.windows {
		if b.countsVisitors(p) && !b.holds(p) {
			parts = append(parts, fmt.Sprintf(`SELECT CAST(page AS BIGINT), %d, 0, 0, count(*), 0 FROM (%s) GROUP BY page`, 1<<w, b.seen(p, "true")))
		}
	}
	if b.q.Order == pageview.RankScore && !byDay(b.q.HalfLife) {
		for w, p := range b.windows[:2] {
			parts = append(parts, b.lately(p, w))
		}
	}
	return parts
}

// lies tells in which windows a part lies, by a condition for each.
func (b *ranker) lies(condition func(interval) string) string {
	var in []string
	for w, p := range b.windows {
		in = append(in, fmt.Sprintf("CASE WHEN %s THEN %d ELSE 0 END", condition(p), 1<<w))
	}
	return strings.Join(in, " + ")
}

// either holds where a condition does for one of the windows.
func (b *ranker) either(condition func(interval) string) string {
	var either []string
	for _, p := range b.windows {
		either = append(either, "("+condition(p)+")")
	}
	return "(" + strings.Join(either, " OR ") + ")"
}

// whole are the first and the last day of those that windows hold whole.
func (b *ranker) whole() (first, last pageview.Day) {
	first, last = pageview.LastDay, pageview.FirstDay
	for _, p := range b.windows {
		if p.first <= p.last {
			first, last = min(first, p.first), max(last, p.last)
		}
	}
	return first, last
}

// daySQL is the number of a row's day.
const daySQL = `CAST("day" - DATE '1970-01-01' AS BIGINT)`

// wholeDays are the days that windows hold whole, from what is added up. Scores are
// told by day, pageviews in sum.
func (b *ranker) wholeDays() (parts []string) {
	first, last := b.whole()
	read := func(d rolled, columns string) {
		parts = append(parts, fmt.Sprintf(`SELECT CAST(key AS BIGINT), %s, %s FROM rollups WHERE site = %s AND dimension = %d AND %s GROUP BY ALL`,
			b.lies(whole), columns, b.site, d, between(first, last)))
	}
	read(rolledPage, "0, CAST(sum(pageviews) AS BIGINT), CAST(sum(visitors) AS BIGINT), 0")
	if b.score != 0 {
		read(b.score, daySQL+", 0, 0, CAST(sum(pageviews) AS BIGINT)")
	}
	return parts
}

// cutDays are the days that windows cut, from raw rows. Each end of a window is read
// on its own, since DuckDB finds the rows of a few days in a row fast, and passes
// over others less well by an OR. Where all days are raw, windows are read together.
func (b *ranker) cutDays() (parts []string) {
	day, weight := "0", "0"
	if b.q.Order == pageview.RankScore && byDay(b.q.HalfLife) {
		day, weight = daySQL, "CAST(sum("+weightOf(`epoch_us("at") - epoch_us("day"::TIMESTAMP)`, b.halfLife)+") AS BIGINT)"
	}
	read := func(in, where string) {
		parts = append(parts, fmt.Sprintf(`SELECT CAST(page AS BIGINT), %s, %s, count(*), 0, %s FROM %s WHERE %s AND %s GROUP BY ALL`,
			in, day, weight, b.pageviews(), b.counted, where))
	}
	if !b.added {
		read(b.lies(b.cut), b.either(b.cut))
		return parts
	}
	for w, p := range b.windows {
		for _, end := range b.ends(p) {
			if b.held[end] == nil {
				read(fmt.Sprint(1<<w), end.condition())
			}
		}
	}
	return parts
}

// lately is what pages score by a half-life shorter than a day, at the end of a
// window. Only the last 38 half-lives can count: a weight is a whole number, and
// rounds to zero before.
func (b *ranker) lately(p interval, window int) string {
	if first := micro(p.upTo.Add(-38 * b.q.HalfLife)); p.after.Before(first) {
		p.after = first
	}
	p.first, p.last = pageview.LastDay, pageview.FirstDay
	weight := weightOf(fmt.Sprintf(`epoch_us("at") - epoch_us(%s)`, instant(p.upTo)), b.halfLife)
	return fmt.Sprintf(`SELECT CAST(page AS BIGINT), %d, 0, 0, 0, CAST(sum(%s) AS BIGINT) FROM %s WHERE %s AND %s GROUP BY page`,
		1<<window, weight, b.pageviews(), b.counted, b.cut(p))
}

// factor brings a weight of a day to the end of a window: one at the beginning of the
// day, or, by a half-life shorter than a day, one that is there already.
//
// A pageview weighs 2^(distance/half-life) from the beginning of its day in whole
// hundredths of a billionth, and what a page has on a day scores whole billionths. Sums
// of whole numbers do not depend on the order in which they are added up: so the same
// pageviews give the same score to the last digit, from raw rows and from what was added
// up on each day.
func (b *ranker) factor(p interval, day pageview.Day) float64 {
	if !byDay(b.q.HalfLife) {
		return 1
	}
	return math.Exp2(float64(int64(day)*86400e6-p.upTo.UnixMicro()) / float64(b.q.HalfLife.Microseconds()))
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

// asks tells whether a page is asked for.
func (b *ranker) asks(path string) bool {
	like := func(pattern string) bool { return isLike(path, pattern) }
	return (len(b.q.Pages) == 0 || slices.ContainsFunc(b.q.Pages, like)) && !slices.ContainsFunc(b.q.Except, like)
}

// isLike tells whether a text matches a pattern, in which a * stands for any text and a
// ? for one character.
func isLike(text, pattern string) bool {
	star, from := -1, 0 // the last * and where the text begins that follows what it stands for
	for t, p := 0, 0; t < len(text) || p < len(pattern); {
		_, size := utf8.DecodeRuneInString(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && t < len(text) && pattern[p] == '?':
			t, p = t+size, p+1
		case p < len(pattern) && t < len(text) && pattern[p] == text[t]:
			t, p = t+1, p+1
		case star >= 0 && from < len(text):
			_, size = utf8.DecodeRuneInString(text[from:])
			from += size
			t, p = from, star+1
		default:
			return false
		}
	}
	return true
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
	conditions := make([]string, len(ends))
	for i, e := range ends {
		conditions[i] = e.condition()
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

// end is one end of a window: what it holds of the days that it does not hold whole,
// before or after those that it does, or all of it where it holds none.
type end struct {
	first, last pageview.Day
	after, upTo time.Time // after is zero where it has no beginning
	side        side
}

// side tells where an end lies.
type side int

const (
	bothEnds side = iota // the window holds no day whole
	beginning
	ending
)

// condition holds for raw rows that lie there.
func (e end) condition() string {
	c := between(e.first, e.last) + fmt.Sprintf(` AND "at" <= %s`, instant(e.upTo))
	if !e.after.IsZero() {
		c += fmt.Sprintf(` AND "at" > %s`, instant(e.after))
	}
	return c
}

// ends are those of a window that any day can lie at.
func (b *ranker) ends(p interval) (ends []end) {
	first, last := pageview.FirstDay, pageview.DayOf(p.upTo.In(b.zone))+1
	if !p.after.IsZero() {
		first = pageview.DayOf(p.after.In(b.zone)) - 1
	}
	add := func(first, last pageview.Day, of side) {
		if first <= last {
			ends = append(ends, end{first, last, p.after, p.upTo, of})
		}
	}
	if p.first > p.last {
		add(first, last, bothEnds)
		return ends
	}
	add(first, min(p.first-1, last), beginning)
	add(max(p.last+1, first), last, ending)
	return ends
}
