package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// Query implements pageview.Store.
func (s *Store) Query(ctx context.Context, q pageview.Query) (pageview.Answer, error) {
	err := q.Check()
	var a pageview.Answer
	if err == nil {
		a, err = reading(ctx, s, func() (pageview.Answer, error) { return s.answer(ctx, q) })
	}
	if err != nil {
		return pageview.Answer{}, fmt.Errorf("query %s: %w", q.Site, err)
	}
	v := s.view.Load()
	site := v.sites[q.Site]
	a.Uncounted = engine.Uncounted(engine.Left(v.mixed[site.id], site.precedence, a.Through), q.From, q.To)
	return a, nil
}

// answer answers from what is added up, or from raw rows where that does not
// hold the answer.
func (s *Store) answer(ctx context.Context, q pageview.Query) (pageview.Answer, error) {
	if dims := rollup(&q); dims != nil {
		a, err := s.fromRollup(ctx, q, dims)
		if !errors.Is(err, errMoved) {
			return a, err
		}
	}
	db, v, err := s.reader(ctx)
	if err != nil {
		return pageview.Answer{}, err
	}
	q.Through = v.upTo(q.Through)
	b := newBuilder(&q, v)
	var c counted
	if b.byVisitor() {
		c, err = b.countVisitors(ctx, db, s.foldMost.rows, v.paths)
	} else {
		c, err = b.count(ctx, db, b.rawRows())
	}
	if err != nil {
		return pageview.Answer{}, err
	}
	a := b.put(c, s.view.Load())
	a.Through = q.Through
	return a, nil
}

// Kinds of rows that the SQL of an answer gives.
const (
	kindRow   = iota
	kindAll   // the sum of all rows, and in place of a key how many there are
	kindTotal // of all that was counted, where that is another
)

// ask answers from a WITH that holds daily and totals; see rawRows.
func (b *builder) ask(ctx context.Context, db querier, with string) (pageview.Answer, error) {
	c, err := b.count(ctx, db, with)
	if err != nil {
		return pageview.Answer{}, err
	}
	return b.put(c, b.texts), nil
}

// counted is what was counted, as numbers.
type counted struct {
	rows  []numbered // at least those that are asked for
	count int        // of all rows
	all   pageview.Values
	total pageview.Values
}

// count counts by a WITH that holds daily and totals.
func (b *builder) count(ctx context.Context, db querier, with string) (c counted, err error) {
	var kind int64
	var r numbered
	fields := append([]*int64{&kind, &r.keys[0], &r.keys[1]}, b.fields(&r.Values)...)
	err = eachNumbers(ctx, db, with+b.answer(), fields, func() {
		switch kind {
		case kindAll:
			c.all, c.count = r.Values, int(r.keys[0])
		case kindTotal:
			c.total = r.Values
		default:
			c.rows = append(c.rows, r)
		}
	}, b.args...)
	if b.q.Limit == 0 {
		c.all, c.count = sumOf(c.rows), len(c.rows)
	}
	return c, err
}

// put makes the answer of what was counted.
func (b *builder) put(c counted, v *view) pageview.Answer {
	if len(b.q.By) == 0 {
		return pageview.Answer{Total: c.total}
	}
	if b.rowsAddUp() {
		c.total = c.all
	}
	a := pageview.Answer{Total: c.total, Other: c.all}
	a.Rows = b.list(c.rows, v)
	a.Beyond = c.count - len(a.Rows)
	for _, r := range a.Rows {
		a.Other = less(a.Other, r.Values)
	}
	return a
}

func sumOf(rows []numbered) (all pageview.Values) {
	for _, r := range rows {
		all = sum(all, r.Values)
	}
	return all
}

func sum(a, b pageview.Values) pageview.Values {
	return pageview.Values{
		Pageviews: a.Pageviews + b.Pageviews, Visits: a.Visits + b.Visits, Visitors: a.Visitors + b.Visitors,
		Timed: a.Timed + b.Timed, Seconds: a.Seconds + b.Seconds,
	}
}

