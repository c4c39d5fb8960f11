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
)

// Query implements pageview.Store.
func (s *Store) Query(ctx context.Context, q pageview.Query) (pageview.Answer, error) {
	if err := q.Check(); err != nil {
		return pageview.Answer{}, fmt.Errorf("query %s: %w", q.Site, err)
	}
	a, err := s.answer(ctx, q)
	if err != nil {
		return pageview.Answer{}, fmt.Errorf("query %s: %w", q.Site, err)
	}
	v := s.view.Load()
	site := v.sites[q.Site]
	a.Uncounted = v.uncounted(site, a.Through, q.From, q.To)
	return a, localHours(&q, site.zone, a.Rows)
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
	db, v, err := s.reader()
	if err != nil {
		return pageview.Answer{}, err
	}
	q.Through = v.upTo(q.Through)
	b := newBuilder(&q, v)
	a, err := ask(ctx, db, b.rawRows()+b.answer(), b.args, len(q.By))
	a.Through = q.Through
	return a, err
}

// ask reads an answer. Its rows begin with what they are: a row, the sum of
// those beyond the limit, or the total.
func ask(ctx context.Context, db querier, query string, args []any, keys int) (pageview.Answer, error) {
	var a pageview.Answer
	err := each(ctx, db, query, func(scan func(...any) error) error {
		var kind int
		var place int64
		var label [2]string
		var v pageview.Values
		if err := scan(&kind, &place, &label[0], &label[1], &v.Pageviews, &v.Visits, &v.Visitors, &v.Timed, &v.Seconds); err != nil {
			return err
		}
		switch kind {
		case kindRow:
			a.Rows = append(a.Rows, pageview.Row{Keys: slices.Clone(label[:keys]), Values: v})
		case kindOther:
			a.Other, a.Beyond = v, int(place)
		case kindTotal:
			a.Total = v
		}
		return nil
	}, args...)
	return a, err
}

// Kinds of rows that the SQL of an answer gives.
const (
	kindRow = iota
	kindOther
	kindTotal
)

// localHours writes the labels of hours, which come in UTC, in the site's zone.
func localHours(q *pageview.Query, name string, rows []pageview.Row) error {
	at := slices.Index(q.By, pageview.ByHour)
	if at < 0 {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return fmt.Errorf("query %s: %w", q.Site, err)
	}
	for _, r := range rows {
		hour, err := time.Parse(time.RFC3339, r.Keys[at])
		if err != nil {
			return fmt.Errorf("query %s: %w", q.Site, err)
		}
		r.Keys[at] = hour.In(zone).Format(time.RFC3339)
	}
	return nil
}

// builder writes the SQL of one query. Nothing of the query itself gets into
// the text, only numbers of arguments.
type builder struct {
	q        *pageview.Query
	site     string // its argument
	known    site
	counting string // the condition that a pageview's source counts on its day
	added    bool   // daily is from what is added up, so that it holds what is deleted
	args     []any
}

