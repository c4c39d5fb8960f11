package duckdb

import (
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
	some []*foldRow // room to use again
}

// visitRow is a pageview and the key of its row in the answer.
type visitRow struct {
	foldRow
	key [2]int64
}

// countVisitors counts raw rows, at most so many at a time unless a day has more.
func (b *builder) countVisitors(ctx context.Context, db *sql.DB, most int64, paths []string) (counted, error) {
	c := visitorCount{builder: b, paths: paths, of: map[[2]int64]pageview.Values{}}
	tx, err := begin(ctx, db)
	if err != nil {
		return counted{}, err
	}
	defer tx.end()
	if err := c.findEntries(ctx, tx); err != nil {
		return counted{}, err
	}
	if len(b.inner()) == 0 && !b.byVisit() {
		most *= 8 // since a visitor of a day takes few bytes
	}
	spans, err := b.spans(ctx, tx, most)
	if err != nil {
		return counted{}, err
	}
	for _, days := range spans {
		part := *b
		part.span = days
		if b.byVisit() {
			err = c.addVisits(ctx, tx, &part)
		} else {
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

// addVisitors counts the visitors of some days in SQL, and the visits of all that they
// saw on a day.
func (c *visitorCount) addVisitors(ctx context.Context, q querier, b *builder) error {
	query := b.visitorsSQL()
	apart := len(b.inner()) == 0 // a visitor of two rows is one, unless they are of two days
	if !apart {
		query += fmt.Sprintf("\nUNION ALL SELECT %d, 0, 0, 0, 0, count(*) FROM (SELECT DISTINCT \"day\", visitor FROM %s WHERE %s AND %s AND visitor <> 0)",
			kindTotal, b.pageviews(), b.countedRows(), b.filters())
	}
	var kind int64
	var key [2]int64
	var v pageview.Values
	return eachNumbers(ctx, q, query, []*int64{&kind, &key[0], &key[1], &v.Pageviews, &v.Visits, &v.Visitors}, func() {
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

// visitorsSQL selects what there is under each key: kind, both keys, pageviews, visits if
// they are asked for, and visitors.
func (b *builder) visitorsSQL() string {
	keys, from, where := b.keys(), b.pageviews(), b.countedRows()+" AND "+b.filters()
	columns := fmt.Sprintf("SELECT %d, CAST(%s AS BIGINT), CAST(%s AS BIGINT), ", kindRow, keys[0], keys[1])
	if !b.wants(pageview.MetricVisits) {
		var inner strings.Builder
		inner.WriteString(`"day"`)
		for i, d := range b.inner() {
			fmt.Fprintf(&inner, ", %s AS k%d", column(d), i+1)
		}
		return columns + fmt.Sprintf(`CAST(sum(n) AS BIGINT), 0, count(nullif(visitor, 0))
FROM (SELECT %s, visitor, count(*) AS n FROM %s WHERE %s GROUP BY ALL) GROUP BY 2, 3`, inner.String(), from, where)
	}
	// Each pageview of a visitor beside the one before, of which the first has none.
	return columns + fmt.Sprintf(`count(*), count(*) FILTER (before IS NULL OR t - before >= %d), count(*) FILTER (before IS NULL)
FROM (
  SELECT "day", unnest(times) AS t, unnest(list_prepend(NULL, times)) AS before
  FROM (SELECT "day", visitor, list_sort(list(epoch_us("at"))) AS times FROM %[2]s WHERE %[3]s AND visitor <> 0 GROUP BY ALL)
) WHERE t IS NOT NULL GROUP BY 2, 3
UNION ALL %[4]scount(*), 0, 0 FROM %[2]s WHERE %[3]s AND visitor = 0 GROUP BY 2, 3`, pageview.VisitGap.Microseconds(), from, where, columns)
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
