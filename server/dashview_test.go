package server

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// viewOf is a view of a site that has no pageviews, at noon of a day.
func viewOf(t *testing.T, query string) *view {
	t.Helper()
	v := &site{Site: Site{Site: &collect.Site{Name: "blog", Zone: time.UTC}}, server: &Server{}}
	w, wrong := parseView(httptest.NewRequest("GET", "/d/blog?"+query, nil), v, time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC))
	if wrong != nil {
		t.Fatalf("%s: %s", query, wrong.Error)
	}
	return w
}

func TestLargeDaysAreCountedByPageviewsAlone(t *testing.T) {
	w := viewOf(t, "filter=browser:Firefox")
	two := viewOf(t, "filter=browser:Firefox&filter=device:mobile")
	for _, c := range []struct {
		*view
		card    string
		large   bool
		metrics int
		compare bool
	}{
		{w, "country", false, 2, true},
		{w, "country", true, 1, false},
		{w, "browser", true, 2, true},
		{w, "total", true, 3, true},
		{w, "chart", true, 3, true},
		{two, "browser", true, 1, false},
		{two, "total", false, 2, true},
		{two, "total", true, 2, true},
		{two, "chart", false, 2, true},
		{two, "chart", true, 1, true},
	} {
		w := c.view
		w.large = c.large
		if q := w.question(c.card); len(q.Metrics) != c.metrics || (q.Compare != "") != c.compare || (q.FormerFrom != 0) != c.compare {
			t.Errorf("%s, large %v: %v, compared %q from %s", c.card, c.large, q.Metrics, q.Compare, q.FormerFrom)
		}
	}
	if q := viewOf(t, "filter=browser:Fire*").question("total"); slices.Contains(q.Metrics, pageview.MetricVisits) {
		t.Error("visits are looked for in single pageviews")
	}
	if q := viewOf(t, "q=x").question("page"); len(q.Metrics) != 1 || q.Filters[0].Values[0] != "*x*" {
		t.Errorf("a search asks %+v", q)
	}
}

func TestViewsDaysAndUnits(t *testing.T) {
	for query, want := range map[string]struct {
		from, to string
		unit     string
		units    int
	}{
		"":                              {"2026-02-09", "2026-03-10", "day", 2},
		"period=today":                  {"2026-03-10", "2026-03-10", "hour", 1},
		"period=7d":                     {"2026-03-04", "2026-03-10", "day", 2},
		"period=month":                  {"2026-03-01", "2026-03-10", "day", 3},
		"period=12m":                    {"2025-04-01", "2026-03-10", "week", 3},
		"from=2026-01-31":               {"2026-01-31", "2026-01-31", "hour", 1},
		"from=2020-01-01&to=2026-01-31": {"2020-01-01", "2026-01-31", "month", 3},
		"from=2026-01-01&to=2026-01-14": {"2026-01-01", "2026-01-14", "day", 3},
		"period=30d&unit=week":          {"2026-02-09", "2026-03-10", "week", 2},
	} {
		w := viewOf(t, query)
		if w.from.String() != want.from || w.to.String() != want.to || w.unit() != want.unit || len(w.units()) != want.units {
			t.Errorf("%q: %s to %s by %s of %v, want %+v", query, w.from, w.to, w.unit(), w.units(), want)
		}
		if key := w.key("country"); key.Unit != "" || w.key("chart").Unit != want.unit || w.key("rising") != (cardKey{Card: "rising"}) {
			t.Errorf("%q: keys %+v, %+v", query, key, w.key("chart"))
		}
	}
	if all := viewOf(t, "period=all"); all.from != 0 || all.compare != "" || all.unit() != "month" || len(all.units()) != 2 {
		t.Errorf("all: %+v", all)
	}
}