func newBuilder(q *pageview.Query, v *view) *builder {
	site := v.sites[q.Site]
	b := &builder{q: q, known: site, counting: v.counting(site, q.Through)}
	b.site = b.arg(site.id)
	return b
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

// rawRows begins a WITH whose last table is
//
//	daily(day, k1, k2, whole, pageviews, visits, visitors)
//
// counted from raw rows. Rows that are whole hold what the day has under all
// keys together.
func (b *builder) rawRows() string {
	var t strings.Builder
	fmt.Fprintf(&t, "WITH counted AS (\n  SELECT * FROM %s WHERE %s\n)", b.pageviews(), b.countedRows())
	from, visit := "counted", "NULL"
	if b.wants(pageview.MetricVisits) || b.uses(pageview.ByEntry) {
		t.WriteString(visited(b.site, `PARTITION BY "day", visitor ORDER BY`, "true"))
		from, visit = "visited", "visit"
	}
	keys, columns := `"day"`, `"day"`
	for i, d := range b.inner() {
		keys += fmt.Sprintf(", %s AS k%d", column(d), i+1)
		columns += fmt.Sprintf(", k%d", i+1)
	}
	fmt.Fprintf(&t, ", picked AS (\n  SELECT %s, visitor, %s AS visit FROM %s WHERE %s\n)", keys, visit, from, b.filters())
	if !b.wants(pageview.MetricVisits) && !b.wants(pageview.MetricVisitors) {
		fmt.Fprintf(&t, ", seen AS (\n  SELECT %s, count(*) AS pageviews, 0 AS visits, 0 AS visitors FROM picked GROUP BY ALL\n)", columns)
		t.WriteString(", daily AS (SELECT *, 0 AS whole FROM seen")
		if len(b.inner()) > 0 {
			fmt.Fprintf(&t, ` UNION ALL BY NAME SELECT "day", 1 AS whole, sum(pageviews) AS pageviews, 0 AS visits, 0 AS visitors FROM seen GROUP BY "day"`)
		}
		return t.String() + ")"
	}
	// A visitor, and a visit, is made one row before it is counted, since
	// count(DISTINCT …) costs ten times as much where there are few rows.
	fmt.Fprintf(&t, ", seen AS (\n  SELECT %s, visitor, visit, count(*) AS n FROM picked GROUP BY ALL\n)", columns)
	fmt.Fprintf(&t, ", daily AS (%s", b.persons("0 AS whole", columns, "seen"))
	if len(b.inner()) > 0 {
		all := `(SELECT "day", visitor, visit, sum(n) AS n FROM seen GROUP BY ALL)`
		fmt.Fprintf(&t, " UNION ALL BY NAME %s", b.persons("1 AS whole", `"day"`, all))
	}
	return t.String() + ")"
}

// persons counts by columns what holds a row for each visit.
func (b *builder) persons(whole, columns, from string) string {
	visits, visitors := "0", "0"
	if b.wants(pageview.MetricVisits) {
		visits = "sum(visits)"
	}
	if b.wants(pageview.MetricVisitors) {
		visitors = "count(nullif(visitor, 0))"
	}
	return fmt.Sprintf(`
  SELECT %s, %s, sum(n) AS pageviews, %s AS visits, %s AS visitors
  FROM (SELECT %s, visitor, sum(n) AS n, count(visit) AS visits FROM %s GROUP BY %s, visitor) GROUP BY %s`,
		columns, whole, visits, visitors, columns, from, columns, columns)
}

// visited adds to each counted pageview the first one of its visit, by sequence
// number and page. Pages that were seen at the same time are ordered by path,
// since neither page nor sequence number is the same in every order of arrival.
//
// The window goes over the visitors one after another: either by partitions, or
// in one, where same tells whether a row and the last one are of one visitor.
// Partitions have a price of their own, and pay for many rows only.
func visited(site, window, same string) string {
	return fmt.Sprintf(`, place AS (
  SELECT id, row_number() OVER (ORDER BY path) AS n FROM pages WHERE site = %[1]s
), began AS (
  SELECT c.*, n, coalesce(%[4]s AND c."at" - lag(c."at") OVER w < INTERVAL %[2]d MINUTE, false) AS goes_on
  FROM counted c JOIN place ON place.id = c.page WHERE visitor <> 0
  WINDOW w AS (%[3]s c."at", n, seq)
), visited AS (
  SELECT * EXCLUDE (n, goes_on),
         last_value(CASE WHEN goes_on THEN NULL ELSE seq END IGNORE NULLS) OVER w AS visit,
         last_value(CASE WHEN goes_on THEN NULL ELSE page END IGNORE NULLS) OVER w AS entry
  FROM began
  WINDOW w AS (%[3]s "at", n, seq ROWS UNBOUNDED PRECEDING)
  UNION ALL
  SELECT *, NULL AS visit, 0 AS entry FROM counted WHERE visitor = 0
)`, site, int(pageview.VisitGap.Minutes()), window, same)
}

// pageviews is what raw rows are read from.
func (b *builder) pageviews() string {
	return b.known.pageviews(fmt.Sprint(b.q.Through), b.days())
}

// days is the condition that a row's day is asked for.
func (b *builder) days() string {
	days := "true"
	if b.q.From != 0 {
		days += ` AND "day" >= ` + b.arg(b.q.From.Date(utc))
	}
	if b.q.To != 0 {
		days += ` AND "day" <= ` + b.arg(b.q.To.Date(utc))
	}
	return days
}

// countedRows is the condition that a pageview counts, before filters.
func (b *builder) countedRows() string {
	where := fmt.Sprintf("site = %s AND seq <= %s AND %s AND %s", b.site, b.arg(b.q.Through), b.counting, b.days())
	switch b.q.Bots {
	case pageview.BotsInclude:
	case pageview.BotsOnly:
		where += " AND bot <> 0"
	default:
		where += " AND bot = 0"
	}
	return where
}

// answer ends a WITH that holds daily.
func (b *builder) answer() string {
	var keys, labels, joins [2]string
	joined := 0
	for i, d := range b.q.By {
		if ofDay(d) {
			keys[i] = period(d)
			labels[i] = fmt.Sprintf("strftime(key%d, '%s')", i+1, map[pageview.Dimension]string{
				pageview.ByMonth: "%Y-%m", pageview.ByYear: "%Y",
			}[d])
			if d == pageview.ByDay || d == pageview.ByWeek {
				labels[i] = fmt.Sprintf("strftime(key%d, '%%Y-%%m-%%d')", i+1)
			}
			continue
		}
		joined++
		keys[i] = fmt.Sprintf("k%d", joined)
		labels[i], joins[i] = label(d, i+1)
	}
	for i := len(b.q.By); i < 2; i++ {
		keys[i], labels[i] = "0", "''"
	}
	limit := int64(1) << 62
	if b.q.Limit > 0 {
		limit = int64(b.q.Limit)
	}
	rows := ""
	if len(b.q.By) > 0 {
		most := b.arg(limit)
		rows = fmt.Sprintf(rowsSQL, most, most)
	}
	return b.timed() + fmt.Sprintf(answerSQL, keys[0], keys[1], labels[0], labels[1], joins[0], joins[1], b.order(), rows, min(1, len(b.inner())))
}

// timed adds the stays to daily, which are of pageviews that the script told of.
func (b *builder) timed() string {
	const begin = ", timed AS (\n  SELECT *, 0 AS stays, 0 AS seconds FROM daily"
	if !b.q.Timed() || b.q.Bots == pageview.BotsOnly {
		return begin + "\n)"
	}
	days, key := b.days(), ""
	if len(b.inner()) > 0 {
		key = "page AS k1, "
	}
	stays := `SELECT site, seq, "day", page, 1 AS stays, seconds FROM stays`
	if b.added {
		stays += ` UNION ALL SELECT site, 0, "day", page, stays, seconds FROM stayed`
	}
	rows := fmt.Sprintf(`
  UNION ALL BY NAME
  SELECT "day", %%s%%d AS whole, 0 AS pageviews, 0 AS visits, 0 AS visitors, sum(stays) AS stays, sum(seconds) AS seconds
  FROM (SELECT *, %d AS source FROM (%s)) WHERE site = %s AND seq <= %s AND %s AND %s AND %s GROUP BY ALL`,
		pageview.SourceScript, stays, b.site, b.arg(b.q.Through), b.counting, days, b.filters())
	t := begin + fmt.Sprintf(rows, key, 0)
	if key != "" {
		t += fmt.Sprintf(rows, "", 1)
	}
	return t + "\n)"
}

const answerSQL = `, keyed AS (
  SELECT %s AS key1, %s AS key2, sum(pageviews) AS pageviews, sum(visits) AS visits, sum(visitors) AS visitors,
         sum(stays) AS stays, sum(seconds) AS seconds
  FROM timed WHERE whole = 0 GROUP BY 1, 2 HAVING sum(pageviews) > 0
), labelled AS (
  SELECT %s AS label1, %s AS label2, pageviews, visits, visitors, stays, seconds FROM keyed%s%s
), placed AS (
  SELECT *, row_number() OVER (ORDER BY %s) AS place FROM labelled
)
SELECT kind, place, label1, label2, CAST(pageviews AS BIGINT), CAST(visits AS BIGINT), CAST(visitors AS BIGINT),
       CAST(stays AS BIGINT), CAST(seconds AS BIGINT) FROM (
%s  SELECT 2 AS kind, 0 AS place, '' AS label1, '' AS label2,
         coalesce(sum(pageviews), 0) AS pageviews, coalesce(sum(visits), 0) AS visits, coalesce(sum(visitors), 0) AS visitors,
         coalesce(sum(stays), 0) AS stays, coalesce(sum(seconds), 0) AS seconds
  FROM timed WHERE whole = %d
) ORDER BY kind, place`

const rowsSQL = `  SELECT 0 AS kind, place, label1, label2, pageviews, visits, visitors, stays, seconds FROM placed WHERE place <= %s
  UNION ALL
  SELECT 1, count(*), '', '', coalesce(sum(pageviews), 0), coalesce(sum(visits), 0), coalesce(sum(visitors), 0),
         coalesce(sum(stays), 0), coalesce(sum(seconds), 0)
  FROM placed WHERE place > %s
  UNION ALL
`

// order is how rows follow one another.
func (b *builder) order() string {
	var times, others []string
	for i, d := range b.q.By {
		l := fmt.Sprint("label", i+1)
		if d.Time() {
			times = append(times, l)
		} else {
			others = append(others, l)
		}
	}
	first := pageview.MetricPageviews
	if len(b.q.Metrics) > 0 {
		first = b.q.Metrics[0]
	}
	value := string(first)
	switch first {
	case pageview.MetricTimed:
		value = "stays"
	case pageview.MetricTimeOnPage: // as Values.Of rounds
		value = "CASE WHEN stays = 0 THEN 0 ELSE (2 * seconds + stays) // (2 * stays) END"
	}
	return strings.Join(slices.Concat(times, []string{value + " DESC"}, others), ", ")
}

// period is the first day of a day's period.
func period(d pageview.Dimension) string {
	switch d {
	case pageview.ByWeek:
		return `CAST(date_trunc('week', "day") AS DATE)`
	case pageview.ByMonth:
		return `CAST(date_trunc('month', "day") AS DATE)`
	case pageview.ByYear:
		return `CAST(date_trunc('year', "day") AS DATE)`
	}
	return `"day"`
}

// column is what a dimension's value is kept as in a pageview.
func column(d pageview.Dimension) string {
	switch d {
	case pageview.ByHour:
		return `coalesce("hour", date_trunc('hour', "at"))`
	case pageview.ByDay, pageview.ByWeek, pageview.ByMonth, pageview.ByYear:
		return `"day"`
	}
	return string(d)
}

// label is the text of key number i, and what must be joined to have it.
func label(d pageview.Dimension, i int) (text, join string) {
	switch d {
	case pageview.ByHour:
		return fmt.Sprintf("strftime(key%d, '%%Y-%%m-%%dT%%H:%%M:%%SZ')", i), ""
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
