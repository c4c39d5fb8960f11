package duckdb

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

func TestWhatIsRetainedStaysInTheNumbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	s := open(t, path)
	tenDays(t, s, "blog")
	query := pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByBrowser, pageview.BySystem}}
	byDay := pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByDay}, Metrics: pageview.Metrics()}
	byPage := pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByPage}, Metrics: pageview.Metrics()}
	ask := func(q pageview.Query) pageview.Answer {
		t.Helper()
		a, err := s.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	days, pages := ask(byDay), ask(byPage)
	n, err := s.Retain(t.Context(), "blog", day("2026-01-05"))
	if err != nil || n != 12 {
		t.Fatalf("%d deleted, error %v", n, err)
	}
	same := func(when string) {
		t.Helper()
		for _, c := range []struct{ got, want pageview.Answer }{{ask(byDay), days}, {ask(byPage), pages}} {
			if !c.got.Rollup || c.got.Total != c.want.Total || !slices.EqualFunc(c.got.Rows, c.want.Rows, func(a, b pageview.Row) bool {
				return slices.Equal(a.Keys, b.Keys) && a.Values == b.Values
			}) {
				t.Errorf("%s:\n got %+v\nwant %+v", when, c.got, c.want)
			}
		}
	}
	same("deleted")
	if raw := ask(query); raw.Total.Pageviews != 12 {
		t.Errorf("%d pageviews left, want 12", raw.Total.Pageviews)
	}
	span, err := s.Span(t.Context(), "blog")
	if err != nil || span.FirstDay != day("2026-01-01") || !span.First.Equal(day("2026-01-01").Date(time.UTC)) || span.LastDay != day("2026-01-10") {
		t.Errorf("span %+v, error %v", span, err)
	}
	s.Close()
	s = open(t, path)
	defer s.Close()
	same("opened again")

	// Another precedence adds up anew, but for the days that cannot be.
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Precedence: pageview.Precedence{{pageview.SourceLog}}}); err != nil {
		t.Fatal(err)
	}
	same("added up anew")

	// What comes late is added, but for whose it is.
	late := benchView(0)
	late.Day, late.Visitor = day("2026-01-02"), 7
	late.At = late.Day.Date(utc).Add(2 * time.Hour)
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{late}}); err != nil {
		t.Fatal(err)
	}
	days.Total.Pageviews++
	days.Rows[1].Pageviews++
	pages.Rows[0].Pageviews++
	pages.Total = days.Total
	same("a late pageview")
	if n, err := s.Retain(t.Context(), "blog", day("2026-01-05")); err != nil || n != 1 {
		t.Errorf("%d deleted, error %v", n, err)
	}
	same("deleted again")
}
