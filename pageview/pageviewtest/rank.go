package pageviewtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// rank asks for random rankings of random pageviews and compares each with a
// naive one. Each seed is a site of its own.
func rank(t *testing.T, open func() pageview.Store, oneIn int) {
	seeds, each := 25/oneIn, 4
	if prove() {
		seeds, each = 1000, 6
	}
	bySeeds(t, open, seeds, func(t *testing.T, s pageview.Store, seed int) {
		w := newWorld(t, s, uint64(seed))
		for range 2 { // so that some is added up before the rest comes
			w.add(t, 40+w.r.IntN(80))
			for range each / 2 {
				w.askRank(t, w.rankQuery())
			}
		}
	})
}

// rankQuery is a random question for an order.
func (w *world) rankQuery() pageview.RankQuery {
	hours := func(of ...int) time.Duration { return time.Duration(of[w.r.IntN(len(of))]) * time.Hour }
	patterns := func() (p []string) {
		for range max(0, w.r.IntN(4)-1) {
			p = append(p, []string{"/posts/*", "/?", "/a", "*ü", "/_*", "*", "/p?s*"}[w.r.IntN(7)])
		}
		return p
	}
	q := pageview.RankQuery{
		Site: w.site, Order: pageview.RankOrders()[w.r.IntN(3)], Bots: []pageview.Bots{"", "", "", "exclude", "include", "only"}[w.r.IntN(6)],
		Pages: patterns(), Except: patterns(), Limit: w.r.IntN(5), Before: w.r.IntN(2) == 0,
		Window: hours(0, 0, 1, 5, 24, 72, 168), Earlier: hours(0, 1, 24, 30), HalfLife: hours(3, 6, 24, 25, 168, 720),
	}
	if w.r.IntN(8) == 0 {
		q.HalfLife += time.Minute // of no whole hours
	}
	if w.r.IntN(2) == 0 {
		q.Until = w.kept[w.r.IntN(len(w.kept))].At.Add([]time.Duration{0, -time.Microsecond, time.Hour}[w.r.IntN(3)])
	}
	if w.r.IntN(4) == 0 {
		q.Through = w.through[w.r.IntN(len(w.through))]
	}
	return q
}

// askRank compares rankings, from what is added up and from raw rows, with the
// naive one.
func (w *world) askRank(t *testing.T, q pageview.RankQuery) {
	t.Helper()
	kept := w.kept
	if i := slices.Index(w.through, q.Through); q.Through != 0 {
		kept = kept[:w.counts[i]]
	}
	want := w.naiveRank(kept, q)
	for _, q.Raw = range []bool{false, true} {
		got, err := w.s.Rank(t.Context(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		if q.Raw && got.Rollup {
			t.Errorf("%+v: not from raw rows", q)
		}
		compareRanks(t, fmt.Sprintf("seed %s, zone %s, %+v", w.site, w.zone, q), got, want)
	}
}

func compareRanks(t *testing.T, what string, got, want pageview.Ranking) {
	t.Helper()
	if got.Total != want.Total || got.Before != want.Before || !got.Until.Equal(want.Until) {
		t.Errorf("%s:\n got %+v, before %+v, until %s\nwant %+v, before %+v, until %s",
			what, got.Total, got.Before, got.Until, want.Total, want.Before, want.Until)
	}
	for i := range max(len(got.Pages), len(want.Pages)) {
		if i >= len(got.Pages) || i >= len(want.Pages) {
			t.Errorf("%s: %d pages, want %d", what, len(got.Pages), len(want.Pages))
			return
		}
		g, w := got.Pages[i], want.Pages[i]
		near := math.Abs(g.Score-w.Score) < 1e-8
		g.Score, w.Score = 0, 0
		if !near || g != w {
			t.Errorf("%s, place %d:\n got %+v\nwant %+v", what, i+1, got.Pages[i], want.Pages[i])
		}
	}
}

// tally is what a page has in a window.
type tally struct {
	pageviews int64
	visitors  map[string]bool
	score     float64
}

func (t *tally) values() pageview.Values {
	if t == nil {
		return pageview.Values{}
	}
	return pageview.Values{Pageviews: t.pageviews, Visitors: int64(len(t.visitors))}
}

// by is what a page is ordered by; scores only to billionths, so that the order
// in which they were added up does not show.
func (t *tally) by(order pageview.RankOrder) float64 {
	switch order {
	case "pageviews":
		return float64(t.pageviews)
	case "visitors":
		return float64(len(t.visitors))
	}
	return math.Round(t.score*1e9) / 1e9
}

// tallies counts a window by page, and all of it under the empty path.
func (w *world) tallies(views []*pageview.Pageview, until time.Time, window, halfLife time.Duration) map[string]*tally {
	pages := map[string]*tally{}
	for _, v := range views {
		age := until.Sub(v.At)
		if age < 0 || window > 0 && age >= window {
			continue
		}
		for _, path := range []string{"", v.Path} {
			if pages[path] == nil {
				pages[path] = &tally{visitors: map[string]bool{}}
			}
			pages[path].pageviews++
			pages[path].score += math.Exp2(-age.Seconds() / halfLife.Seconds())
			if v.Visitor != 0 {
				pages[path].visitors[fmt.Sprint(w.keyOf("day", v, nil), v.Visitor)] = true
			}
		}
	}
	return pages
}

// naiveRank ranks in the plainest way.
func (w *world) naiveRank(kept []pageview.Pageview, q pageview.RankQuery) pageview.Ranking {
	r := pageview.Ranking{Until: q.Until}
	if q.Until.IsZero() {
		for _, v := range w.counted(kept, pageview.Query{}) {
			if v.At.After(r.Until) {
				r.Until = v.At
			}
		}
	}
	views := w.counted(kept, pageview.Query{Bots: q.Bots})
	halfLife := max(q.HalfLife, 1)
	now := w.tallies(views, r.Until, q.Window, halfLife)
	before := map[string]*tally{}
	if q.Before && q.Window > 0 {
		before = w.tallies(views, r.Until.Add(-q.Window), q.Window, halfLife)
		r.Total, r.Before = now[""].values(), before[""].values()
	}
	then := ordered(w.tallies(views, r.Until.Add(-q.Earlier), q.Window, halfLife), q)
	for _, path := range ordered(now, q) {
		p := pageview.Ranked{Page: path, Values: now[path].values(), Before: before[path].values(), Earlier: slices.Index(then, path) + 1}
		if q.Order == "score" || q.Order == "" {
			p.Score = now[path].score
		}
		r.Pages = append(r.Pages, p)
	}
	if q.Limit > 0 {
		r.Pages = r.Pages[:min(len(r.Pages), q.Limit)]
	}
	return r
}

// ordered are the pages that are asked for, in order.
func ordered(pages map[string]*tally, q pageview.RankQuery) []string {
	var paths []string
	for path := range pages {
		one := func(p string) bool { return patternMatches([]rune(p), []rune(path)) }
		if path != "" && (len(q.Pages) == 0 || slices.ContainsFunc(q.Pages, one)) && !slices.ContainsFunc(q.Except, one) {
			paths = append(paths, path)
		}
	}
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(pages[b].by(q.Order), pages[a].by(q.Order)), cmp.Compare(a, b))
	})
	return paths
}