// less is what a has beyond b.
func less(a, b pageview.Values) pageview.Values {
	return sum(a, pageview.Values{Pageviews: -b.Pageviews, Visits: -b.Visits, Visitors: -b.Visitors, Timed: -b.Timed, Seconds: -b.Seconds})
}

// builder writes the SQL of one query. Of the query itself numbers, days and
// instants get into the text, as DuckDB passes over rows by constants only; of
// texts only the numbers of their arguments.
type builder struct {
	q        *pageview.Query
	texts    *view  // tells what numbers stand for
	site     string // its number
	known    site
	zone     *time.Location
	hour     string // when the hour of a row began, in seconds since 1970
	counting string // the condition that a pageview's source counts on its day
	span     string // the condition that a row's day is counted at a time; empty means all days that are asked for
	added    bool   // daily is from what is added up, so that it holds what is deleted
	single   bool   // each row of daily and totals is one pageview
	args     []any
}

func newBuilder(q *pageview.Query, v *view) *builder {
	site := v.sites[q.Site]
	return &builder{q: q, texts: v, known: site, site: fmt.Sprint(site.id), zone: v.zone(q.Site), hour: column(pageview.ByHour), counting: v.counting(site, q.Through)}
}

func (b *builder) arg(v any) string {
	name := fmt.Sprint("a", len(b.args)+1)
	b.args = append(b.args, sql.Named(name, v))
	return "$" + name
}

// inner lists the dimensions that rows are first counted by, beside the day.
// Those that follow from the day are worked out later, from few rows.
func (b *builder) inner() []pageview.Dimension {
	var ds []pageview.Dimension
	for _, d := range b.q.By {
		if !ofDay(d) {
			ds = append(ds, d)
		}
	}
	return ds
}

// ofDay tells whether the value of a dimension follows from the day.
func ofDay(d pageview.Dimension) bool { return d.Time() && d != pageview.ByHour }

// uses tells whether the query tells pageviews apart by the dimension.
func (b *builder) uses(d pageview.Dimension) bool {
	return slices.Contains(b.q.By, d) ||
		slices.ContainsFunc(b.q.Filters, func(f pageview.Filter) bool { return f.Dimension == d })
}

func (b *builder) wants(m pageview.Metric) bool { return slices.Contains(b.q.Metrics, m) }

// rawRows begins a WITH that holds
//
//	daily(day, k1, k2, pageviews, visits, visitors)
//	totals(pageviews, visits, visitors)
//
// of raw rows, where no visitors are asked for. The rows of totals add up to what
// there is under all keys together; they are there only if there are inner keys.
func (b *builder) rawRows() string {
	var columns strings.Builder
	columns.WriteString(`"day"`)
	for i, d := range b.inner() {
		fmt.Fprintf(&columns, ", %s AS k%d", column(d), i+1)
	}
	b.single = !b.q.Timed()
	return fmt.Sprintf("WITH daily AS (\n  SELECT %s, 1 AS pageviews, 0 AS visits, 0 AS visitors FROM %s WHERE %s AND %s\n), totals AS (SELECT * FROM daily)",
		columns.String(), b.pageviews(), b.countedRows(), b.filters())
}

// pageviews is what raw rows are read from.
func (b *builder) pageviews() string {
	return b.known.pageviews(fmt.Sprint(b.q.Through), b.days())
}

// countedRows is the condition that a pageview counts, before filters.
func (b *builder) countedRows() string {
	where := fmt.Sprintf("site = %s AND seq <= %d AND %s AND %s", b.site, b.q.Through, b.counting, b.days())
	switch b.q.Bots {
	case pageview.BotsInclude:
	case pageview.BotsOnly:
		where += " AND bot <> 0"
	default:
		where += " AND bot = 0"
	}
	return where
}

// days is the condition that a day is one that is asked for.
func (b *builder) days() string {
	if b.span != "" {
		return b.span
	}
	days := "true"
	if b.q.From != 0 {
		days += ` AND "day" >= ` + date(b.q.From)
	}
	if b.q.To != 0 {
		days += ` AND "day" <= ` + date(b.q.To)
	}
	return days
}

