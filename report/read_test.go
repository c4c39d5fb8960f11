package report_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// TestAnswerReadsBack writes what was read of answers of every kind.
func TestAnswerReadsBack(t *testing.T) {
	all := []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisits, pageview.MetricVisitors}
	row := func(n int64, keys ...string) pageview.Row {
		return pageview.Row{Keys: keys, Values: pageview.Values{Pageviews: n, Visits: n - 1, Visitors: n - 2}}
	}
	compared := report.Question{
		Query: pageview.Query{By: []pageview.Dimension{pageview.ByDay}, Metrics: all, From: 20000, To: 20001},
		Zone:  time.UTC, Compare: report.ComparePrevious, FormerFrom: 19998, FormerTo: 19999,
	}
	ranked := report.Question{Query: pageview.Query{By: []pageview.Dimension{pageview.ByPage, pageview.ByDevice}, Metrics: all, Limit: 2}, Zone: time.UTC}
	timed := report.Question{Query: pageview.Query{Metrics: []pageview.Metric{pageview.MetricTimed, pageview.MetricTimeOnPage}}, Zone: time.UTC}
	for name, a := range map[string]*report.Answer{
		"compared": {
			Question: compared, AsOf: time.Date(2026, 3, 1, 9, 30, 0, 5000, time.UTC), Renewed: []pageview.Day{19000, 20000, 20001},
			Now:    pageview.Answer{Rows: []pageview.Row{row(9, "2024-10-04"), row(4, "2024-10-05")}, Total: row(13).Values, Rollup: true},
			Former: pageview.Answer{Rows: []pageview.Row{row(3, "2024-10-02")}, Total: row(3).Values, Rollup: true},
		},
		"ranked": {
			Question: ranked, Renewed: []pageview.Day{},
			Now: pageview.Answer{
				Rows: []pageview.Row{row(9, "/", "mobile"), row(8, `/"<`, "")}, Total: row(30).Values, Other: row(13).Values, Beyond: 4,
				Uncounted: []pageview.Uncounted{{Source: pageview.SourceLog, First: 20000, Last: 20003, Days: 2}},
			},
		},
		"timed":   {Question: timed, Renewed: []pageview.Day{}, Now: pageview.Answer{Total: pageview.Values{Timed: 3, Seconds: 30}}},
		"nothing": {Question: timed, Renewed: []pageview.Day{}},
	} {
		text := a.JSON()
		got, err := report.ReadAnswer(a.Question, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(string(text), string(got.JSON())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(a.CSV(), got.CSV()); diff != "" {
			t.Errorf("%s as CSV: %s", name, diff)
		}
	}
}

func TestReadAnswerRefusesWhatIsNone(t *testing.T) {
	by := report.Question{Query: pageview.Query{By: []pageview.Dimension{pageview.ByPage}}, Zone: time.UTC}
	for _, text := range []string{
		"", "[]", `{"rows":[{}],"total":{}}`, `{"rows":[{"page":1}],"total":{}}`, `{"rows":[],"total":1}`,
		`{"rows":[],"total":{},"days":["x",null]}`, `{"rows":[],"total":{},"not_counted":[{"source":"x"}]}`,
	} {
		if a, err := report.ReadAnswer(by, []byte(text)); err == nil {
			t.Errorf("%q was read as %+v", text, a)
		}
	}
}
