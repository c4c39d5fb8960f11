package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/pageviewtest"
	"github.com/beforehand-go/beforehand/report"
)

// TestEveryNumberEqualsANaiveRecount asks random questions with comparisons and
// the top of a dimension over time, and finds each number that is written by
// counting pageviews one by one.
func TestEveryNumberEqualsANaiveRecount(t *testing.T) {
	s := store(t)
	const renamed = 23 // its zone has a change of nothing but its name
	seeds := []uint64{renamed}
	for seed := range uint64(1000) {
		if seed != renamed && (seed < 10 || os.Getenv("BEFOREHAND_PROVE") != "") {
			seeds = append(seeds, seed)
		}
	}
	for _, seed := range seeds {
		n := &naive{pageviewtest.NewRecount(t, s, 1000+seed, 60), rand.New(rand.NewPCG(seed, 5))}
		for range 8 {
			n.ask(t, s, n.question())
		}
		n.pageviews(t, s)
		if t.Failed() {
			return
		}
	}
}

type naive struct {
	*pageviewtest.Recount
	r *rand.Rand
}

// question is a random one with a comparison or a top.
func (n *naive) question() report.Question {
	q := report.Question{Query: n.Query(), Zone: n.Zone()}
	q.Metrics = slices.DeleteFunc(q.Metrics, pageview.Metric.Timed)
	if len(q.Metrics) == 0 {
		q.Metrics = []pageview.Metric{pageview.MetricPageviews}
	}
	if n.r.IntN(2) == 0 {
		q.Top = 1 + n.r.IntN(3)
		q.By = []pageview.Dimension{pageview.Dimensions()[n.r.IntN(5)], pageview.Dimensions()[5+n.r.IntN(len(pageview.Dimensions())-5)]}
		if n.r.IntN(2) == 0 {
			slices.Reverse(q.By)
		}
	}
	if q.Compare = []report.Comparison{"", report.ComparePrevious, report.CompareYear}[n.r.IntN(3)]; q.Compare != "" {
		if q.From == 0 {
			days := n.Answer(pageview.Query{By: []pageview.Dimension{pageview.ByDay}, Bots: pageview.BotsInclude}).Rows
			first, _, err := pageview.ByDay.Days(days[len(days)/2].Keys[0])
			if err != nil {
				panic(err) // it is a day
			}
			q.From = first
		}
		q.To = q.From + pageview.Day(n.r.IntN(4))
	}
	return q
}

// row is a row as it is written.
type row struct {
	keys []string
	now  pageview.Values
	was  pageview.Values
}

func (n *naive) ask(t *testing.T, s pageview.Store, q report.Question) {
	t.Helper()
	a, err := report.Ask(t.Context(), s, q)
	if err != nil {
		t.Errorf("%+v: %v", q, err)
		return
	}
	rows, others, total := n.expected(q)
	var got struct {
		Rows, Others []map[string]any
		Total        map[string]any
	}
	if err := json.Unmarshal(a.JSON(), &got); err != nil {
		t.Fatal(err)
	}
	var want, have []string
	for _, r := range rows {
		want = append(want, show(q, q.By, r))
	}
	for _, r := range others {
		want = append(want, "others "+show(q, q.By, r))
	}
	want = append(want, "total "+show(q, nil, total))
	for _, r := range got.Rows {
		have = append(have, shown(q, q.By, r))
	}
	for _, r := range got.Others {
		have = append(have, "others "+shown(q, q.By, r))
	}
	have = append(have, "total "+shown(q, nil, got.Total))
	if !slices.Equal(want, have) {
		t.Errorf("%s %s %+v:\n got %s\nwant %s", n.Site(), n.Zone(), q, strings.Join(have, "\n     "), strings.Join(want, "\n     "))
	}
	n.csv(t, q, a, rows, others)
}

// csv finds the same numbers in the same order.
func (n *naive) csv(t *testing.T, q report.Question, a *report.Answer, rows, others []row) {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(a.CSV())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(q.By) == 0 {
		_, _, total := n.expected(q)
		rows = []row{total}
	}
	for i, r := range slices.Concat(rows, others) {
		var cells []string
		for _, v := range []pageview.Values{r.now, r.was} {
			for _, m := range q.Metrics {
				cells = append(cells, fmt.Sprint(v.Of(m)))
			}
		}
		if q.Compare == "" {
			cells = cells[:len(q.Metrics)]
		}
		if got := records[1+i][len(q.By):]; !slices.Equal(got, cells) {
			t.Errorf("%+v: CSV has %q for %q, want %q", q, got, r.keys, cells)
		}
	}
}