// rowsAddUp tells whether the sum of all rows is the total: a visitor of two rows
// is one unless they are of two days, and stays may be of a day without a row.
func (b *builder) rowsAddUp() bool {
	persons := b.wants(pageview.MetricVisits) || b.wants(pageview.MetricVisitors)
	return !b.q.Timed() && (!persons || len(b.inner()) == 0)
}

// timed adds the stays, which are of pageviews that the script told of, to daily
// and totals. It gives the names of what holds both.
func (b *builder) timed() (with, daily, totals string) {
	if !b.q.Timed() || b.q.Bots == pageview.BotsOnly {
		const none = "(SELECT *, 0 AS stays, 0 AS seconds FROM %s)"
		return "", fmt.Sprintf(none, "daily"), fmt.Sprintf(none, "totals")
	}
	stays := `SELECT site, seq, "day", page, 1 AS stays, seconds FROM stays`
	if b.added {
		stays += ` UNION ALL SELECT site, 0, "day", page, stays, seconds FROM stayed`
	}
	key := ""
	if len(b.inner()) > 0 {
		key = "page AS k1, "
	}
	with = fmt.Sprintf(`, stayed_there AS (
  SELECT "day", %s0 AS pageviews, 0 AS visits, 0 AS visitors, sum(stays) AS stays, sum(seconds) AS seconds
  FROM (SELECT *, %d AS source FROM (%s)) WHERE site = %s AND seq <= %d AND %s AND %s AND %s GROUP BY ALL
)`, key, pageview.SourceScript, stays, b.site, b.q.Through, b.counting, b.days(), b.filters())
	const both = "(SELECT *, 0 AS stays, 0 AS seconds FROM %s UNION ALL BY NAME SELECT * FROM stayed_there)"
	return with, fmt.Sprintf(both, "daily"), fmt.Sprintf(both, "totals")
}

// answer ends a WITH that holds daily and totals. Its columns are the kind of a row,
// both keys, and the values.
//
// Like every statement of this package it has no window function: those over few
// rows end in an internal error now and then in DuckDB 1.5, after which the database
// must be opened again.
func (b *builder) answer() string {
	var kept, sums, columns string
	having := " HAVING sum(pageviews) > 0"
	for _, c := range b.columns() {
		if b.single { // and then there are no others
			kept, having = ", count(*) AS pageviews", ""
		} else {
			kept += ", sum(" + c + ") AS " + c
		}
		sums += ", CAST(coalesce(sum(" + c + "), 0) AS BIGINT)"
		columns += ", CAST(" + c + " AS BIGINT)"
	}
	with, daily, totals := b.timed()
	total := fmt.Sprintf("\nSELECT %d, 0, 0%s FROM ", kindTotal, sums)
	if len(b.q.By) == 0 {
		return with + total + daily
	}
	if len(b.inner()) == 0 { // also of days that have stays and no pageview
		totals = daily
	}
	total = "\nUNION ALL" + total + totals
	if b.rowsAddUp() {
		total = ""
	}
	keys := b.keys()
	limit, all := "", ""
	if b.q.Limit > 0 {
		limit = b.limited()
		all = fmt.Sprintf("\nUNION ALL SELECT %d, count(*), 0%s FROM keyed", kindAll, sums)
	}
	return with + fmt.Sprintf(answerSQL, keys[0], keys[1], kept, daily, having, kindRow, columns, limit, all, total)
}

const answerSQL = `, keyed AS (
  SELECT %s AS key1, %s AS key2%s FROM %s GROUP BY 1, 2%s
)
(SELECT %d, CAST(key1 AS BIGINT), CAST(key2 AS BIGINT)%s FROM keyed%s)%s%s`

// keys are the columns that rows differ in; 0 where there is none.
func (b *builder) keys() [2]string {
	keys := [2]string{"0", "0"}
	inner := 0
	for i, d := range b.q.By {
		keys[i] = period(d)
		if !ofDay(d) {
			inner++
			keys[i] = fmt.Sprint("k", inner)
		}
	}
	return keys
}

