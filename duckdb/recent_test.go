package duckdb

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestWhatIsNewIsAddedUpWithHeldDays adds pageviews of new and of known visitors, early,
// late and of nobody, and holds what is added up to raw rows each time: with what is new
// held, too, and read.
func TestWhatIsNewIsAddedUpWithHeldDays(t *testing.T) {
	for name, most := range map[string]int{"held": tailRows, "read": 0} {
		t.Run(name, func(t *testing.T) {
			s := blog(t)
			s.tail.most = most
			whatIsNew(t, s)
		})
	}
}

func whatIsNew(t *testing.T, s *Store) {
	t.Helper()
	site := s.view.Load().sites["blog"].id
	right := func(what string, days ...string) {
		t.Helper()
		total(t, s)
		wrong, err := s.Recount(t.Context(), "blog", false)
		if err != nil || len(wrong) > 0 {
			t.Errorf("%s: wrong are %+v, error %v", what, wrong, err)
		}
		var want []pageview.Day
		for _, d := range days {
			want = append(want, day(d))
		}
		held := s.recent.of[site]
		if held == nil {
			held = &recentSite{}
		}
		if got := slices.Sorted(maps.Keys(held.days)); !slices.Equal(got, want) {
			t.Errorf("%s: held are %v, want %v", what, got, want)
		}
		rows := 0
		for _, d := range held.days {
			rows += len(d.prev)
		}
		if s.recent.rows != rows {
			t.Errorf("%s: %d rows are said to be held, %d are", what, s.recent.rows, rows)
		}
	}
	keepViews(t, s, seenOn("2026-01-01 10:00:00", "/a", 1), seenOn("2026-01-02 10:00:00", "/a", 1), seenOn("2026-01-02 10:10:00", "/b", 2))
	right("the first time")
	keepViews(t, s, seenOn("2026-01-02 10:20:00", "/b", 1), seenOn("2026-01-02 10:30:00", "/c", 0))
	right("a day that was not held", "2026-01-02")
	keepViews(t, s, seenOn("2026-01-02 09:45:00", "/c", 1), seenOn("2026-01-03 09:45:00", "/c", 1))
	right("a day that was held, and a new one", "2026-01-02", "2026-01-03")
	bot := seenOn("2026-01-03 10:00:00", "/a", 1)
	bot.Bot, bot.Referrer = "crawler", "a.example"
	keepViews(t, s, bot, seenOn("2026-01-03 11:00:00", "/a", 1))
	right("a visitor who is a bot, too, and names that need another bit", "2026-01-03")
	other := seenOn("2026-01-03 12:00:00", "/a", 3)
	other.Source = pageview.SourceScript
	keepViews(t, s, other)
	right("a source in place of another")
	keepViews(t, s, seenOn("2026-01-04 10:00:00", "/a", 1))
	right("a day of its own", "2026-01-04")
	if _, err := s.Retain(t.Context(), "blog", day("2026-01-04")); err != nil {
		t.Fatal(err)
	}
	keepViews(t, s, seenOn("2026-01-03 12:00:00", "/a", 1))
	right("a day that was deleted")

	s.recent.most = 2
	keepViews(t, s, seenOn("2026-01-05 10:00:00", "/a", 1), seenOn("2026-01-05 11:00:00", "/a", 1))
	right("as much as has room", "2026-01-05")
	keepViews(t, s, seenOn("2026-01-05 12:00:00", "/a", 1))
	right("more than has room")
}

// TestDaysOfAnIdleSiteGiveWay has two sites of which one only has room.
func TestDaysOfAnIdleSiteGiveWay(t *testing.T) {
	s := blog(t)
	if _, err := s.Site(t.Context(), pageview.Site{Name: "shop", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	id := func(name string) uint16 { return s.view.Load().sites[name].id }
	keep := func(name string, days int) {
		t.Helper()
		for _, at := range []string{"2026-01-01 10:00:00", "2026-01-01 11:00:00"} {
			v := seenOn(at, "/a", 1)
			v.Site = name
			keepViews(t, s, v)
			a, err := s.Query(t.Context(), pageview.Query{Site: name})
			if err != nil || !a.Rollup {
				t.Fatalf("from rollups %t, error %v", a.Rollup, err)
			}
		}
		held := 0
		if of := s.recent.of[id(name)]; of != nil {
			held = len(of.days)
		}
		if held != days {
			t.Errorf("%d days of %s are held, want %d", held, name, days)
		}
	}
	s.recent.most = 3
	keep("blog", 1)
	keep("shop", 0)
	s.recent.most = 6
	s.recent.of[id("blog")].used = time.Now().Add(-2 * recentIdle)
	keep("shop", 0) // which had no room lately
	s.recent.noRoom[id("shop")] = time.Now().Add(-2 * recentIdle)
	keep("shop", 1)
	if len(s.recent.of) != 1 {
		t.Errorf("held are %d sites, want shop alone", len(s.recent.of))
	}
}
