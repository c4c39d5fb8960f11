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

// Query implements pageview.Store.
func (s *Store) Query(ctx context.Context, q pageview.Query) (pageview.Answer, error) {
	err := q.Check()
	var a pageview.Answer
	if err == nil {
		a, err = s.answer(ctx, q)
	}
	if err != nil {
		return pageview.Answer{}, fmt.Errorf("query %s: %w", q.Site, err)
	}
	return a, nil
}

// answer answers from what is added up, or from raw rows where that does not
// hold the answer.
func (s *Store) answer(ctx context.Context, q pageview.Query) (pageview.Answer, error) {
	v, err := s.current(ctx)
	if err != nil {
		return pageview.Answer{}, err
	}
	b := &builder{q: &q, v: v.at(q.Through), site: v.sites[q.Site]}
	b.zone = b.site.location()
	d, added := rollup(&q)
	if added = added && b.v == v; added {
		b.v, err = s.fold(ctx, v, q.Site, q.From, q.To, counts)
		if errors.Is(err, errBehind) {
			s.config.Logger.Error("answered from the rows that there are", "site", q.Site, "error", err)
			b.v, added, err = v, false, nil
		}
		if err != nil {
			return pageview.Answer{}, fmt.Errorf("add up what is new: %w", err)
		}
	}
	if added {
		b.fromRollup(d)
	} else {
		b.fromRaw()
	}
	a, err := b.ask(ctx, s.server)
	a.Through, a.Rollup = b.v.through, added
	a.Uncounted = engine.Uncounted(b.v.left(b.site), q.From, q.To)
	return a, err
}

// builder writes the SQL of one query: from where each row of it is counted, and
// what it is of.
type builder struct {
	q    *pageview.Query
	v    *view
	site site
	zone *time.Location

	counted string // counts by k1 and k2
	total   string // counts all that was counted, where that is not the sum of the rows
}

// sums are the columns that are counted, in the order of values.
const sums = "sum(pageviews), sum(visits), sum(visitors), sum(stays), sum(seconds)"

// fields are where sums are read into.
func fields(v *pageview.Values) []any {
	return []any{&v.Pageviews, &v.Visits, &v.Visitors, &v.Timed, &v.Seconds}
}

// ask asks for the rows, for their sum and for the total, as far as these are
// not the same.
func (b *builder) ask(ctx context.Context, s *server) (a pageview.Answer, err error) {
	if len(b.q.By) == 0 {
		a.Total, _, err = b.sum(ctx, s, b.counted)
		b.drop(&a.Total)
		return a, err
	}
	keyed := fmt.Sprintf("SELECT k1, k2, sum(pageviews) AS p, sum(visits) AS v, sum(visitors) AS u, sum(stays) AS t, sum(seconds) AS s FROM (%s) GROUP BY k1, k2 HAVING p > 0", b.counted)
	limit := ""
	if b.q.Limit > 0 {
		limit = fmt.Sprint(" LIMIT ", b.q.Limit)
	}
	var shown pageview.Values
	err = s.each(ctx, fmt.Sprintf("SELECT k1, k2, p, v, u, t, s FROM (%s) ORDER BY %s%s", keyed, b.order(), limit), func(scan func(...any) error) error {
		r := pageview.Row{Keys: make([]string, len(b.q.By))}
		var numbers [2]int64
		var texts [2]string
		keys := []any{&numbers[0], &numbers[1]}
		for i, d := range b.q.By {
			if !d.Time() {
				keys[i] = &texts[i]
			}
		}
		if err := scan(append(keys, fields(&r.Values)...)...); err != nil {
			return err
		}
		for i, d := range b.q.By {
			r.Keys[i] = cmp.Or(engine.Period(d, numbers[i], b.zone), texts[i])
		}
		b.drop(&r.Values)
		shown = sum(shown, r.Values)
		a.Rows = append(a.Rows, r)
		return nil
	})
	if err != nil {
		return a, err
	}
	all := shown
	if b.q.Limit > 0 && len(a.Rows) == b.q.Limit {
		query := fmt.Sprintf("SELECT p AS pageviews, v AS visits, u AS visitors, t AS stays, s AS seconds FROM (%s)", keyed)
		var n int64
		if all, n, err = b.sum(ctx, s, query); err != nil {
			return a, err
		}
		b.drop(&all)
		a.Other, a.Beyond = less(all, shown), int(n)-len(a.Rows)
	}
	a.Total = all
	if b.total != "" {
		a.Total, _, err = b.sum(ctx, s, b.total)
		b.drop(&a.Total)
	}
	return a, err
}