// patternMatches tells whether a path matches a pattern, in which a * stands
// for any text and a ? for one character.
func patternMatches(pattern, path []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(path) == 0
	case pattern[0] == '*':
		return patternMatches(pattern[1:], path) || len(path) > 0 && patternMatches(pattern, path[1:])
	case len(path) == 0:
		return false
	}
	return (pattern[0] == '?' || pattern[0] == path[0]) && patternMatches(pattern[1:], path[1:])
}

func rankTies(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	for _, path := range []string{"/c", "/ü", "/a", "/b", "/B", "/a/b", "/[x]"} {
		add(t, s, view("2026-01-01 10:00:00", path))
	}
	for _, order := range pageview.RankOrders() {
		for _, raw := range []bool{false, true} {
			r, err := s.Rank(t.Context(), pageview.RankQuery{Site: site, Raw: raw, Order: order, HalfLife: 24 * time.Hour, Except: []string{"/[x]"}})
			var paths []string
			for _, p := range r.Pages {
				paths = append(paths, p.Page)
			}
			if want := []string{"/B", "/a", "/a/b", "/b", "/c", "/ü"}; err != nil || !slices.Equal(paths, want) {
				t.Errorf("by %s: %q, want %q, error %v", order, paths, want, err)
			}
		}
	}
}

// rankFold has a zone where a day came to its end, the next one began, and a
// minute later clocks were set back by an hour, into the first day.
func rankFold(t *testing.T, open func() pageview.Store) {
	s := open()
	defer s.Close()
	w := newWorldIn(t, s, 11, "America/St_Johns")
	change := time.Date(2009, 11, 1, 2, 31, 0, 0, time.UTC)
	if _, end := change.Add(-time.Hour).In(w.zone).ZoneBounds(); !end.Equal(change) {
		t.Fatalf("clocks are set back at %s, want %s", end, change)
	}
	var views []pageview.Pageview
	for i := range 240 {
		at := change.Add(time.Duration(i-120) * time.Minute)
		if i%2 == 0 { // some days away
			at = change.Add(time.Duration(i-120) * time.Hour / 2)
		}
		local := at.In(w.zone)
		views = append(views, pageview.Pageview{
			Site: w.site, At: local, Day: pageview.DayOf(local), Hour: pageview.HourOf(local),
			Path: fmt.Sprint("/", i%3), Visitor: uint64(1 + i%7), Source: pageview.SourceScript,
		})
	}
	w.keep(t, views)
	for range 30 {
		near, far := views[1+2*w.r.IntN(120)].At, views[2*w.r.IntN(120)].At
		until := near
		if far.After(near) {
			until, far = far, near
		}
		w.askRank(t, pageview.RankQuery{Site: w.site, Order: pageview.RankPageviews, Window: until.Sub(far), Until: until})
		w.askRank(t, pageview.RankQuery{Site: w.site, Order: pageview.RankPageviews, Window: until.Sub(far), Until: change.Add(-30 * time.Second)})
	}
}
