package pageviewtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// fast are pageviews of visitors, some of whom are too fast for five in a
// minute.
func fast() (views []pageview.Pageview) {
	see := func(visitor uint64, source pageview.Source, path, bot string, gaps ...time.Duration) {
		at := time.Date(2026, 5, 1+int(visitor), 23, 59, 0, 0, time.UTC)
		for _, gap := range gaps {
			at = at.Add(gap)
			v := view(at.Format(time.DateTime), path)
			v.At, v.Visitor, v.Source, v.Bot = at, visitor, source, bot
			views = append(views, v)
		}
	}
	const s = time.Second
	see(1, pageview.SourceLog, "/six", "", 0, 0, 0, 0, 0, 0)
	see(2, pageview.SourceLog, "/minute", "", 0, 12*s, 12*s, 12*s, 12*s, 12*s-time.Microsecond, -time.Hour) // and one an hour before
	see(3, pageview.SourceLog, "/slower", "", -time.Hour, 12*s, 12*s, 12*s, 12*s, 12*s, 12*s, 12*s)
	see(4, pageview.SourceLog, "/five", "", 0, 0, 0, 0, 0)
	see(5, pageview.SourceLog, "/midnight", "", 10*s, 10*s, 10*s, 10*s, 19*s, 1*s, 1*s, 1*s, 1*s)
	see(0, pageview.SourceLog, "/nobody", "", 0, 0, 0, 0, 0, 0, 0)
	see(8, pageview.SourceScript, "/twice", "", 0, 0, 0)
	see(8, pageview.SourceLog, "/twice", "", 0, 0, 0)
	see(9, pageview.SourceLog, "/feed", "feed_reader", 0, 0, 0, 0)
	see(9, pageview.SourceLog, "/feed", "", 0, 0, 0)
	return views
}

// tooFastAreBots brings them in several orders, and changes the rate.
func tooFastAreBots(t *testing.T, open func() pageview.Store) {
	s := open()
	defer func() { s.Close() }()
	five := pageview.Rate{Pageviews: 5, Within: time.Minute}
	for seed := range uint64(2) {
		name := fmt.Sprint("fast-", seed)
		w := &world{s: s, site: name, zone: time.UTC, precedence: pageview.DefaultPrecedence(), r: rand.New(rand.NewPCG(seed, 1)), rate: five}
		if _, err := s.Site(t.Context(), pageview.Site{Name: name, Zone: "UTC", Rate: five}); err != nil {
			t.Fatal(err)
		}
		views := fast()
		w.r.Shuffle(len(views), func(i, j int) { views[i], views[j] = views[j], views[i] })
		for i := range views {
			views[i].Site = name
		}
		for part := range slices.Chunk(views, 1+len(views)/int(1+3*seed)) {
			w.keep(t, part)
			w.askFast(t)
		}
		a, err := s.Query(t.Context(), pageview.Query{Site: name, Bots: pageview.BotsOnly, By: []pageview.Dimension{pageview.ByBot, pageview.ByPage}})
		var got []string
		for _, r := range a.Rows {
			got = append(got, fmt.Sprint(r.Keys[0], r.Keys[1], r.Pageviews))
		}
		if want := []string{"rate/minute7", "rate/six6", "feed_reader/feed4"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("bots %q, want %q, error %v", got, want, err)
		}
		for _, w.rate = range []pageview.Rate{{}, {Pageviews: 2, Within: time.Hour}, {Pageviews: 2, Within: time.Second}, five} {
			v, err := s.Site(t.Context(), pageview.Site{Name: name, Rate: w.rate})
			if err != nil || v.Rate != w.rate {
				t.Fatalf("%+v, error %v, want %s", v, err, w.rate)
			}
			w.askFast(t)
		}
		s.Close()
		s = open()
		w.s = s
		w.askFast(t)
	}
	if _, err := s.Site(t.Context(), pageview.Site{Name: site, Zone: "UTC", Rate: pageview.Rate{Pageviews: 1}}); err == nil {
		t.Error("a rate in no time was taken")
	}
}

func (w *world) askFast(t *testing.T) {
	t.Helper()
	metrics := []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisits, pageview.MetricVisitors}
	for _, bots := range []pageview.Bots{pageview.BotsExclude, pageview.BotsInclude, pageview.BotsOnly} {
		w.ask(t, pageview.Query{Bots: bots, By: []pageview.Dimension{pageview.ByDay, pageview.ByPage}, Metrics: metrics})
		w.askRank(t, pageview.RankQuery{Site: w.site, Bots: bots, Window: 72 * time.Hour, HalfLife: 48 * time.Hour, Before: true})
	}
	var first, last time.Time
	for _, v := range w.counted(w.kept, pageview.Query{}) {
		if first.IsZero() || v.At.Before(first) {
			first = v.At
		}
		if v.At.After(last) {
			last = v.At
		}
	}
	if span, err := w.s.Span(t.Context(), w.site); err != nil || !span.First.Equal(first) || !span.Last.Equal(last) {
		t.Errorf("span %+v, error %v, want %s to %s", span, err, first, last)
	}
}
