package server

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/picture"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/web"
)

// page is the site's page in one language, rendered beforehand.
type page struct {
	served atomic.Pointer[snapshot.Served]
	files  []snapshot.File
}

// ServeHTTP answers with the site's page in the language that is asked for.
func (v *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.looked(pageviewsLook, HotList)
	v.pages[language.Of(r, v.server.Language)].served.Load().ServeHTTP(w, r)
}

// put swaps the page of a site, what is on which took some time.
func (p *page) put(v *site, body []byte, took time.Duration) error {
	now := time.Now()
	files, err := snapshot.Build([]snapshot.Format{{Name: "html", Body: body}},
		[]snapshot.Encoder{snapshot.Gzip()}, p.files, now)
	if err != nil {
		return err
	}
	p.files = files
	p.served.Store(v.prepare(snapshot.Snapshot{Version: 1, Files: files, ComputedAt: now, Took: took}))
	return nil
}

// prepare makes a page ready to be read; one without files answers 503.
func (v *site) prepare(s snapshot.Snapshot) *snapshot.Served {
	rules := snapshot.Rules{
		Policies: map[string]string{"html": web.Policy}, Vary: []string{"Accept-Language"},
		Tally: v.server.Reports.Tally(v.Name + "/page"),
	}
	return snapshot.Prepare(s, snapshot.State{}, rules)
}

// shown is what the page depends on, to see when it is due to be rendered.
type shown struct {
	versions [2]int64
	next     [2]time.Time
	stale    [2]string
	day      pageview.Day
}

// waits is what readers of the reports were measured to wait.
type waits struct{ pageviews, hot time.Duration }

// lookEvery is how often it is looked whether a page is due.
const lookEvery = 250 * time.Millisecond

// Begin makes the pages of what the reports have, and keeps up to date what readers
// are given until ctx ends. It returns once readers can come; wait waits for its
// end. Measure, which may be nil, measures what a reader of a report waits.
func (s *Server) Begin(ctx context.Context, measure func(ctx context.Context, path string) time.Duration) (wait func()) {
	waitBackground := s.background.begin(ctx)
	last := make([]shown, len(s.sites))
	for i, v := range s.sites {
		v.known() // what it takes to read that is spent now
		last[i] = v.keepPage(ctx, shown{}, nil)
	}
	if s.Live && measure != nil {
		clear(last) // it can be measured from now on
	} else {
		measure = nil
	}
	var keeping sync.WaitGroup
	keeping.Go(func() { s.keepFresh(ctx) })
	keeping.Go(func() { s.keepPages(ctx, last, measure) })
	if s.Receiver != nil {
		keeping.Go(func() { s.Receiver.Run(ctx) })
	}
	return func() {
		keeping.Wait()
		waitBackground()
	}
}

// keepPages keeps the pages of sites, and all that is made of reports, up to date
// until ctx ends.
func (s *Server) keepPages(ctx context.Context, last []shown, measure func(ctx context.Context, path string) time.Duration) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	learn := make([]learning, len(s.sites))
	for {
		for i, v := range s.sites {
			v.keepLearning(ctx, &learn[i])
			last[i] = v.keepPage(ctx, last[i], measure)
			v.keepWidgets(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// keepPage renders the page where what it shows is no longer what it showed
// last, and returns what it shows.
func (v *site) keepPage(ctx context.Context, last shown, measure func(ctx context.Context, path string) time.Duration) shown {
	pageviews, hot := v.pageviews.Current(), v.hot.Current()
	now := shown{
		versions: [2]int64{pageviews.Version, hot.Version},
		next:     [2]time.Time{pageviews.NextAt, hot.NextAt},
		stale:    [2]string{pageviews.Stale, hot.Stale},
		day:      pageview.DayOf(time.Now().In(v.Zone)),
	}
	if now == last {
		return now
	}
	if measure != nil {
		v.waits.Store(&waits{
			pageviews: measure(ctx, "/s/"+v.Name+"/pageviews.json"),
			hot:       measure(ctx, "/s/"+v.Name+"/hot.json"),
		})
	}
	if err := v.render(v.data(pageviews, hot)); err != nil {
		v.server.Logger.Error("render page", "site", v.Name, "error", err)
	}
	return now
}

// render renders the page in every language.
func (v *site) render(d web.Data) error {
	for _, d.Language = range language.All() {
		var b bytes.Buffer
		if err := web.Page(&b, d); err != nil {
			return err
		}
		if err := v.pages[d.Language].put(v, b.Bytes(), d.Pageviews.Took+d.Hot.Took); err != nil {
			return err
		}
	}
	return nil
}

// data is what the page shows.
func (v *site) data(pageviews beforehand.Current[report.Pageviews], hot beforehand.Current[report.Hot]) web.Data {
	d := web.Data{
		Site: v.Name, Title: v.Title, Now: time.Now(), Zone: v.Zone, Import: v.Import,
		Pageviews: about("pageviews", pageviews.Status), Chart: picture.Pageviews(pageviews.Value),
		Hot: about("hot", hot.Status), Items: items(hot.Value),
		Totals: web.Totals{Pageviews: pageviews.Value.Total},
	}
	if method := v.hot.Query.Method; method != "" && method != report.HotDecay {
		d.Undecayed = true
	}
	if v.hot.named {
		d.HotTitle = v.hot.Title
	}
	for _, l := range v.lists[1:] {
		d.Lists = append(d.Lists, web.Link{Title: l.Title, URL: "/s/" + url.PathEscape(v.Name) + "/" + url.PathEscape(l.Name) + ".html"})
	}
	if p := pageviews.Pageviews; !p.From.IsZero() {
		d.Totals.First, d.Totals.Last = p.From, p.To.Add(-time.Microsecond)
	}
	if v.server.Live {
		d.LiveURL = "/live/"
		// A run computes from raw rows, which is what the live page does.
		d.Pageviews.LiveTook, d.Hot.LiveTook = pageviews.Took, hot.Took
		if w := v.waits.Load(); w != nil {
			d.Pageviews.ReaderWait, d.Hot.ReaderWait = w.pageviews, w.hot
		}
	}
	return d
}

func about(name string, st beforehand.Status) web.Report {
	return web.Report{
		Name: name, AsOf: st.ComputedAt, Next: st.NextAt, Took: st.Took,
		Stale: st.Stale != "", Reason: st.Stale,
	}
}

func items(v report.Hot) []web.Item {
	list := slices.Grow([]web.Item(nil), len(v.Items))
	for _, i := range v.Items {
		list = append(list, web.Item{
			Rank: i.Rank, Path: i.Path, Title: i.Title, Pageviews: i.Pageviews,
			Visitors: i.Visitors, Score: i.Score, Change: i.Change, URL: i.URL, Picture: i.Picture,
		})
		if i.Published != nil {
			list[len(list)-1].Published = *i.Published
		}
	}
	return list
}
