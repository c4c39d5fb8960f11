package pageviewtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// zones have changes of the clock by an hour, by half an hour, at midnight, and
// an offset that is no whole number of hours.
var zones = []string{"America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "Europe/London"}

// prove tells whether long proofs run whole.
func prove() bool { return os.Getenv("BEFOREHAND_PROVE") != "" }

// bySeeds runs f for each seed, in tests of a hundred seeds, each over one store:
// so that a long proof can be run in parts.
func bySeeds(t *testing.T, open func() pageview.Store, seeds int, f func(t *testing.T, s pageview.Store, seed int)) {
	const part = 100
	for first := 0; first < seeds; first += part {
		t.Run(fmt.Sprintf("seeds from %03d", first), func(t *testing.T) {
			s := open()
			defer s.Close()
			for seed := first; seed < min(seeds, first+part) && !t.Failed(); seed++ {
				f(t, s, seed)
			}
		})
	}
}

// queries asks random questions of random pageviews and compares each answer
// with a naive one. Each seed is a site of its own.
func queries(t *testing.T, open func() pageview.Store, oneIn int) {
	seeds, each := 30/oneIn, 3
	if prove() {
		seeds, each = 1000, 12
	}
	bySeeds(t, open, seeds, func(t *testing.T, s pageview.Store, seed int) {
		w := newWorld(t, s, uint64(seed))
		for range 3 {
			w.add(t, 40+w.r.IntN(80))
			for range each / 3 {
				w.ask(t, w.query())
			}
		}
		d := pageview.Dimensions()[seed%len(pageview.Dimensions())]
		w.ask(t, pageview.Query{By: []pageview.Dimension{d}, Metrics: metrics(d)})
	})
}

// pairs asks for each pair of dimensions, in the short form for some of them.
func pairs(t *testing.T, open func() pageview.Store, oneIn int) {
	s := open()
	defer s.Close()
	w := newWorld(t, s, 7)
	w.add(t, 200)
	for _, a := range pageview.Dimensions() {
		for _, b := range pageview.Dimensions() {
			if a != b && (prove() || w.r.IntN(12*oneIn) == 0) {
				w.ask(t, pageview.Query{By: []pageview.Dimension{a, b}, Metrics: metrics(a, b)})
			}
		}
	}
}

// timed are the dimensions by which the time on a page is known.
var timed = []pageview.Dimension{pageview.ByPage, pageview.ByDay, pageview.ByWeek, pageview.ByMonth, pageview.ByYear}

// metrics are all that are known by the dimensions.
func metrics(by ...pageview.Dimension) []pageview.Metric {
	unknown := func(d pageview.Dimension) bool { return !slices.Contains(timed, d) }
	return slices.DeleteFunc(pageview.Metrics(), func(m pageview.Metric) bool {
		return (m == "time_on_page" || m == "timed") && slices.ContainsFunc(by, unknown)
	})
}

// world is one site with what is known to be kept of it.
type world struct {
	s          pageview.Store
	r          *rand.Rand
	site       string
	zone       *time.Location
	begin      time.Time
	sources    []pageview.Source // of what is added
	precedence pageview.Precedence
	rate       pageview.Rate
	kept       []pageview.Pageview
	stays      []pageview.Stay
	through    []uint64 // sequence numbers seen, in the order of kept
	counts     []int    // how many pageviews were kept at each of them
	stayed     []int    // and how many stays
}

func newWorld(t *testing.T, s pageview.Store, seed uint64) *world {
	t.Helper()
	return newWorldIn(t, s, seed, zones[seed%uint64(len(zones))])
}

func newWorldIn(t *testing.T, s pageview.Store, seed uint64, name string) *world {
	t.Helper()
	w := &world{s: s, precedence: pageview.DefaultPrecedence(), r: rand.New(rand.NewPCG(seed, 3)), site: fmt.Sprint("site-", seed)}
	var err error
	if w.zone, err = time.LoadLocation(name); err != nil {
		t.Fatal(err)
	}
	if seed%3 == 1 {
		w.rate = pageview.Rate{Pageviews: 1 + w.r.IntN(3), Within: 2 * time.Minute}
	}
	if _, err := s.Site(t.Context(), pageview.Site{Name: w.site, Zone: name, Rate: w.rate}); err != nil {
		t.Fatal(err)
	}
	w.begin = w.change()
	w.sources = []pageview.Source{pageview.SourceScript, pageview.SourcePixel, pageview.SourceBusuanzi}
	if w.r.IntN(3) == 0 { // a site that several sources tell of
		w.sources = append(w.sources, pageview.SourceLog, pageview.SourceDemo)
	}
	return w
}

// change is an instant some days before the zone's clock changes next after a
// random one; where it never does, the random one.
func (w *world) change() time.Time {
	at := time.Date(2024, 1, 1+w.r.IntN(700), 0, 0, 0, 0, w.zone)
	if _, end := at.ZoneBounds(); !end.IsZero() {
		at = end
	}
	return at.Add(-time.Duration(w.r.IntN(72)) * time.Hour)
}

// add keeps n pageviews, not in their order and some of them on days that
// others were kept for before.
func (w *world) add(t *testing.T, n int) {
	t.Helper()
	var views []pageview.Pageview
	for len(views) < n {
		views = append(views, w.visit()...)
	}
	w.r.Shuffle(len(views), func(i, j int) { views[i], views[j] = views[j], views[i] })
	for part := range slices.Chunk(views, 1+w.r.IntN(len(views))) {
		w.keep(t, part)
	}
	w.note(t)
}

// keep keeps pageviews together.
func (w *world) keep(t *testing.T, views []pageview.Pageview) {
	t.Helper()
	b := pageview.Batch{Pageviews: views, Stays: w.stay(views)}
	if err := w.s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	w.kept = append(w.kept, b.Pageviews...)
	w.stays = append(w.stays, b.Stays...)
}

// note notes up to which sequence number what is kept reaches.
func (w *world) note(t *testing.T) {
	t.Helper()
	a, err := w.s.Query(t.Context(), pageview.Query{Site: w.site})
	if err != nil {
		t.Fatal(err)
	}
	w.through = append(w.through, a.Through)
	w.counts = append(w.counts, len(w.kept))
	w.stayed = append(w.stayed, len(w.stays))
}

// stay is how long some of the pages were in sight.
func (w *world) stay(views []pageview.Pageview) (stays []pageview.Stay) {
	for _, v := range views {
		if v.Bot == "" && v.Source == pageview.SourceScript && w.r.IntN(3) == 0 {
			took := time.Duration(w.r.Int64N(int64(4 * time.Second))) // so that means are equal when rounded
			at := v.At.Add(took)
			stays = append(stays, pageview.Stay{
				Site: w.site, At: at, Day: pageview.DayOf(at.In(w.zone)), Path: v.Path, Visitor: v.Visitor, For: took,
			})
		}
	}
	return stays
}

// visit is what one visitor sees in a while, with pauses around those that end
// a visit, and sometimes two pages at the same time.
func (w *world) visit() []pageview.Pageview {
	pick := func(of ...string) string { return of[w.r.IntN(len(of))] }
	at := w.begin.Add(time.Duration(w.r.Int64N(int64(6 * 24 * time.Hour)))).Truncate(time.Second)
	if w.r.IntN(3) == 0 { // about midnight
		local := at.In(w.zone)
		at = time.Date(local.Year(), local.Month(), local.Day(), 0, w.r.IntN(20)-10, 0, 0, w.zone)
	}
	v := pageview.Pageview{
		Site: w.site, Visitor: w.r.Uint64N(6) << 61, Browser: pick("", "Firefox", "Chrome", "Safari"), System: pick("", "Linux", "Android"),
		Device: pick("", "desktop", "mobile"), Country: pick("", "FR", "CN"), Language: pick("", "en", "zh-CN"),
		Referrer: pick("", "news.example", "a_b.example", "100%.example"), Campaign: pageview.Campaign{Source: pick("", "letter"), Medium: pick("", "mail"), Name: pick("", "spring", "%")},
		Source: w.sources[w.r.IntN(len(w.sources))],
	}
	if v.Referrer != "" {
		v.ReferrerPage = v.Referrer + pick("/", "/item")
	}
	var views []pageview.Pageview
	for range 1 + w.r.IntN(5) {
		local := at.In(w.zone)
		v.At, v.Day, v.Hour = at, pageview.DayOf(local), pageview.HourOf(local)
		v.Path = pick("/", "/a", "/posts/1", "/posts/2", "/posts/ü", "/_x")
		v.Bot = pick("", "", "", "", "agent", "feed")
		views = append(views, v)
		at = at.Add([]time.Duration{0, time.Second, time.Minute, 30*time.Minute - time.Microsecond, 30 * time.Minute, 40 * time.Minute}[w.r.IntN(6)])
	}
	return views
}

// query is a random question.
func (w *world) query() pageview.Query {
	var q pageview.Query
	dimensions := pageview.Dimensions()
	q.Metrics = pageview.Metrics()
	w.r.Shuffle(len(q.Metrics), func(i, j int) { q.Metrics[i], q.Metrics[j] = q.Metrics[j], q.Metrics[i] })
	q.Metrics = q.Metrics[:w.r.IntN(4)]
	if q.Timed() {
		dimensions = timed
	}
	for range w.r.IntN(3) {
		d := dimensions[w.r.IntN(len(dimensions))]
		if !slices.Contains(q.By, d) {
			q.By = append(q.By, d)
		}
	}
	for range max(0, w.r.IntN(4)-1) {
		q.Filters = append(q.Filters, w.filter(dimensions[w.r.IntN(len(dimensions))]))
	}
	q.Bots = []pageview.Bots{"", "", pageview.BotsExclude, pageview.BotsInclude, pageview.BotsOnly}[w.r.IntN(5)]
	if w.r.IntN(2) == 0 {
		q.Limit = 1 + w.r.IntN(5)
	}
	first := pageview.DayOf(w.begin.In(w.zone))
	if w.r.IntN(2) == 0 {
		q.From = first + pageview.Day(w.r.IntN(4))
	}
	if w.r.IntN(2) == 0 {
		q.To = first + 3 + pageview.Day(w.r.IntN(4))
	}
	if w.r.IntN(4) == 0 {
		q.Through = w.through[w.r.IntN(len(w.through))]
	}
	return q
}

// filter takes its values from what is there, and makes patterns of some.
func (w *world) filter(d pageview.Dimension) pageview.Filter {
	f := pageview.Filter{Dimension: d, Not: w.r.IntN(3) == 0}
	for range 1 + w.r.IntN(2) {
		v := w.keyOf(d, &w.kept[w.r.IntN(len(w.kept))], nil)
		if !d.Time() && len(v) > 1 {
			switch w.r.IntN(4) {
			case 0:
				v = string([]rune(v)[:1]) + "*"
			case 1:
				v = "*" + string([]rune(v)[1:])
			}
		}
		f.Values = append(f.Values, v)
	}
	return f
}

// ask compares answers, from what is added up and from raw rows, with the naive
// one.
func (w *world) ask(t *testing.T, q pageview.Query) {
	t.Helper()
	q.Site = w.site
	kept, stays := w.kept, w.stays
	if i := slices.Index(w.through, q.Through); q.Through != 0 {
		kept = kept[:w.counts[i]]
		if w.stayed != nil {
			stays = stays[:w.stayed[i]]
		}
	}
	want := w.naive(kept, stays, q)
	for _, q.Raw = range []bool{false, true} {
		w.compare(t, q, want)
	}
}

func (w *world) compare(t *testing.T, q pageview.Query, want pageview.Answer) {
	t.Helper()
	got, err := w.s.Query(t.Context(), q)
	if err != nil {
		t.Errorf("%+v: %v", q, err)
		return
	}
	if q.Raw && got.Rollup {
		t.Errorf("%+v: not from raw rows", q)
	}
	got.Through, got.Rollup = 0, false
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("seed %s, zone %s, %+v:\n got %s\nwant %s", w.site, w.zone, q, show(got), show(want))
	}
}

func show(a pageview.Answer) string {
	var b strings.Builder
	for _, r := range a.Rows {
		fmt.Fprintf(&b, "\n  %s %+v", strconv.Quote(strings.Join(r.Keys, "|")), r.Values)
	}
	fmt.Fprintf(&b, "\n  total %+v, other %+v of %d rows", a.Total, a.Other, a.Beyond)
	return b.String()
}