// limited leaves the first rows, in the order of name.
func (b *builder) limited() string {
	var times, others []string
	var joins strings.Builder
	for i, d := range b.q.By {
		key := fmt.Sprint("key", i+1)
		if d.Time() {
			times = append(times, key)
			continue
		}
		label, join := label(d, i+1)
		others = append(others, label)
		joins.WriteString(join)
	}
	value := string(b.first())
	switch b.first() {
	case pageview.MetricTimed:
		value = "stays"
	case pageview.MetricTimeOnPage: // as Values.Of rounds
		value = "CASE WHEN stays = 0 THEN 0 ELSE (2 * seconds + stays) // (2 * stays) END"
	}
	return fmt.Sprintf("%s ORDER BY %s LIMIT %d", joins.String(), strings.Join(slices.Concat(times, []string{value + " DESC"}, others), ", "), b.q.Limit)
}

// first is the metric that rows are ordered by.
func (b *builder) first() pageview.Metric {
	if len(b.q.Metrics) > 0 {
		return b.q.Metrics[0]
	}
	return pageview.MetricPageviews
}

// columns are those that hold what is asked for; pageviews are always counted.
func (b *builder) columns() []string {
	columns := []string{"pageviews"}
	for _, m := range []pageview.Metric{pageview.MetricVisits, pageview.MetricVisitors} {
		if b.wants(m) {
			columns = append(columns, string(m))
		}
	}
	if b.q.Timed() {
		columns = append(columns, "stays", "seconds")
	}
	return columns
}

// fields are what the columns are read into.
func (b *builder) fields(v *pageview.Values) []*int64 {
	all := map[string]*int64{"pageviews": &v.Pageviews, "visits": &v.Visits, "visitors": &v.Visitors, "stays": &v.Timed, "seconds": &v.Seconds}
	var fields []*int64
	for _, c := range b.columns() {
		fields = append(fields, all[c])
	}
	return fields
}

// period is a number for a day's period: of a day, and of a week's Monday, the
// days since 1970. Years and months are told fast; date_trunc is five times
// slower.
func period(d pageview.Dimension) string {
	switch d {
	case pageview.ByWeek:
		return `"day" - DATE '1970-01-01' - isodow("day") + 1`
	case pageview.ByMonth:
		return `year("day") * 12 + month("day") - 1`
	case pageview.ByYear:
		return `year("day")`
	}
	return `"day" - DATE '1970-01-01'`
}

// column is what a dimension's value is kept as in a pageview.
func column(d pageview.Dimension) string {
	switch d {
	case pageview.ByHour:
		return `CAST(epoch(coalesce("hour", date_trunc('hour', "at"))) AS BIGINT)`
	case pageview.ByDay, pageview.ByWeek, pageview.ByMonth, pageview.ByYear:
		return `"day"`
	}
	return string(d)
}

// label is the text of key number i, and what must be joined to have it.
func label(d pageview.Dimension, i int) (text, join string) {
	switch d {
	case pageview.ByPage, pageview.ByEntry:
		return fmt.Sprintf("coalesce(pages%d.path, '')", i), fmt.Sprintf(" LEFT JOIN pages pages%d ON pages%d.id = key%d", i, i, i)
	case pageview.BySource:
		return sourceName(fmt.Sprint("key", i)), ""
	}
	return fmt.Sprintf("coalesce(names%d.name, '')", i), fmt.Sprintf(" LEFT JOIN names names%d ON names%d.id = key%d", i, i, i)
}

// sourceName is the name of a source's number.
func sourceName(number string) string {
	var names []string
	for s := pageview.Source(1); ; s++ {
		if _, err := pageview.ParseSource(s.String()); err != nil {
			return "coalesce([" + strings.Join(names, ", ") + "][CAST(" + number + " AS BIGINT)], '')"
		}
		names = append(names, "'"+s.String()+"'")
	}
}
