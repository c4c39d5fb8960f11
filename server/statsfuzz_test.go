package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// FuzzStats gives whatever as a question, and the same text as a path and a
// browser in the answer.
func FuzzStats(f *testing.F) {
	for _, query := range []string{
		"", "metrics=pageviews,visits&by=page,day&from=2026-01-01&to=2026-01-31&compare=previous&limit=3",
		"by=hour&filter=page:/posts/*&filter=browser:!&bots=only&format=csv", "filter=week:2026-01-05&compare=year&from=2024-02-29&to=2024-02-29",
		"metrics=time_on_page,timed&by=month", "by=%zz", "from=9999-12-31&to=9999-12-31&compare=year", "filter=hour:2026-10-25T02:00:00%2B01:00", "limit=1e3",
	} {
		f.Add(query)
	}
	zone, err := time.LoadLocation("America/St_Johns")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}, Header: http.Header{"Accept": {query}}}
		q, wrong := parseStats(r, zone)
		if wrong != nil {
			w := httptest.NewRecorder()
			wrong.write(w)
			if w.Code != http.StatusBadRequest || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%d %q", w.Code, w.Body)
			}
			return
		}
		if err := q.Check(); err != nil {
			t.Errorf("a question that the store refuses: %v", err)
		}
		values := pageview.Values{Pageviews: 3, Visits: 2, Visitors: 1}
		a := &report.Answer{Question: q.Question, Now: pageview.Answer{Total: values, Other: values}, AsOf: time.Now(), Renewed: []pageview.Day{1}}
		if len(q.By) > 0 {
			keys := []string{query, query}[:len(q.By)]
			a.Now.Beyond = 1
			a.Now.Rows = []pageview.Row{{Keys: keys, Values: values}}
		}
		if body := a.JSON(); !json.Valid(body) || !utf8.Valid(body) {
			t.Errorf("%q", body)
		}
		if len(a.CSV()) == 0 {
			t.Error("no CSV")
		}
	})
}
