package pageviewtest

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// naiveSources tells what counts in the plainest way, sharing no code with a
// store.
func naiveSources(views []pageview.Pageview, groups [][]pageview.Source) (days []pageview.SourceDay) {
	for _, v := range views {
		i := slices.IndexFunc(days, func(d pageview.SourceDay) bool { return d.Day == v.Day && d.Source == v.Source })
		if i < 0 {
			i = len(days)
			days = append(days, pageview.SourceDay{Day: v.Day, Source: v.Source})
		}
		if v.Bot == "" {
			days[i].Pageviews++
		} else {
			days[i].Bots++
		}
	}
	rank := func(s pageview.Source) int {
		for i, g := range groups {
			if slices.Contains(g, s) {
				return i
			}
		}
		return 100 + int(s)
	}
	for i, a := range days {
		persons, all := 1000, 1000 // the best rank of a source with a person's pageview, and with any
		for _, b := range days {
			if a.Day != b.Day {
				continue
			}
			all = min(all, rank(b.Source))
			if b.Pageviews > 0 {
				persons = min(persons, rank(b.Source))
			}
		}
		best := persons
		if persons == 1000 {
			best = all
		}
		days[i].Counts = rank(a.Source) == best
	}
	slices.SortFunc(days, func(a, b pageview.SourceDay) int {
		if a.Day != b.Day {
			return int(a.Day - b.Day)
		}
		return int(a.Source) - int(b.Source)
	})
	return days
}

// uncounted sums up the days asked for on which a source does not count.
func uncounted(days []pageview.SourceDay, q pageview.Query) (all []pageview.Uncounted) {
	for source := range pageview.Source(100) {
		u := pageview.Uncounted{Source: source}
		for _, d := range days {
			if d.Source != source || d.Counts || q.From != 0 && d.Day < q.From || q.To != 0 && d.Day > q.To {
				continue
			}
			if u.Days == 0 {
				u.First = d.Day
			}
			u.Last = d.Day
			u.Days++
		}
		if u.Days > 0 {
			all = append(all, u)
		}
	}
	return all
}

// counting are the pageviews that count.
func counting(views []pageview.Pageview, groups [][]pageview.Source) []pageview.Pageview {
	days := naiveSources(views, groups)
	return slices.DeleteFunc(slices.Clone(views), func(v pageview.Pageview) bool {
		return slices.ContainsFunc(days, func(d pageview.SourceDay) bool {
			return d.Day == v.Day && d.Source == v.Source && !d.Counts
		})
	})
}

// fromSeveral makes pageviews of a few days, which come from several sources.
func fromSeveral(n int, seed uint64) []pageview.Pageview {
	r := rand.New(rand.NewPCG(seed, 3))
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	sources := []pageview.Source{
		pageview.SourceLog, pageview.SourceScript, pageview.SourcePixel, pageview.SourceAPI, pageview.SourceDemo,
	}
	views := make([]pageview.Pageview, n)
	for i := range views {
		at := begin.Add(time.Duration(r.Int64N(int64(20 * 24 * time.Hour)))).Truncate(time.Microsecond)
		v := view(at.Format(time.DateTime), "/"+string(rune('a'+r.IntN(4))))
		v.Visitor, v.Source = r.Uint64N(9), sources[r.IntN(len(sources))]
		if r.IntN(2) == 0 {
			v.Bot = "agent"
		}
		views[i] = v
	}
	return views
}

