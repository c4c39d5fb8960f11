package duckdb

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// seenOn is a pageview of the site blog.
func seenOn(at, path string, visitor uint64) pageview.Pageview {
	when, err := time.Parse(time.DateTime, at)
	if err != nil {
		panic(err)
	}
	return pageview.Pageview{
		Site: "blog", At: when, Day: pageview.DayOf(when), Hour: pageview.HourOf(when), Path: path, Visitor: visitor, Source: pageview.SourceLog,
	}
}

// blog is a store with a site of that name.
func blog(t *testing.T) *Store {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	t.Cleanup(func() { s.Close() })
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	return s
}

func keepViews(t *testing.T, s *Store, views ...pageview.Pageview) {
	t.Helper()
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: views}); err != nil {
		t.Fatal(err)
	}
}

// total is the sum of all pageviews, visits and visitors, from rollups.
func total(t *testing.T, s *Store) pageview.Values {
	t.Helper()
	a, err := s.Query(t.Context(), pageview.Query{Site: "blog", Metrics: pageview.Metrics()})
	if err != nil || !a.Rollup {
		t.Fatalf("from rollups %t, error %v", a.Rollup, err)
	}
	return a.Total
}

func TestRecountFindsAndRepairsWhatIsWrong(t *testing.T) {
	s := blog(t)
	for i := range 40 { // each is added up on its own
		at := fmt.Sprintf("2026-01-%02d 10:%02d:00", 1+i%3, i)
		keepViews(t, s, seenOn(at, fmt.Sprint("/", i%4), uint64(i%7)))
		total(t, s)
	}
	recount := func(repair bool) []pageview.Wrong {
		t.Helper()
		wrong, err := s.Recount(t.Context(), "blog", repair)
		if err != nil {
			t.Fatal(err)
		}
		return wrong
	}
	before := total(t, s)
	if wrong := recount(false); len(wrong) != 0 {
		t.Fatalf("wrong without a reason: %v", wrong)
	}
	if _, err := s.db.Load().ExecContext(t.Context(), `UPDATE rollups SET pageviews = 9 WHERE dimension = 1 AND "day" = DATE '2026-01-02'`); err != nil {
		t.Fatal(err)
	}
	wrong := recount(false)
	if len(wrong) != 1 || wrong[0].Day.String() != "2026-01-02" || wrong[0].Dimension != "page" || wrong[0].Values != 4 {
		t.Errorf("found %v", wrong)
	}
	recount(true)
	if wrong := recount(false); len(wrong) != 0 || total(t, s) != before {
		t.Errorf("after the repair %v, total %+v, want %+v", wrong, total(t, s), before)
	}
}

func TestNumbersOutliveTheirPageviews(t *testing.T) {
	s := blog(t)
	keepViews(t, s, seenOn("2026-01-01 10:00:00", "/a", 1), seenOn("2026-01-01 11:00:00", "/b", 2), seenOn("2026-01-05 10:00:00", "/a", 1))
	day, err := time.Parse(time.DateOnly, "2026-01-03")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Retain(t.Context(), "blog", pageview.DayOf(day)); err != nil || n != 2 {
		t.Fatalf("%d deleted, error %v", n, err)
	}
	if got, want := total(t, s), (pageview.Values{Pageviews: 3, Visits: 3, Visitors: 3}); got != want {
		t.Errorf("after deleting %+v, want %+v", got, want)
	}
	// A late pageview of such a day is counted; whose it is cannot be known.
	keepViews(t, s, seenOn("2026-01-01 12:00:00", "/a", 1), seenOn("2026-01-05 10:01:00", "/a", 1))
	if got, want := total(t, s), (pageview.Values{Pageviews: 5, Visits: 3, Visitors: 3}); got != want {
		t.Errorf("after a late one %+v, want %+v", got, want)
	}
	if wrong, err := s.Recount(t.Context(), "blog", true); err != nil || len(wrong) != 0 {
		t.Errorf("recounted days that are gone: %v, error %v", wrong, err)
	}
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Precedence: pageview.Precedence{{pageview.SourceLog}}}); err != nil {
		t.Fatal(err)
	}
	if got, want := total(t, s), (pageview.Values{Pageviews: 5, Visits: 3, Visitors: 3}); got != want {
		t.Errorf("after another precedence %+v, want %+v", got, want)
	}
	if err := s.Drop(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	keepViews(t, s, seenOn("2026-01-01 12:00:00", "/a", 1))
	if got, want := total(t, s), (pageview.Values{Pageviews: 1, Visits: 1, Visitors: 1}); got != want {
		t.Errorf("a site of the same name begins with %+v, want %+v", got, want)
	}
}

func TestRowsOfOneValueArePutTogether(t *testing.T) {
	s := blog(t)
	for i := range compactEvery + 6 {
		keepViews(t, s, seenOn("2026-01-01 10:00:00", "/a", uint64(i+1)))
		total(t, s) // which has it in the table
	}
	var rows int
	if err := s.db.Load().QueryRowContext(t.Context(), `SELECT count(*) FROM rollups`).Scan(&rows); err != nil || rows > compactEvery {
		t.Errorf("%d rows, error %v", rows, err)
	}
	if got, want := total(t, s), (pageview.Values{Pageviews: compactEvery + 6, Visits: compactEvery + 6, Visitors: compactEvery + 6}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestBotsOutliveTheirPageviews asks for bots what TestNumbersOutliveTheirPageviews
// asks for persons. Visitor 1 is of both kinds, in one visit.
func TestBotsOutliveTheirPageviews(t *testing.T) {
	s := blog(t)
	bot := func(at, path string, visitor uint64) pageview.Pageview {
		v := seenOn(at, path, visitor)
		v.Bot = "agent"
		return v
	}
	keepViews(t, s, seenOn("2026-01-01 10:00:00", "/a", 1), bot("2026-01-01 10:01:00", "/a", 1), bot("2026-01-01 12:00:00", "/b", 2))
	want := map[pageview.Bots]pageview.Values{
		pageview.BotsExclude: {Pageviews: 1, Visits: 1, Visitors: 1},
		pageview.BotsOnly:    {Pageviews: 2, Visits: 2, Visitors: 2},
		pageview.BotsInclude: {Pageviews: 3, Visits: 2, Visitors: 2},
	}
	check := func(when string) {
		t.Helper()
		for which, want := range want {
			for _, by := range [][]pageview.Dimension{nil, {pageview.ByBot}, {pageview.ByPage}} {
				a, err := s.Query(t.Context(), pageview.Query{Site: "blog", By: by, Bots: which, Metrics: pageview.Metrics()[:3]})
				if err != nil || !a.Rollup || a.Total != want {
					t.Errorf("%s, bots %s by %v: %+v from rollups %t, error %v, want %+v", when, which, by, a.Total, a.Rollup, err, want)
				}
			}
		}
	}
	check("before")
	if n, err := s.Retain(t.Context(), "blog", pageview.DayOf(yearBegin)+400); err != nil || n != 3 {
		t.Fatalf("%d deleted, error %v", n, err)
	}
	check("after deleting")
	keepViews(t, s, bot("2026-01-01 13:00:00", "/b", 2))
	for which, v := range want { // whose it is cannot be known
		if which != pageview.BotsExclude {
			v.Pageviews++
		}
		want[which] = v
	}
	check("after a late one")
}
