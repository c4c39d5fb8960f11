package server

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/trigger"
	"github.com/beforehand-go/beforehand/web"
)

// Config is what a server serves.
type Config struct {
	Site     *beforehand.Site  // computes and keeps the reports
	Store    pageview.Store    // holds the pageviews
	Importer *collect.Importer // takes imports in
	Name     string            // of the site, in URLs
	Title    string            // of the site, for people; empty means its name
	Zone     *time.Location    // of the site's days; nil means UTC
	Articles string            // pattern of the paths on the hot list; empty means every page
	Trigger  trigger.Trigger   // when reports are computed; nil means every hour
	Live     bool              // also serve the reports computed anew for each reader, under /live/
	Import   string            // command that a page without pageviews suggests
	Metrics  http.Handler      // serves /metrics; nil means that there is none
	Logger   *slog.Logger      // nil means slog.Default()
}

// Server serves the reports of one site. Make it with New.
type Server struct {
	Config
	pageviews *beforehand.Report[report.Pageviews]
	hot       *beforehand.Report[report.Hot]
	page      page
	waits     atomic.Pointer[waits]
	importing chan struct{} // holds one token while an import runs
}

// New makes the site's two reports and a server for them. Nothing is computed
// or served before Site.Run and Run.
func New(c Config) *Server {
	c.Zone = cmp.Or(c.Zone, time.UTC)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.Trigger == nil {
		c.Trigger = trigger.Every(time.Hour)
	}
	s := &Server{Config: c, importing: make(chan struct{}, 1)}
	policy := beforehand.Policy{
		Trigger: c.Trigger,
		Timeout: 30 * time.Minute,
		Rules:   snapshot.Rules{Origins: []string{"*"}, Policies: map[string]string{"svg": chart.Policy()}},
	}
	s.pageviews = beforehand.New(c.Site, c.Name+"/pageviews", s.countPageviews, policy)
	s.pageviews.Render("svg", drawPageviews)
	s.hot = beforehand.New(c.Site, c.Name+"/hot", s.rankHot, policy)
	s.hot.Render("svg", drawHot)
	s.page.served.Store(prepare(snapshot.Snapshot{}))
	return s
}

func (s *Server) countPageviews(ctx context.Context) (report.Pageviews, error) {
	v, span, err := report.CountPageviews(ctx, s.Store, report.PageviewsQuery{Site: s.Name})
	counted(ctx, span)
	return v, err
}

func (s *Server) rankHot(ctx context.Context) (report.Hot, error) {
	v, span, err := report.RankHot(ctx, s.Store, report.HotQuery{Site: s.Name, Pages: s.Articles})
	counted(ctx, span)
	return v, err
}

// counted notes on the snapshot which pageviews it has counted.
func counted(ctx context.Context, span pageview.Span) {
	if span.First.IsZero() {
		return
	}
	beforehand.Counted(ctx, snapshot.Pageviews{
		Through: int64(span.Through), From: span.First, To: span.Last.Add(time.Microsecond),
	})
}

// bars is the picture of the pageviews.
func bars(v report.Pageviews) chart.Bars {
	b := chart.Bars{Title: "Pageviews by page and month", Labels: v.Labels}
	for _, s := range v.Series {
		b.Series = append(b.Series, chart.Series{Name: s.Path, Values: s.Values, Other: s.Path == report.Other})
	}
	return b
}

func drawPageviews(w io.Writer, v report.Pageviews) error {
	b := bars(v)
	b.Heading = true
	return b.SVG(w)
}

func drawHot(w io.Writer, v report.Hot) error {
	r := chart.Ranking{Title: "Hot articles", Heading: true}
	for _, i := range v.Items {
		r.Rows = append(r.Rows, chart.Row{
			Name: i.Title, Value: i.Score, Text: number.Grouped(i.Pageviews), Change: i.Change,
		})
	}
	return r.SVG(w)
}

// Refresh computes the reports that have not counted every pageview, and waits
// for them.
func (s *Server) Refresh(ctx context.Context) error {
	span, err := s.Store.Span(ctx, s.Name)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var errs [2]error
	if s.pageviews.Current().Pageviews.Through < int64(span.Through) {
		wg.Go(func() { errs[0] = s.pageviews.Refresh(ctx) })
	}
	if s.hot.Current().Pageviews.Through < int64(span.Through) {
		wg.Go(func() { errs[1] = s.hot.Refresh(ctx) })
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

// Ready waits until both reports have a result, or ctx ends.
func (s *Server) Ready(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for s.pageviews.Current().Version == 0 || s.hot.Current().Version == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Handler is what readers ask: the page, the reports, and what they need.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", &s.page)
	mux.Handle("GET "+web.AssetsPath, web.Assets())
	mux.Handle("GET /s/{site}/{file}", s.report())
	mux.HandleFunc("GET /s/{site}/{report}/status.json", s.status)
	mux.HandleFunc("GET /s/{site}/{report}/events", s.events)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", s.ready)
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics)
	}
	if s.Live {
		mux.HandleFunc("GET /live/{$}", s.livePage)
		mux.HandleFunc("GET /live/s/{site}/{file}", s.liveReport)
	}
	return mux
}
