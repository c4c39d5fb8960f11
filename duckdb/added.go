package duckdb

import (
	"cmp"

	"github.com/beforehand-go/beforehand/pageview"
)

// mirrors tells whether the answer can be made of what a mirror holds. What filters
// leave, and stays, are asked of tables.
func (b *builder) mirrors() bool { return len(b.q.Filters) == 0 && !b.q.Timed() }

// addUp answers from what the site's days add up to, and, by each value of the
// dimension that rows differ in beside them, from of: each of all kinds that count.
func (b *builder) addUp(days, of []*mirrored, v *view) pageview.Answer {
	from, to := cmp.Or(b.q.From, pageview.FirstDay), cmp.Or(b.q.To, pageview.LastDay)
	var total pageview.Values
	for _, m := range days {
		for _, d := range m.between(from, to) {
			for _, s := range d.sums {
				total = sum(total, b.values(s))
			}
		}
	}
	periods := map[[2]int64][]keySum{}
	for _, m := range of {
		for days := m.between(from, to); len(days) > 0; {
			n, p := 1, b.periods(days[0].day)
			for n < len(days) && b.periods(days[n].day) == p {
				n++
			}
			periods[p] = add(periods[p], gather(days[:n]))
			days = days[n:]
		}
	}
	n := 0
	for _, sums := range periods {
		n += len(sums)
	}
	rows := make([]numbered, 0, n)
	for p, sums := range periods {
		for _, s := range sums {
			if s.pageviews == 0 {
				continue
			}
			r := numbered{keys: p, Values: b.values(s)}
			for i, d := range b.q.By {
				if !ofDay(d) {
					r.keys[i] = int64(s.key)
				}
			}
			rows = append(rows, r)
		}
	}
	return b.put(counted{rows: rows, count: len(rows), all: sumOf(rows), total: total}, v)
}

// values are what is asked for of what a value adds up to.
func (b *builder) values(s keySum) pageview.Values {
	v := pageview.Values{Pageviews: s.pageviews}
	if b.wants(pageview.MetricVisits) {
		v.Visits = s.visits
	}
	if b.wants(pageview.MetricVisitors) {
		v.Visitors = s.visitors
	}
	return v
}

// periods are the numbers of the periods of a day that rows differ in; see period.
func (b *builder) periods(day pageview.Day) (keys [2]int64) {
	for i, d := range b.q.By {
		switch d {
		case pageview.ByDay:
			keys[i] = int64(day)
		case pageview.ByWeek:
			keys[i] = int64(day.Week())
		case pageview.ByMonth:
			date := day.Date(utc)
			keys[i] = int64(date.Year()*12 + int(date.Month()) - 1)
		case pageview.ByYear:
			keys[i] = int64(day.Date(utc).Year())
		}
	}
	return keys
}
