package report_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

func TestHot(t *testing.T) {
	s := store(t)
	h, _, err := report.RankHot(t.Context(), s, report.HotQuery{Site: site})
	if got := marshal(t, h, err); got != `{"items":[]}` {
		t.Errorf("nothing: %s", got)
	}
	add(t, s, "/long-ago", "2026-01-01 12:00:00", 90)
	add(t, s, "/last-week", "2026-02-22 12:00:00", 8)
	add(t, s, "/yesterday", "2026-02-28 12:00:00", 4)
	add(t, s, "/now", "2026-03-01 12:00:00", 5)
	add(t, s, "/yesterday", "2026-03-01 12:00:00", 1)
	h, _, err = report.RankHot(t.Context(), s, report.HotQuery{Site: site})
	// A day before, /last-week had 8·½·2^(1/7) and /yesterday 4, scaled alike.
	const want = `{"items":[` +
		`{"rank":1,"path":"/now","title":"/now","pageviews":5,"visitors":5,"score":5,"change":null},` +
		`{"rank":2,"path":"/yesterday","title":"/yesterday","pageviews":5,"visitors":5,"score":4.622894657,"change":0},` +
		`{"rank":3,"path":"/last-week","title":"/last-week","pageviews":8,"visitors":8,"score":4,"change":-2}]}`
	if got := marshal(t, h, err); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// list is a hot list in one line: path, score to a thousandth, and change.
func list(t *testing.T, s pageview.Store, q report.HotQuery) string {
	t.Helper()
	q.Site = site
	h, _, err := report.RankHot(t.Context(), s, q)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, item := range h.Items {
		change := "new"
		if item.Change != nil {
			change = fmt.Sprintf("%+d", *item.Change)
		}
		if item.Rank != i+1 {
			t.Errorf("%s has rank %d in place %d", item.Path, item.Rank, i+1)
		}
		fmt.Fprintf(&b, "%s %.3f %s, ", item.Path, item.Score, change)
	}
	if h.Undated > 0 {
		fmt.Fprintf(&b, "%d undated", h.Undated)
	}
	return strings.TrimSuffix(b.String(), ", ")
}

func TestHotByWindow(t *testing.T) {
	s := store(t)
	add(t, s, "/old", "2026-02-01 12:00:00", 40)
	add(t, s, "/week", "2026-03-04 12:00:00", 9)
	add(t, s, "/edge", "2026-03-09 12:00:00", 7) // 24 hours before the newest: just outside
	add(t, s, "/a", "2026-03-09 12:00:01", 5)
	add(t, s, "/a", "2026-03-10 12:00:00", 1) // a visitor who came the day before, too
	add(t, s, "/b", "2026-03-10 00:00:00", 6)
	for _, c := range []struct {
		q    report.HotQuery
		want string
	}{
		{report.HotQuery{Method: report.HotPageviews, Window: 24 * time.Hour}, "/a 6.000 new, /b 6.000 new"},
		{report.HotQuery{Method: report.HotVisitors, Window: 24 * time.Hour}, "/a 6.000 new, /b 6.000 new"},
		{report.HotQuery{Method: report.HotVisitors, Window: 25 * time.Hour}, "/edge 7.000 +0, /a 6.000 new, /b 6.000 new"},
		{report.HotQuery{Method: report.HotPageviews, Window: 7 * 24 * time.Hour}, "/week 9.000 +0, /edge 7.000 +0, /a 6.000 new, /b 6.000 new"},
		{report.HotQuery{Method: report.HotPageviews}, "/week 9.000 +0, /edge 7.000 +0, /a 6.000 new, /b 6.000 new"},
		{report.HotQuery{Method: report.HotPageviews, Window: report.AllTime, Limit: 2}, "/old 40.000 +0, /week 9.000 +0"},
		{report.HotQuery{Method: report.HotPageviews, Window: report.AllTime, Pages: []string{"/?", "/w*"}, Except: []string{"/b"}}, "/week 9.000 +0, /a 6.000 new"},
	} {
		if got := list(t, s, c.q); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.q, got, c.want)
		}
	}
}

