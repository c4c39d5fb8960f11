package duckdb

import (
	"reflect"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestMirrorHoldsWhatIsAskedForLately holds dimensions of two sites that have no room
// together.
func TestMirrorHoldsWhatIsAskedForLately(t *testing.T) {
	s := blog(t)
	if _, err := s.Site(t.Context(), pageview.Site{Name: "shop", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	for _, site := range []string{"blog", "shop"} {
		for _, at := range []string{"2026-01-01 10:00:00", "2026-01-02 10:00:00", "2026-01-03 10:00:00"} {
			v := seenOn(at, "/"+site, 1)
			v.Site = site
			keepViews(t, s, v)
		}
	}
	s.mirror.most, s.mirror.idle = 6, time.Hour
	ask := func(site string, from pageview.Day, by ...pageview.Dimension) {
		t.Helper()
		a, err := s.Query(t.Context(), pageview.Query{Site: site, From: from, By: by})
		if err != nil || a.Total.Pageviews != 3-int64(max(from-first, 0)) {
			t.Fatalf("%s by %v from %v: %+v, error %v", site, by, from, a, err)
		}
	}
	holds := func(rows int, since pageview.Day, of ...markKey) {
		t.Helper()
		if len(s.mirror.of) != len(of) || s.mirror.rows != rows {
			t.Errorf("held are %d rows of %d dimensions, want %d of %d", s.mirror.rows, len(s.mirror.of), rows, len(of))
		}
		for _, k := range of {
			if h := s.mirror.of[k]; h == nil || h.since != since {
				t.Errorf("of %+v is held %+v, want what is since %v", k, h, since)
			}
		}
	}
	blog, shop := s.view.Load().sites["blog"].id, s.view.Load().sites["shop"].id
	ask("blog", first+1, pageview.ByDay)
	holds(2, first+1, markKey{blog, rolledDay})
	ask("blog", first+2, pageview.ByDay)
	holds(2, first+1, markKey{blog, rolledDay})
	ask("blog", 0, pageview.ByPage)
	holds(6, pageview.FirstDay, markKey{blog, rolledDay}, markKey{blog, rolledPage})

	ask("shop", 0, pageview.ByPage) // has no room, and is counted from the table
	holds(6, pageview.FirstDay, markKey{blog, rolledDay}, markKey{blog, rolledPage})
	s.mirror.idle = 0
	ask("shop", 0, pageview.ByPage)
	holds(6, pageview.FirstDay, markKey{shop, rolledDay}, markKey{shop, rolledPage})
	s.mirror.most = 5
	ask("blog", 0, pageview.ByPage) // has no room, whatever gives way
	holds(6, pageview.FirstDay, markKey{shop, rolledDay}, markKey{shop, rolledPage})
}

var first = pageview.DayOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

// TestMirrorIsWhatTheTableHolds compares what is held with the table after what is new
// was added to both, and after what is added up was put right.
func TestMirrorIsWhatTheTableHolds(t *testing.T) {
	s := blog(t)
	compare := func() {
		t.Helper()
		q := pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByDay, pageview.ByPage}, Metrics: pageview.Metrics()[:3]}
		got, err := s.Query(t.Context(), q)
		if err != nil || !got.Rollup || s.mirror.rows == 0 {
			t.Fatalf("from rollups %t, %d rows held, error %v", got.Rollup, s.mirror.rows, err)
		}
		most := s.mirror.most
		s.mirror.clear()
		s.mirror.most = 0
		want, err := s.Query(t.Context(), q)
		s.mirror.most = most
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("held is %+v\nin the table %+v, error %v", got, want, err)
		}
		if again, err := s.Query(t.Context(), q); err != nil || !reflect.DeepEqual(again, want) {
			t.Fatalf("read anew %+v\nwant %+v, error %v", again, want, err)
		}
	}
	for _, v := range []pageview.Pageview{
		seenOn("2026-01-02 10:00:00", "/b", 1), seenOn("2026-01-02 10:05:00", "/a", 1), seenOn("2026-01-01 10:00:00", "/c", 2),
		seenOn("2026-01-02 10:02:00", "/c", 2), seenOn("2026-01-02 11:00:00", "/a", 3), seenOn("2026-01-04 10:00:00", "/b", 1), seenOn("2026-01-03 10:00:00", "/a", 0),
	} {
		keepViews(t, s, v)
		compare()
	}
	if _, err := s.db.Load().ExecContext(t.Context(), `UPDATE rollups SET pageviews = 9 WHERE dimension = 1 AND "day" = DATE '2026-01-02'`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recount(t.Context(), "blog", true); err != nil {
		t.Fatal(err)
	}
	compare()
}
