package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// byVisitor tells whether visitors must be told apart, or their visits.
func (b *builder) byVisitor() bool {
	return b.wants(pageview.MetricVisitors) || b.wants(pageview.MetricVisits) || b.uses(pageview.ByEntry)
}

// byVisit tells whether it must be known of each pageview in which visit it was, and
// not only how many visits there were on a day.
func (b *builder) byVisit() bool {
	ofVisit := slices.ContainsFunc(b.q.By, func(d pageview.Dimension) bool { return !ofDay(d) }) ||
		slices.ContainsFunc(b.q.Filters, func(f pageview.Filter) bool { return !ofDay(f.Dimension) })
	return ofVisit && (b.wants(pageview.MetricVisits) || b.uses(pageview.ByEntry))
}

// visitorCount counts raw rows some days at a time, since no number of a day tells
// of another one, so that what DuckDB groups or sorts at a time stays small. Which
// visit a pageview was in is found in Go, as where visits are added up.
type visitorCount struct {
	*builder
	paths   []string
	entries map[int64]bool // entry pages that filters leave; nil means all
	of      map[[2]int64]pageview.Values
	total   pageview.Values

	rows []visitRow // of one visitor on a day

	// Room to use again.
	some []*foldRow
	seen []seen
	last map[uint64]int64 // when each visitor of a day came last
}

// visitRow is a pageview and the key of its row in the answer.
type visitRow struct {
	foldRow
	key [2]int64
}

// countVisitors counts raw rows, at most so many at a time unless a day has more.
func (b *builder) countVisitors(ctx context.Context, db *sql.DB, most int64, paths []string) (counted, error) {
	c := visitorCount{builder: b, paths: paths, of: map[[2]int64]pageview.Values{}, last: map[uint64]int64{}}
	tx, err := begin(ctx, db)
	if err != nil {
		return counted{}, err
	}
	defer tx.end()
	if err := c.findEntries(ctx, tx); err != nil {
		return counted{}, err
	}
	byDay := len(b.inner()) == 0 && b.wants(pageview.MetricVisits)
	if len(b.inner()) == 0 && !b.byVisit() && !byDay {
		most *= 8 // since a visitor of a day takes few bytes
	}
	spans, err := b.spans(ctx, tx, most)
	if err != nil {
		return counted{}, err
	}
	for _, days := range spans {
		part := *b
		part.span = days
		switch {
		case b.byVisit():
			err = c.addVisits(ctx, tx, &part)
		case byDay:
			err = c.addDays(ctx, tx, &part)
		default:
			err = c.addVisitors(ctx, tx, &part)
		}
		if err != nil {
			return counted{}, err
		}
	}
	if err := c.addStays(ctx, tx); err != nil {
		return counted{}, err
	}
	all := counted{total: b.asked(c.total), count: len(c.of)}
	for key, v := range c.of {
		all.rows = append(all.rows, numbered{keys: key, Values: b.asked(v)})
	}
	all.all = sumOf(all.rows)
	return all, nil
}

// asked leaves out visits and visitors that were not asked for.
func (b *builder) asked(v pageview.Values) pageview.Values {
	if !b.wants(pageview.MetricVisits) {
		v.Visits = 0
	}
	if !b.wants(pageview.MetricVisitors) {
		v.Visitors = 0
	}
	return v
}

// spans are conditions on days, which together hold for all that are asked for.
func (b *builder) spans(ctx context.Context, q querier, most int64) (spans []string, err error) {
	query := fmt.Sprintf(`SELECT CAST("day" - DATE '1970-01-01' AS BIGINT), count(*) FROM pageviews WHERE site = %s AND seq <= %d AND %s GROUP BY 1 ORDER BY 1`,
		b.site, b.q.Through, b.days())
	var day, n, held int64
	var first, last pageview.Day
	err = eachNumbers(ctx, q, query, []*int64{&day, &n}, func() {
		if held > 0 && held+n > most {
			spans = append(spans, between(first, last))
			held = 0
		}
		if held == 0 {
			first = pageview.Day(day)
		}
		last = pageview.Day(day)
		held += n
	})
	if held > 0 {
		spans = append(spans, between(first, last))
	}
	return spans, err
}

