// Package pageviewtest is the conformance suite that every store of pageviews
// must pass.
package pageviewtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Run holds a store to the contract. Each call of open opens the same store
// again after the last one was closed, for as long as the test t runs.
func Run(t *testing.T, open func(t *testing.T) func() pageview.Store) { RunSome(t, open, 1) }

// RunSome is Run for an engine of which each step takes long: of the random
// questions it asks one in so many, unless long proofs run whole.
func RunSome(t *testing.T, open func(t *testing.T) func() pageview.Store, oneIn int) {
	tests := map[string]func(t *testing.T, open func() pageview.Store){
		"an empty store counts nothing":                          empty,
		"what was appended is counted and survives closing":      survives,
		"a site keeps its zone":                                  zone,
		"concurrent batches are each counted once":               concurrent,
		"answers equal naive ones":                               some(oneIn, queries),
		"each pair of dimensions equals a naive answer":          some(oneIn, pairs),
		"the rank equals a naive ranking":                        some(oneIn, rank),
		"even pages are ordered by path":                         rankTies,
		"a window may cut a day that ends twice":                 rankFold,
		"the last title that is not empty stays":                 title,
		"stays of a day without a pageview are in the total":     stayOnly,
		"a log's mark moves with its pageviews":                  mark,
		"logs that begin with the same line are kept apart":      prints,
		"a step that does not follow the last one keeps nothing": moved,
		"one source counts on a day":                             oneSource,
		"what counts does not depend on the order":               sourceOrder,
		"a visitor who is too fast is a bot":                     tooFastAreBots,
		"a request that comes again keeps nothing":               repeated,
		"requests that come at once are kept once":               repeatedAtOnce,
		"a batch that is refused leaves nothing":                 refusedWhole,
		"an unknown site is refused and the store lives on":      unknownSite,
		"a closed store says so":                                 closed,
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

// some is a test of one in so many random questions.
func some(oneIn int, f func(t *testing.T, open func() pageview.Store, oneIn int)) func(t *testing.T, open func() pageview.Store) {
	return func(t *testing.T, open func() pageview.Store) { f(t, open, oneIn) }
}

const site = "blog"

func start(t *testing.T, open func() pageview.Store) pageview.Store {
	t.Helper()
	s := open()
	t.Cleanup(func() { s.Close() })
	if _, err := s.Site(t.Context(), pageview.Site{Name: site, Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	return s
}

func add(t *testing.T, s pageview.Store, views ...pageview.Pageview) {
	t.Helper()
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: views}); err != nil {
		t.Fatal(err)
	}
}

func view(at, path string) pageview.Pageview {
	v, err := time.Parse(time.DateTime, at)
	if err != nil {
		panic(err)
	}
	return pageview.Pageview{Site: site, At: v, Day: pageview.DayOf(v), Hour: pageview.HourOf(v), Path: path, Visitor: 1, Source: pageview.SourceLog}
}

func total(t *testing.T, s pageview.Store) int64 {
	t.Helper()
	a, err := s.Query(t.Context(), pageview.Query{Site: site})
	if err != nil {
		t.Fatal(err)
	}
	return a.Total.Pageviews
}

func empty(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	span, err := s.Span(t.Context(), site)
	if err != nil || span != (pageview.Span{}) {
		t.Errorf("span %+v, error %v", span, err)
	}
	if n := total(t, s); n != 0 {
		t.Errorf("%d pageviews", n)
	}
	ranked, err := s.Rank(t.Context(), pageview.RankQuery{Site: site, HalfLife: time.Hour, Limit: 1})
	if err != nil || len(ranked.Pages) != 0 {
		t.Errorf("rank %v, error %v", ranked, err)
	}
}

func survives(t *testing.T, open func() pageview.Store) {
	s := open()
	if _, err := s.Site(t.Context(), pageview.Site{Name: site, Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	first, last := view("2026-01-31 23:00:00", "/a"), view("2026-02-01 01:00:00", "/b")
	bot := view("2026-03-01 01:00:00", "/b")
	bot.Bot = "agent"
	add(t, s, last, first, bot)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer s.Close()
	span, err := s.Span(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	want := pageview.Span{First: first.At, Last: last.At, FirstDay: first.Day, LastDay: last.Day, Through: span.Through}
	if span != want || span.Through == 0 {
		t.Errorf("span %+v, want %+v", span, want)
	}
	if n := total(t, s); n != 2 {
		t.Errorf("%d pageviews, want 2", n)
	}
	add(t, s, first)
	if later, _ := s.Span(t.Context(), site); later.Through <= span.Through {
		t.Errorf("sequence number %d does not grow beyond %d", later.Through, span.Through)
	}
}

func zone(t *testing.T, open func() pageview.Store) {
	s := open()
	for _, ask := range []string{"Asia/Shanghai", "Europe/London"} {
		got, err := s.Site(t.Context(), pageview.Site{Name: site, Zone: ask})
		if err != nil || got.Zone != "Asia/Shanghai" {
			t.Errorf("zone %q, error %v", got.Zone, err)
		}
	}
	s.Close()
	s = open()
	defer s.Close()
	if got, err := s.Site(t.Context(), pageview.Site{Name: site, Zone: "UTC"}); err != nil || got.Zone != "Asia/Shanghai" {
		t.Errorf("zone after opening again %q, error %v", got.Zone, err)
	}
}

func concurrent(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	var wg sync.WaitGroup
	for sender := range 16 {
		wg.Go(func() {
			for i := range 20 {
				path := fmt.Sprintf("/%d/%d", sender, i)
				err := s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{view("2026-01-01 00:00:00", path)}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	a, err := s.Query(t.Context(), pageview.Query{Site: site, By: []pageview.Dimension{pageview.ByPage}})
	if err != nil || len(a.Rows) != 16*20 || a.Total.Pageviews != 16*20 {
		t.Errorf("%d pages, %d pageviews, error %v", len(a.Rows), a.Total.Pageviews, err)
	}
}

func title(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	for _, title := range []string{"", "Old", "New", ""} {
		v := view("2026-01-01 00:00:00", "/a")
		v.Title = title
		add(t, s, v)
	}
	twice := []pageview.Pageview{view("2026-01-01 00:00:00", "/b"), view("2026-01-01 00:00:01", "/b")}
	twice[1].Title = "Second"
	add(t, s, twice...)
	got, err := s.Rank(t.Context(), pageview.RankQuery{Site: site, Until: twice[1].At, HalfLife: time.Hour, Limit: 9})
	if err != nil || len(got.Pages) != 2 || got.Pages[0].Title != "New" || got.Pages[1].Title != "Second" {
		t.Errorf("%+v, error %v", got, err)
	}
}

func mark(t *testing.T, open func() pageview.Store) {
	s := open()
	if _, err := s.Site(t.Context(), pageview.Site{Name: site, Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	p := pageview.Prints{1<<63 + 11, 12, 1<<64 - 1, 14}
	if known := logs(t, s, p[0]); len(known) != 0 {
		t.Errorf("unknown log: %+v", known)
	}
	var from pageview.Mark
	for i := range 3 {
		to := pageview.Mark{Offset: from.Offset + 100, Lines: from.Lines + 7, Print: p[i]}
		b := pageview.Batch{Log: &pageview.LogStep{Site: site, Prints: p[:i+2], From: from, To: to, New: i == 0}}
		b.Pageviews = append(b.Pageviews, view("2026-01-01 00:00:00", fmt.Sprint("/", i)))
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		from = to
	}
	s.Close()
	s = open()
	defer s.Close()
	known := logs(t, s, p[0])
	if len(known) != 1 || known[0].Mark != from || !slices.Equal(known[0].Prints, p) || total(t, s) != 3 {
		t.Errorf("known %+v, want mark %+v; %d pageviews", known, from, total(t, s))
	}
}

func logs(t *testing.T, s pageview.Store, first uint64) []pageview.KnownLog {
	t.Helper()
	known, err := s.Logs(t.Context(), site, first)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(known, func(a, b pageview.KnownLog) int { return cmp.Compare(a.Mark.Print, b.Mark.Print) })
	return known
}

// prints keeps two log files that begin with the same line.
func prints(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	one := pageview.LogStep{Site: site, Prints: pageview.Prints{11, 12}, To: pageview.Mark{Offset: 10, Lines: 2, Print: 12}, New: true}
	two := pageview.LogStep{Site: site, Prints: pageview.Prints{11, 13}, To: pageview.Mark{Offset: 10, Lines: 2, Print: 13}, New: true, Beside: 1}
	more := pageview.LogStep{Site: site, Prints: pageview.Prints{11, 13, 14}, From: two.To, To: pageview.Mark{Offset: 30, Lines: 9, Print: 14}}
	for _, step := range []pageview.LogStep{one, two, more} {
		if err := s.Append(t.Context(), pageview.Batch{Log: &step}); err != nil {
			t.Fatal(err)
		}
	}
	known := logs(t, s, 11)
	if len(known) != 2 || known[0].Mark != one.To || known[1].Mark != more.To || !slices.Equal(known[1].Prints, more.Prints) {
		t.Errorf("known %+v", known)
	}
	if known := logs(t, s, 12); len(known) != 0 {
		t.Errorf("known by another line %+v", known)
	}
}

func moved(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	step := pageview.LogStep{Site: site, Prints: pageview.Prints{5}, To: pageview.Mark{Offset: 10, Lines: 2, Print: 5}, New: true}
	b := pageview.Batch{Log: &step, Pageviews: []pageview.Pageview{view("2026-01-01 00:00:00", "/")}}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]pageview.LogStep{
		"it became known meanwhile": step,
		"it was read on":            {From: pageview.Mark{Offset: 5, Lines: 1, Print: 4}, To: step.To},
		"another print":             {From: pageview.Mark{Offset: 10, Lines: 2, Print: 4}, To: step.To},
	} {
		from.Site, from.Prints = site, step.Prints
		b.Log = &from
		if err := s.Append(t.Context(), b); !errors.Is(err, pageview.ErrLogMoved) {
			t.Errorf("%s: error %v, want ErrLogMoved", name, err)
		}
	}
	if n := total(t, s); n != 1 {
		t.Errorf("%d pageviews, want 1", n)
	}
}

func unknownSite(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	v := view("2026-01-01 00:00:00", "/")
	v.Site = "nobody"
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{v}}); err == nil {
		t.Error("an unknown site was taken")
	}
	add(t, s, view("2026-01-01 00:00:00", "/"))
	if n := total(t, s); n != 1 {
		t.Errorf("%d pageviews, want 1", n)
	}
}

func closed(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), pageview.Batch{}); !errors.Is(err, pageview.ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := s.Query(t.Context(), pageview.Query{Site: site}); !errors.Is(err, pageview.ErrClosed) {
		t.Errorf("query: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

// stayOnly has a day with a stay of which no pageview was kept.
func stayOnly(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	v := view("2026-01-02 10:00:00", "/a")
	v.Source = pageview.SourceScript
	stays := []pageview.Stay{
		{Site: site, At: v.At, Day: v.Day, Path: "/a", Visitor: 1, For: 3 * time.Second},
		{Site: site, At: v.At.Add(-24 * time.Hour), Day: v.Day - 1, Path: "/a", Visitor: 1, For: 5 * time.Second},
	}
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{v}, Stays: stays}); err != nil {
		t.Fatal(err)
	}
	for _, q := range []pageview.Query{{}, {By: []pageview.Dimension{pageview.ByDay}}, {By: []pageview.Dimension{pageview.ByPage}}, {Limit: 1, By: []pageview.Dimension{pageview.ByMonth}}} {
		q.Site, q.Metrics = site, []pageview.Metric{pageview.MetricPageviews, pageview.MetricTimed}
		for _, q.Raw = range []bool{false, true} {
			a, err := s.Query(t.Context(), q)
			if want := (pageview.Values{Pageviews: 1, Timed: 2, Seconds: 8}); err != nil || a.Total != want {
				t.Errorf("%+v: total %+v, want %+v, error %v", q, a.Total, want, err)
			}
		}
	}
}