// expected counts the rows that should be written.
func (n *naive) expected(q report.Question) (rows, others []row, total row) {
	ask := q.Query
	if q.Top > 0 && len(q.By) == 2 && q.By[0].Time() != q.By[1].Time() {
		ask.Limit = 0
	}
	now := n.Answer(ask)
	total = row{now: now.Total}
	former := map[string]pageview.Values{}
	same := map[pageview.Dimension]map[string]string{}
	if q.Compare != "" {
		from, to := q.From-(q.To-q.From+1), q.From-1
		if q.Compare == report.CompareYear {
			from, to = lastYear(q.From), lastYear(q.To)
		} else if first := q.From.Date(time.UTC); first.Day() == 1 && (q.To+1).Date(time.UTC).Day() == 1 {
			from = pageview.DayOf(first.AddDate(0, -1, 0))
		}
		ask.From, ask.To, ask.Limit = from, to, 0
		was := n.Answer(ask)
		total.was = was.Total
		for _, r := range was.Rows {
			former[strings.Join(r.Keys, "|")] = r.Values
		}
		for _, d := range q.By {
			same[d] = n.same(d, q.From, q.To, from, to)
		}
	}
	for _, r := range now.Rows {
		keys := slices.Clone(r.Keys)
		for i, d := range q.By {
			if d.Time() && q.Compare != "" {
				keys[i] = same[d][keys[i]]
			}
		}
		rows = append(rows, row{r.Keys, r.Values, former[strings.Join(keys, "|")]})
	}
	if ask.Limit == 0 && q.Top > 0 && len(q.By) == 2 && q.By[0].Time() != q.By[1].Time() {
		rows, others = n.top(q, rows, former, same)
	}
	return rows, others, total
}

// top keeps the rows of the greatest values and adds the others up by period.
func (n *naive) top(q report.Question, rows []row, former map[string]pageview.Values, same map[pageview.Dimension]map[string]string) (kept, others []row) {
	at := 0
	if q.By[0].Time() {
		at = 1
	}
	totals := map[string]int64{}
	for _, r := range rows {
		totals[r.keys[at]] += r.now.Of(q.Metrics[0])
	}
	rank := func(value string) (before int) {
		for other, sum := range totals {
			if sum > totals[value] || sum == totals[value] && other < value {
				before++
			}
		}
		return before
	}
	all := len(totals) <= q.Top+1
	keep := func(value string) bool {
		_, known := totals[value]
		return known && (all || rank(value) < q.Top)
	}
	for _, r := range rows {
		if keep(r.keys[at]) {
			kept = append(kept, r)
			continue
		}
		period := r.keys[1-at]
		i := slices.IndexFunc(others, func(o row) bool { return o.keys[1-at] == period })
		if i < 0 {
			i = len(others)
			keys := []string{"", ""}
			keys[1-at] = period
			others = append(others, row{keys: keys})
			for key, v := range former {
				if parts := strings.Split(key, "|"); !keep(parts[at]) && parts[1-at] == same[q.By[1-at]][period] {
					others[i].was = plus(others[i].was, v)
				}
			}
		}
		others[i].now = plus(others[i].now, r.now)
	}
	return kept, others
}

func plus(a, b pageview.Values) pageview.Values {
	a.Pageviews += b.Pageviews
	a.Visits += b.Visits
	a.Visitors += b.Visitors
	return a
}

// lastYear is the same day a year before, or 28 February.
func lastYear(d pageview.Day) pageview.Day {
	t := d.Date(time.UTC)
	if t.Month() == time.February && t.Day() == 29 {
		t = t.AddDate(0, 0, -1)
	}
	return pageview.DayOf(t.AddDate(-1, 0, 0))
}

// same gives for each period of some days that of others with the same place,
// found by going through both a quarter of an hour at a time.
func (n *naive) same(d pageview.Dimension, from, to, formerFrom, formerTo pageview.Day) map[string]string {
	now, was := n.labels(d, from, to), n.labels(d, formerFrom, formerTo)
	of := map[string]string{}
	for i := range min(len(now), len(was)) {
		of[now[i]] = was[i]
	}
	return of
}