// findEntries finds the entry pages that filters leave, as only Go knows which
// pageviews have them.
func (c *visitorCount) findEntries(ctx context.Context, q querier) error {
	if !slices.ContainsFunc(c.q.Filters, func(f pageview.Filter) bool { return f.Dimension == pageview.ByEntry }) {
		return nil
	}
	c.entries = map[int64]bool{}
	b := *c.builder // with arguments of its own
	where := b.filtersOn(func(d pageview.Dimension) bool { return d == pageview.ByEntry })
	var entry int64
	query := fmt.Sprintf(`SELECT CAST(entry AS BIGINT) FROM (SELECT id AS entry FROM pages WHERE site = %s UNION ALL SELECT 0) WHERE %s`, b.site, where)
	return eachNumbers(ctx, q, query, []*int64{&entry}, func() { c.entries[entry] = true }, b.args...)
}

// addVisitors counts the visitors of some days in SQL, where no visits are asked for.
func (c *visitorCount) addVisitors(ctx context.Context, q querier, b *builder) error {
	query := b.visitorsSQL()
	apart := len(b.inner()) == 0 // a visitor of two rows is one, unless they are of two days
	if !apart {
		query += fmt.Sprintf("\nUNION ALL SELECT %d, 0, 0, 0, count(*) FROM (SELECT DISTINCT \"day\", visitor FROM %s WHERE %s AND %s AND visitor <> 0)",
			kindTotal, b.pageviews(), b.countedRows(), b.filters())
	}
	var kind int64
	var key [2]int64
	var v pageview.Values
	return eachNumbers(ctx, q, query, []*int64{&kind, &key[0], &key[1], &v.Pageviews, &v.Visitors}, func() {
		switch {
		case kind == kindTotal:
			c.total.Visitors += v.Visitors
		case apart:
			c.add(key, v)
			c.total = sum(c.total, v)
		default:
			c.add(key, v)
			c.total.Pageviews += v.Pageviews
		}
	}, b.args...)
}

// visitorsSQL selects what there is under each key: kind, both keys, pageviews and visitors.
func (b *builder) visitorsSQL() string {
	var inner strings.Builder
	inner.WriteString(`"day"`)
	for i, d := range b.inner() {
		fmt.Fprintf(&inner, ", %s AS k%d", column(d), i+1)
	}
	keys := b.keys()
	return fmt.Sprintf(`SELECT %d, CAST(%s AS BIGINT), CAST(%s AS BIGINT), CAST(sum(n) AS BIGINT), count(nullif(visitor, 0))
FROM (SELECT %s, visitor, count(*) AS n FROM %s WHERE %s AND %s GROUP BY ALL) GROUP BY 2, 3`,
		kindRow, keys[0], keys[1], inner.String(), b.pageviews(), b.countedRows(), b.filters())
}

// seen is a pageview of a visitor.
type seen struct {
	day, at int64 // in days, and in microseconds, since 1970
	visitor uint64
}

// addDays counts the visits and visitors of some days where rows differ in their days
// only. DuckDB would have to sort pageviews by visitor for that; in the order of time, in
// which they mostly lie, it takes no more than to know when each visitor came before.
func (c *visitorCount) addDays(ctx context.Context, q querier, b *builder) error {
	query := fmt.Sprintf(`SELECT %s, visitor, epoch_us("at") FROM %s WHERE %s AND %s`, daySQL, b.pageviews(), b.countedRows(), b.filters())
	rows := c.seen[:0]
	var visitor int64
	var r seen
	err := eachNumbers(ctx, q, query, []*int64{&r.day, &visitor, &r.at}, func() {
		r.visitor = uint64(visitor)
		rows = append(rows, r)
	}, b.args...)
	c.seen = rows
	slices.SortFunc(rows, func(x, y seen) int {
		if n := cmp.Compare(x.day, y.day); n != 0 {
			return n
		}
		return cmp.Compare(x.at, y.at)
	})
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].day == rows[0].day {
			n++
		}
		v := c.countDay(rows[:n])
		c.add(b.periods(pageview.Day(rows[0].day)), v)
		c.total = sum(c.total, v)
		rows = rows[n:]
	}
	return err
}

// countDay counts the pageviews of a day, which are in the order of time.
func (c *visitorCount) countDay(rows []seen) (v pageview.Values) {
	clear(c.last)
	for i := range rows {
		r := &rows[i]
		v.Pageviews++
		if r.visitor == 0 {
			continue
		}
		before, known := c.last[r.visitor]
		if !known {
			v.Visitors++
		}
		if !known || r.at-before >= pageview.VisitGap.Microseconds() {
			v.Visits++
		}
		c.last[r.visitor] = r.at
	}
	return v
}

