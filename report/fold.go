package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/beforehand-go/beforehand/pageview"
)

// maxFolded is how many rows a question with Top may have before they are
// added up.
const maxFolded = 1_000_000

// folded is the place of the dimension that Top is about, or -1.
func (q *Question) folded() int {
	if q.Top == 0 || len(q.By) != 2 || q.By[0].Time() == q.By[1].Time() {
		return -1
	}
	if q.By[0].Time() {
		return 1
	}
	return 0
}

// fold leaves the rows of the top values and adds the others up by period.
func (a *Answer) fold() error {
	at := a.folded()
	if at < 0 {
		return nil
	}
	if a.Now.Beyond > 0 {
		return fmt.Errorf("by %s and %s there are more than %d rows: ask for fewer days, a longer unit of time, or a filter", a.By[0], a.By[1], maxFolded)
	}
	top := a.top(at)
	own := func(r pageview.Row) bool { return top[r.Keys[at]] }
	others := map[string]pageview.Values{}
	for _, r := range a.Now.Rows {
		if own(r) {
			continue
		}
		period := r.Keys[1-at]
		if _, ok := others[period]; !ok {
			a.Others = append(a.Others, pageview.Row{Keys: []string{period}})
		}
		others[period] = sum(others[period], r.Values)
		a.Now.Other = sum(a.Now.Other, r.Values)
		a.Now.Beyond++
	}
	for i, r := range a.Others {
		a.Others[i].Values = others[r.Keys[0]]
	}
	a.Now.Rows = slices.DeleteFunc(a.Now.Rows, func(r pageview.Row) bool { return !own(r) })
	if a.Compare == "" {
		return nil
	}
	a.formerOthers = map[string]pageview.Values{}
	for _, r := range a.Former.Rows {
		if !own(r) {
			a.formerOthers[r.Keys[1-at]] = sum(a.formerOthers[r.Keys[1-at]], r.Values)
		}
	}
	return nil
}

// top are the values that have the most of the first metric; where one would be
// left over, it is among them.
func (a *Answer) top(at int) map[string]bool {
	totals := map[string]int64{}
	metric := pageview.MetricPageviews
	if len(a.Metrics) > 0 {
		metric = a.Metrics[0]
	}
	for _, r := range a.Now.Rows {
		totals[r.Keys[at]] += r.Of(metric)
	}
	values := make([]string, 0, len(totals))
	for v := range totals {
		values = append(values, v)
	}
	slices.SortFunc(values, func(x, y string) int {
		return cmp.Or(cmp.Compare(totals[y], totals[x]), cmp.Compare(x, y))
	})
	if len(values) > a.Top+1 {
		values = values[:a.Top]
	}
	top := map[string]bool{}
	for _, v := range values {
		top[v] = true
	}
	return top
}

func sum(a, b pageview.Values) pageview.Values {
	return pageview.Values{
		Pageviews: a.Pageviews + b.Pageviews, Visits: a.Visits + b.Visits, Visitors: a.Visitors + b.Visitors,
		Timed: a.Timed + b.Timed, Seconds: a.Seconds + b.Seconds,
	}
}

// others writes what is added up by period.
func (a *Answer) others(o *object) {
	o.begin("others")
	o.WriteByte('[')
	for i, r := range a.Others {
		if i > 0 {
			o.WriteByte(',')
		}
		var row object
		row.add(string(a.By[1-a.folded()]), r.Keys[0])
		a.counts(&row, r.Values, a.formerOther(r))
		o.Write(row.end())
	}
	o.WriteByte(']')
}

// named is a row of Others as one of the answer.
func (a *Answer) named(r pageview.Row) pageview.Row {
	keys := []string{Other, Other}
	keys[1-a.folded()] = r.Keys[0]
	return pageview.Row{Keys: keys, Values: r.Values}
}

// formerOther is what a row of Others was.
func (a *Answer) formerOther(r pageview.Row) pageview.Values {
	if a.Compare == "" {
		return pageview.Values{}
	}
	return a.formerOthers[a.formerPeriods(a.By[1-a.folded()])[r.Keys[0]]]
}