func (n *naive) labels(d pageview.Dimension, from, to pageview.Day) (labels []string) {
	begin := from.Date(time.UTC).Add(-48 * time.Hour)
	for at := begin; at.Before((to + 3).Date(time.UTC)); at = at.Add(15 * time.Minute) {
		local := at.In(n.Zone())
		if on := pageview.DayOf(local); on < from || on > to {
			continue
		}
		label := ""
		switch d {
		case pageview.ByHour:
			label = hourOf(local)
		case pageview.ByDay:
			label = local.Format("2006-01-02")
		case pageview.ByWeek:
			monday := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
			for monday.Weekday() != time.Monday {
				monday = monday.AddDate(0, 0, -1)
			}
			label = monday.Format("2006-01-02")
		case pageview.ByMonth:
			label = local.Format("2006-01")
		case pageview.ByYear:
			label = local.Format("2006")
		}
		if !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
	}
	return labels
}

// hourOf goes back to where the local hour began.
func hourOf(local time.Time) string {
	for local.Minute() != 0 {
		earlier := local.Add(-time.Minute)
		_, now := local.Zone()
		if _, then := earlier.Zone(); then != now {
			break
		}
		local = earlier
	}
	return local.Format(time.RFC3339)
}

// show writes what is expected of a row.
func show(q report.Question, by []pageview.Dimension, r row) string {
	var b strings.Builder
	for i := range by {
		fmt.Fprintf(&b, "%q ", r.keys[i])
	}
	for _, m := range q.Metrics {
		fmt.Fprintf(&b, "%s %d ", m, r.now.Of(m))
		if q.Compare != "" {
			change := "-"
			if was := r.was.Of(m); was != 0 {
				change = fmt.Sprintf("%.9f", float64(r.now.Of(m))/float64(was)-1)
			}
			fmt.Fprintf(&b, "was %d changed %s ", r.was.Of(m), change)
		}
	}
	return strings.ReplaceAll(b.String(), "-0.000000000", "0.000000000")
}

// shown writes a row of the answer the same way.
func shown(q report.Question, by []pageview.Dimension, r map[string]any) string {
	var b strings.Builder
	for _, d := range by {
		key, _ := r[string(d)].(string)
		fmt.Fprintf(&b, "%q ", key)
	}
	for _, m := range q.Metrics {
		fmt.Fprintf(&b, "%s %v ", m, r[string(m)])
		if q.Compare != "" {
			change := "-"
			if c, ok := r["change"].(map[string]any)[string(m)].(float64); ok {
				change = fmt.Sprintf("%.9f", c)
			}
			fmt.Fprintf(&b, "was %v changed %s ", r["previous"].(map[string]any)[string(m)], change)
		}
	}
	return strings.ReplaceAll(b.String(), "-0.000000000", "0.000000000")
}

// pageviews finds each cell of the report by page and month.
func (n *naive) pageviews(t *testing.T, s pageview.Store) {
	t.Helper()
	pages := 1 + n.r.IntN(4)
	p, _, err := report.CountPageviews(t.Context(), s, report.PageviewsQuery{Site: n.Site(), Pages: pages})
	if err != nil {
		t.Fatal(err)
	}
	question := pageview.Query{Site: n.Site(), By: []pageview.Dimension{pageview.ByMonth, pageview.ByPage}}
	cells := map[string]int64{}
	total := n.Answer(question)
	for _, r := range total.Rows {
		cells[r.Keys[0]+" "+r.Keys[1]] = r.Pageviews
	}
	sum := int64(0)
	for i, label := range p.Labels {
		all := int64(0)
		for key, v := range cells {
			if strings.HasPrefix(key, label+" ") {
				all += v
			}
		}
		for _, series := range p.Series {
			want := cells[label+" "+series.Path]
			if series.Path == report.Other {
				want = all
			}
			if series.Values[i] != want {
				t.Errorf("%s: %s in %s is %d, want %d", n.Site(), series.Path, label, series.Values[i], want)
			}
			all -= series.Values[i]
			sum += series.Values[i]
		}
		if all != 0 {
			t.Errorf("%s: the series of %s lack %d", n.Site(), label, all)
		}
	}
	if p.Total != total.Total.Pageviews || sum != p.Total {
		t.Errorf("%s: total %d, series %d, want %d", n.Site(), p.Total, sum, total.Total.Pageviews)
	}
}