func TestHotByTimeOfPublication(t *testing.T) {
	s := store(t)
	add(t, s, "/new", "2026-03-10 10:00:00", 11)
	add(t, s, "/big", "2026-03-01 10:00:00", 100)
	add(t, s, "/big", "2026-03-10 12:00:00", 900)
	add(t, s, "/once", "2026-03-10 12:00:00", 1)
	add(t, s, "/about", "2026-03-10 12:00:00", 5000)
	published := map[string]time.Time{
		"/new":  time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC),
		"/big":  time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC),
		"/once": time.Date(2026, 3, 10, 14, 0, 0, 0, time.FixedZone("", 3600)), // after its only pageview
	}
	known := func(path string) (time.Time, bool) { at, ok := published[path]; return at, ok }
	// (1000−1)/(240+2)^1.8, (11−1)/(8+2)^1.8 and (1−1)/(0+2)^1.8
	want := "/new 0.158 new, /big 0.051 -1, /once 0.000 new, 1 undated"
	if got := list(t, s, report.HotQuery{Method: report.HotHackerNews, Published: known}); got != want {
		t.Errorf("hackernews:\n got %s\nwant %s", got, want)
	}
	// log10(1) + 1773147600/45000, log10(11) + 1773115200/45000, log10(1000) + 1772280000/45000
	want = fmt.Sprintf("/new %.3f new, /once %.3f new, /big %.3f -2, 1 undated",
		math.Log10(11)+1773115200./45000, 1773147600./45000, 3+1772280000./45000)
	if got := list(t, s, report.HotQuery{Method: report.HotReddit, Published: known}); got != want {
		t.Errorf("reddit:\n got %s\nwant %s", got, want)
	}
	if got := list(t, s, report.HotQuery{Method: report.HotReddit}); got != "4 undated" {
		t.Errorf("no time known: %s", got)
	}
}

func TestHotRising(t *testing.T) {
	s := store(t)
	pages := map[string][2]int{ // pageviews in the window before, and in the window
		"/grows-as-the-site": {100, 200}, "/rises": {20, 90}, "/from-nothing": {0, 30}, "/one-to-three": {1, 3}, "/falls": {29, 0}, "/stays": {40, 57},
	}
	for path, n := range pages {
		add(t, s, path, "2026-03-01 12:00:00", n[0])
		add(t, s, path, "2026-03-09 12:00:00", n[1])
	}
	// The site went from 190 to 380, so twice as much is expected of each:
	// (30−0)/√30, (90−40)/√130. A day before, every page of the window was there.
	want := "/from-nothing 5.477 new, /rises 4.385 new"
	if got := list(t, s, report.HotQuery{Method: report.HotRising}); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	// (3−2)/√5
	want = "/from-nothing 5.477 new, /rises 4.385 new, /one-to-three 0.447 new"
	if got := list(t, s, report.HotQuery{Method: report.HotRising, Least: 3}); got != want {
		t.Errorf("from three pageviews:\n got %s\nwant %s", got, want)
	}
	if _, _, err := report.RankHot(t.Context(), s, report.HotQuery{Site: site, Method: report.HotRising, Window: report.AllTime}); err == nil {
		t.Error("rising over all time has nothing to compare with, and was answered")
	}
}

func TestHotLeavesOutBots(t *testing.T) {
	s := store(t)
	add(t, s, "/a", "2026-03-01 12:00:00", 2)
	v := pageview.Pageview{Site: site, At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Path: "/feed", Bot: "feed reader", Source: pageview.SourceLog}
	v.Day, v.Hour = pageview.DayOf(v.At), v.At
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: slices.Repeat([]pageview.Pageview{v}, 9)}); err != nil {
		t.Fatal(err)
	}
	for bots, want := range map[pageview.Bots]string{
		"": "/a 2.000 new", pageview.BotsInclude: "/feed 9.000 new, /a 2.000 new", pageview.BotsOnly: "/feed 9.000 new",
	} {
		if got := list(t, s, report.HotQuery{Method: report.HotPageviews, Bots: bots}); got != want {
			t.Errorf("bots %q: %s, want %s", bots, got, want)
		}
	}
}

// TestHotDoesNotDependOnTheOrderOfArrival ranks the same pageviews kept in two
// orders, once from rollups and once from raw rows.
func TestHotDoesNotDependOnTheOrderOfArrival(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var views []pageview.Pageview
	for range 600 {
		at := time.Date(2026, 3, 1, 0, 0, r.IntN(20*86400), 0, time.UTC)
		views = append(views, pageview.Pageview{
			Site: site, At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: fmt.Sprint("/", r.IntN(30)), Visitor: r.Uint64N(50), Source: pageview.SourceLog,
		})
	}
	published := func(path string) (time.Time, bool) {
		return time.Date(2026, 3, 1, len(path)*7, 0, 0, 0, time.UTC), path < "/5"
	}
	answers := map[report.HotMethod]string{}
	for _, raw := range []bool{false, true} {
		s := store(t)
		for part := range slices.Chunk(views, 50) {
			if err := s.Append(t.Context(), pageview.Batch{Pageviews: part}); err != nil {
				t.Fatal(err)
			}
			list(t, s, report.HotQuery{}) // adds it up
		}
		for _, method := range report.HotMethods() {
			h, _, err := report.RankHot(t.Context(), s, report.HotQuery{Site: site, Method: method, Published: published, Raw: raw, Least: 1})
			got := marshal(t, h, err)
			if len(h.Items) == 0 || raw && got != answers[method] {
				t.Errorf("%s, the other way:\n got %s\nwant %s", method, got, answers[method])
			}
			answers[method] = got
		}
		r.Shuffle(len(views), func(i, j int) { views[i], views[j] = views[j], views[i] })
	}
}
