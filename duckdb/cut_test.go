package duckdb

import (
	"reflect"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestRankingsHoldTheDaysThatWindowsCut compares rankings with those for which nothing is
// held, as pageviews come that are new, and late ones of the days that windows cut.
func TestRankingsHoldTheDaysThatWindowsCut(t *testing.T) {
	for name, q := range map[string]pageview.RankQuery{
		"score":    {Window: 72 * time.Hour, Earlier: 24 * time.Hour, HalfLife: 48 * time.Hour, Limit: 2},
		"visitors": {Window: 72 * time.Hour, Earlier: 24 * time.Hour, Order: pageview.RankVisitors, Before: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := blog(t)
			for d := range 10 {
				for i, page := range []string{"/a", "/b", "/c"} {
					v := seenOn("2026-01-01 09:00:00", page, uint64(1+(i+d)%3))
					v.At = v.At.AddDate(0, 0, d).Add(time.Duration(i*5) * time.Hour)
					v.Day = pageview.DayOf(v.At)
					keepViews(t, s, v)
				}
			}
			q.Site = "blog"
			ask := func() pageview.Ranking {
				t.Helper()
				r, err := s.Rank(t.Context(), q)
				if err != nil || !r.Rollup {
					t.Fatalf("from rollups %t, error %v", r.Rollup, err)
				}
				return r
			}
			compare := func(what string) (held, anew int) {
				t.Helper()
				got := ask()
				again := ask()
				held, most := s.mirror.cutRows, s.mirror.mostCut
				s.mirror.clear()
				s.mirror.mostCut = 0
				want := ask()
				s.mirror.mostCut = most
				if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(again, want) {
					t.Errorf("%s:\n got %+v\n and %+v\nwant %+v", what, got, again, want)
				}
				ask() // what is held then is added to
				return held, s.mirror.cutRows
			}
			first, _ := compare("at first") // windows begin and end on the 6th, 7th and 9th
			if first == 0 {
				t.Fatal("nothing is held")
			}
			late := []pageview.Pageview{
				seenOn("2026-01-07 23:00:00", "/b", 9), seenOn("2026-01-07 22:00:00", "/b", 9), seenOn("2026-01-07 23:30:00", "/d", 0),
				seenOn("2026-01-07 03:00:00", "/b", 9), // before the window
			}
			keepViews(t, s, late...)
			if held, anew := compare("late ones"); held < first+3 || held != anew {
				t.Errorf("%d rows are held after late ones, before them %d; read anew are %d", held, first, anew)
			}
			keepViews(t, s, seenOn("2026-01-10 23:00:00", "/b", 1))
			compare("a new one, by which windows move")
			keepViews(t, s, seenOn("2026-01-12 01:00:00", "/b", 1))
			compare("a new one two days later")
			if _, err := s.Retain(t.Context(), "blog", day("2026-01-09")); err != nil {
				t.Fatal(err)
			}
			compare("days that were deleted")
		})
	}
}

// TestSpanReachesToWhatIsNew compares the held span with one that is read.
func TestSpanReachesToWhatIsNew(t *testing.T) {
	s := blog(t)
	compare := func(what string) {
		t.Helper()
		got, err := s.Span(t.Context(), "blog")
		if err != nil {
			t.Fatal(err)
		}
		if _, known, _ := s.mirror.span(s.view.Load().sites["blog"].id); !known {
			t.Errorf("%s: not held", what)
		}
		s.mirror.clear()
		want, err := s.Span(t.Context(), "blog")
		if err != nil || got != want {
			t.Errorf("%s: span %+v, want %+v, error %v", what, got, want, err)
		}
	}
	for _, at := range []string{"2026-01-05 10:00:00", "2026-01-05 09:00:00", "2026-01-05 11:00:00", "2026-01-03 10:00:00", "2026-01-06 10:00:00", "2026-01-04 10:00:00"} {
		keepViews(t, s, seenOn(at, "/a", 1))
		compare(at)
	}
	bot := seenOn("2026-01-09 10:00:00", "/a", 1)
	bot.Bot = "crawler"
	keepViews(t, s, bot)
	compare("a bot")
	if _, err := s.Retain(t.Context(), "blog", day("2026-01-05")); err != nil {
		t.Fatal(err)
	}
	compare("days that were deleted")
	keepViews(t, s, seenOn("2026-01-03 12:00:00", "/a", 1))
	compare("a late one of a day that was deleted")
}