// addVisits counts the visits and visitors of some days. Whatever filters leave of a
// visitor's pageviews, all of them tell which visits there are.
func (c *visitorCount) addVisits(ctx context.Context, q querier, b *builder) error {
	picked := b.filtersOn(func(d pageview.Dimension) bool { return d != pageview.ByEntry })
	columns, keys := "", b.keys()
	for i, d := range b.q.By {
		key := keys[i]
		if !ofDay(d) {
			key = column(d)
		}
		if d == pageview.ByEntry {
			key = "0"
		}
		columns += fmt.Sprintf(", CAST(%s AS BIGINT)", key)
	}
	query := fmt.Sprintf(`SELECT ("day" - DATE '1970-01-01') * 2 + CAST(%s AS BIGINT), visitor, epoch_us("at"), CAST(page AS BIGINT)%s FROM %s WHERE %s ORDER BY "day", visitor`,
		picked, columns, b.pageviews(), b.countedRows())
	var state, visitor, page, day, before int64
	var r visitRow
	fields := []*int64{&state, &visitor, &r.at, &page, &r.key[0], &r.key[1]}[:4+len(b.q.By)]
	err := eachNumbers(ctx, q, query, fields, func() {
		if visitor != before || state>>1 != day {
			c.end()
			day, before = state>>1, visitor
		}
		r.now = state&1 != 0
		r.keys[rolledPage] = uint64(page)
		if c.rows = append(c.rows, r); visitor == 0 {
			c.unknown()
		}
	}, b.args...)
	c.end()
	return err
}

// unknown counts a pageview whose visitor is not known: it is of no visit.
func (c *visitorCount) unknown() {
	if r := &c.rows[0]; r.now && (c.entries == nil || c.entries[0]) {
		c.add(r.key, pageview.Values{Pageviews: 1})
		c.total.Pageviews++
	}
	c.rows = c.rows[:0]
}

// end counts the visitor whose pageviews were taken in.
func (c *visitorCount) end() {
	if len(c.rows) == 0 {
		return
	}
	slices.SortFunc(c.rows, func(x, y visitRow) int { return inOrder(&x.foldRow, &y.foldRow, c.paths) })
	c.some = c.some[:0]
	for i := range c.rows {
		c.some = append(c.some, &c.rows[i].foldRow)
	}
	visit(c.some)
	rows := slices.DeleteFunc(c.rows, func(r visitRow) bool {
		return !r.now || c.entries != nil && !c.entries[int64(r.keys[rolledEntry])]
	})
	if at := slices.Index(c.q.By, pageview.ByEntry); at >= 0 {
		for i := range rows {
			rows[i].key[at] = int64(rows[i].keys[rolledEntry])
		}
	}
	c.total = sum(c.total, person(rows))
	slices.SortStableFunc(rows, func(x, y visitRow) int { return slices.Compare(x.key[:], y.key[:]) })
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].key == rows[0].key {
			n++
		}
		c.add(rows[0].key, person(rows[:n]))
		rows = rows[n:]
	}
	c.rows = c.rows[:0]
}

// person is what a visitor's pageviews of a day count as.
func person(rows []visitRow) (v pageview.Values) {
	for i, r := range rows {
		if i == 0 || r.visit != rows[i-1].visit {
			v.Visits++
		}
	}
	v.Pageviews, v.Visitors = int64(len(rows)), int64(min(1, len(rows)))
	return v
}

func (c *visitorCount) add(key [2]int64, v pageview.Values) { c.of[key] = sum(c.of[key], v) }

// addStays adds what is known of the time on pages.
func (c *visitorCount) addStays(ctx context.Context, q querier) error {
	if !c.q.Timed() {
		return nil
	}
	timed := *c.q
	timed.Metrics, timed.Limit = []pageview.Metric{pageview.MetricTimed}, 0
	b := *c.builder
	b.q = &timed
	stays, err := b.count(ctx, q, b.rawRows())
	if err != nil {
		return err
	}
	known := func(v pageview.Values) pageview.Values {
		return pageview.Values{Timed: v.Timed, Seconds: v.Seconds}
	}
	c.total = sum(c.total, known(stays.total))
	for _, r := range stays.rows {
		c.add(r.keys, known(r.Values))
	}
	return nil
}