// sum adds up rows, and tells how many they are.
func (b *builder) sum(ctx context.Context, s *server, from string) (v pageview.Values, n int64, err error) {
	err = s.each(ctx, fmt.Sprintf("SELECT toInt64(count()), %s FROM (%s)", sums, from), func(scan func(...any) error) error {
		return scan(append([]any{&n}, fields(&v)...)...)
	})
	return v, n, err
}

// drop leaves out what was not asked for.
func (b *builder) drop(v *pageview.Values) {
	if !b.wants(pageview.MetricVisits) {
		v.Visits = 0
	}
	if !b.wants(pageview.MetricVisitors) {
		v.Visitors = 0
	}
	if !b.q.Timed() {
		v.Timed, v.Seconds = 0, 0
	}
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

// key is what rows differ in, for a dimension whose value is given: a number of
// time, or a text.
func key(d pageview.Dimension, value string) string {
	switch d {
	case pageview.ByDay:
		return "toInt64(day)"
	case pageview.ByWeek: // the Monday; the days are moved so that none is negative
		return "toInt64(day) - (toInt64(day) + 700003) % 7"
	case pageview.ByMonth:
		return "toInt64(month)"
	case pageview.ByYear:
		return "toInt64(intDiv(month, 12))"
	}
	return value
}

// sourceName is the name of a source's number.
func sourceName(number string) string {
	var numbers []int32
	var names []string
	for _, s := range pageview.AllSources() {
		numbers, names = append(numbers, int32(s)), append(names, quote(s.String()))
	}
	return fmt.Sprintf("transform(toInt32(%s), [%s], [%s], '')", number, list(numbers), strings.Join(names, ", "))
}

// keys are k1 and k2 for rows of which the value of a dimension is given.
func (b *builder) keys(value func(pageview.Dimension) string) string {
	keys := [2]string{"toInt64(0)", "toInt64(0)"}
	for i, d := range b.q.By {
		keys[i] = key(d, value(d))
	}
	return keys[0] + " AS k1, " + keys[1] + " AS k2"
}

// order is how rows follow one another.
func (b *builder) order() string {
	var times, others []string
	for i, d := range b.q.By {
		k := fmt.Sprint("k", i+1)
		if d.Time() {
			times = append(times, k)
		} else {
			others = append(others, k)
		}
	}
	first := pageview.MetricPageviews
	if len(b.q.Metrics) > 0 {
		first = b.q.Metrics[0]
	}
	value := map[pageview.Metric]string{
		pageview.MetricPageviews: "p", pageview.MetricVisits: "v", pageview.MetricVisitors: "u", pageview.MetricTimed: "t",
		pageview.MetricTimeOnPage: "if(t = 0, 0, intDiv(2 * s + t, 2 * greatest(t, 1)))", // as Values.Of rounds
	}[first]
	return strings.Join(slices.Concat(times, []string{value + " DESC"}, others), ", ")
}

func (b *builder) wants(m pageview.Metric) bool { return slices.Contains(b.q.Metrics, m) }

// uses tells whether the query tells pageviews apart by the dimension.
func (b *builder) uses(d pageview.Dimension) bool {
	return slices.Contains(b.q.By, d) ||
		slices.ContainsFunc(b.q.Filters, func(f pageview.Filter) bool { return f.Dimension == d })
}

// inner tells whether rows, or filters, differ in more than days.
func (b *builder) inner() bool {
	return slices.ContainsFunc(b.q.By, func(d pageview.Dimension) bool { return !ofDay(d) })
}

// columns are those of a pageview that the query needs, beside those that are
// always there.
func (b *builder) columns() (columns []string) {
	for _, d := range pageview.Dimensions() {
		if b.uses(d) && !ofDay(d) && d != pageview.ByPage && d != pageview.ByEntry {
			columns = append(columns, column(d))
		}
	}
	return columns
}

// fromRaw has raw rows counted.
func (b *builder) fromRaw() {
	r := &rows{v: b.v, site: b.site, bots: b.q.Bots, days: between(b.q.From, b.q.To)}
	columns := b.columns()
	visits, visitors, from := "toInt64(0)", "toInt64(0)", r.views(columns, "")
	if b.wants(pageview.MetricVisits) || b.uses(pageview.ByEntry) {
		from = r.visited(columns)
	}
	if b.wants(pageview.MetricVisits) {
		visits = "toInt64(uniqExactIf(day, visitor, visit, visitor != 0))"
	}
	if b.wants(pageview.MetricVisitors) {
		visitors = "toInt64(uniqExactIf(day, visitor, visitor != 0))"
	}
	const counted = "SELECT %s, toInt64(count()) AS pageviews, %s AS visits, %s AS visitors, toInt64(0) AS stays, toInt64(0) AS seconds FROM (%s) WHERE %s"
	where := b.filters(value)
	b.counted = fmt.Sprintf(counted, b.keys(value), visits, visitors, from, where) + " GROUP BY k1, k2"
	b.total = fmt.Sprintf(counted, "toInt64(0) AS k1, toInt64(0) AS k2", visits, visitors, from, where)
	if b.q.Timed() && b.q.Bots != pageview.BotsOnly {
		const timed = " UNION ALL SELECT %s, toInt64(0) AS pageviews, toInt64(0) AS visits, toInt64(0) AS visitors, toInt64(count()) AS stays, toInt64(sum(seconds)) AS seconds FROM (%s) WHERE %s"
		b.counted += fmt.Sprintf(timed, b.keys(value), r.stays(), where) + " GROUP BY k1, k2"
		b.total += fmt.Sprintf(timed, "toInt64(0) AS k1, toInt64(0) AS k2", r.stays(), where)
	}
	b.spareTotal()
}

// spareTotal spares the total where the sum of all rows is it: a visitor of two
// rows is one unless they are of two days, and stays may be of a day without a
// row.
func (b *builder) spareTotal() {
	persons := b.wants(pageview.MetricVisits) || b.wants(pageview.MetricVisitors)
	if !b.q.Timed() && (!persons || !b.inner()) {
		b.total = ""
	}
}

// fromRollup has what is added up in a dimension counted.
func (b *builder) fromRollup(d rolled) {
	key := func(d pageview.Dimension) string {
		if d == pageview.ByHour {
			return "toInt64OrZero(key)"
		}
		return "key"
	}
	const counted = "SELECT %s, pageviews, visits, visitors, stays, seconds FROM rollups WHERE %s"
	where := b.filters(key)
	versions := b.v.versions(b.site, counts, b.q.From, b.q.To)
	of := func(d rolled) string {
		return and("site = "+quote(b.site.name), fmt.Sprintf("dimension = %d", d), versions, between(b.q.From, b.q.To))
	}
	b.counted = fmt.Sprintf(counted, b.keys(key), and(of(d), where))
	if slices.ContainsFunc(b.q.Filters, func(f pageview.Filter) bool { return !ofDay(f.Dimension) }) {
		b.total = fmt.Sprintf(counted, "toInt64(0) AS k1, toInt64(0) AS k2", and(of(d), where))
	} else {
		b.total = fmt.Sprintf(counted, "toInt64(0) AS k1, toInt64(0) AS k2", and(of(rolledDay), where))
	}
	b.spareTotal()
}