func oneSource(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	all := fromSeveral(120, 7)
	precedence := pageview.Precedence(nil)
	var stages []pageview.Span
	for part := range slices.Chunk(all, 40) {
		add(t, s, part...)
		span, err := s.Span(t.Context(), site)
		if err != nil {
			t.Fatal(err)
		}
		stages = append(stages, span)
	}
	for i, stage := range stages {
		checkCounting(t, s, site, all[:40*(i+1)], pageview.DefaultPrecedence(), stage.Through)
	}
	w := world{site: site, zone: time.UTC, r: rand.New(rand.NewPCG(7, 7))}
	stays := w.stay(all)
	if err := s.Append(t.Context(), pageview.Batch{Stays: stays}); err != nil || len(stays) == 0 {
		t.Fatal(err, len(stays))
	}
	for _, precedence = range []pageview.Precedence{
		{{pageview.SourceLog}, {pageview.SourceScript, pageview.SourceAPI}},
		{{pageview.SourceDemo}},
		{{pageview.SourceScript, pageview.SourcePixel, pageview.SourceLog, pageview.SourceAPI, pageview.SourceDemo}},
	} {
		if _, err := s.Site(t.Context(), pageview.Site{Name: site, Precedence: precedence}); err != nil {
			t.Fatal(err)
		}
		checkCounting(t, s, site, all, precedence, 0, stays...)
	}
	s.Close()
	s = open()
	defer s.Close()
	checkCounting(t, s, site, all, precedence, 0, stays...)
	tells, ok := s.(interface {
		Sources(ctx context.Context, site string, from, to pageview.Day) ([]pageview.SourceDay, error)
	})
	if !ok {
		t.Fatal("the store does not tell which sources a day has")
	}
	got, err := tells.Sources(t.Context(), site, all[0].Day-30, all[0].Day+30)
	if want := naiveSources(all, precedence); err != nil || !slices.Equal(got, want) {
		t.Errorf("sources, error %v:\n got %+v\nwant %+v", err, got, want)
	}
	got, err = tells.Sources(t.Context(), site, all[0].Day, all[0].Day)
	want := slices.DeleteFunc(naiveSources(all, precedence), func(d pageview.SourceDay) bool { return d.Day != all[0].Day })
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("sources of a day, error %v:\n got %+v\nwant %+v", err, got, want)
	}
}

// sourceOrder brings the same pageviews in two orders and in other batches.
func sourceOrder(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	all := fromSeveral(150, 8)
	add(t, s, all...)
	for seed := range uint64(3) {
		name := "again" + string(rune('0'+seed))
		if _, err := s.Site(t.Context(), pageview.Site{Name: name, Zone: "UTC"}); err != nil {
			t.Fatal(err)
		}
		again := slices.Clone(all)
		rand.New(rand.NewPCG(seed, 4)).Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		for i := range again {
			again[i].Site = name
		}
		for part := range slices.Chunk(again, 11) {
			add(t, s, part...)
		}
		checkCounting(t, s, name, all, pageview.DefaultPrecedence(), 0)
	}
	checkCounting(t, s, site, all, pageview.DefaultPrecedence(), 0)
}

// checkCounting holds every answer to the pageviews that count.
func checkCounting(t *testing.T, s pageview.Store, site string, views []pageview.Pageview, p pageview.Precedence, through uint64, stays ...pageview.Stay) {
	t.Helper()
	w := world{s: s, site: site, zone: time.UTC, through: []uint64{through}, counts: []int{len(views)}}
	w.kept, w.precedence, w.stays = views, p, stays
	w.ask(t, pageview.Query{Through: through, By: []pageview.Dimension{pageview.ByDay, pageview.ByPage}, Metrics: pageview.Metrics()})
	views = counting(views, p)
	until := time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)
	rank := pageview.RankQuery{Site: site, Through: through, Until: until, HalfLife: 7 * 24 * time.Hour, Limit: 9}
	rank.Order = pageview.RankScore
	w.askRank(t, rank)
	var want pageview.Span
	for _, v := range views {
		if v.Bot != "" {
			continue
		}
		if want.First.IsZero() || v.At.Before(want.First) {
			want.First, want.FirstDay = v.At, v.Day
		}
		if v.At.After(want.Last) {
			want.Last, want.LastDay = v.At, v.Day
		}
	}
	if through != 0 {
		return // Span tells of everything
	}
	span, err := s.Span(t.Context(), site)
	want.Through = span.Through
	if err != nil || span != want {
		t.Errorf("%v, error %v:\n got %+v\nwant %+v", p, err, span, want)
	}
}
