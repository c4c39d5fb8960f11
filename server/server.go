package server

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/exports"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/picture"
	"github.com/beforehand-go/beforehand/receive"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/trigger"
	"github.com/beforehand-go/beforehand/web"
)

// Config is what a server serves.
type Config struct {
	Reports    *beforehand.Site  // computes and keeps the reports
	Store      pageview.Store    // holds the pageviews
	Importer   *collect.Importer // takes logs in
	Exports    *exports.Importer // takes exports of other programs in
	Sites      []Site            // at least one; the first is at the root
	Tokens     *token.Guard      // knows programs that may ask; nil means none
	Outbox     outbox.Store      // what people are told; nil means that nobody is, or no Accounts
	TokenStore token.Store       // where they are made and revoked; nil where Accounts is
	Accounts   *account.Desk     // knows people who may; nil means that only this machine may, and tokens
	Proxies    collect.Proxies   // in front of the server
	Receiver   *receive.Receiver // takes pageviews in; nil means that none are taken over HTTP
	Keeper     Keeper            // makes copies for Control
	Book       Book              // adds, changes and removes sites; nil where there is none, or no Accounts
	URL        string            // where readers reach the server, without a slash at its end; empty means as they did
	Language   language.Language // of pages for who asks for none, and of pictures
	Triggers   trigger.Parser    // reads triggers that people type, for the zone of the job's site
	Live       bool              // also serve the first site's reports computed anew for each reader, under /live/
	Fonts      *chart.Fonts      // write the text of PNG pictures; nil means those of the program
	Metrics    http.Handler      // serves /metrics; nil means that there is none
	Unread     bool              // nobody reads from this process: what only dashboards show is left to one that is read from

	// TrustMachine says that whoever sits at this machine may see and do
	// everything also once there are users.
	TrustMachine bool

	// Renewed tells on which days of a site somebody may be counted as two
	// visitors, since the day's salt was replaced. Nil means on none.
	Renewed func(ctx context.Context, site string) ([]pageview.Day, error)

	Logger *slog.Logger // nil means slog.Default()
}

// Server serves the reports of sites. Make it with New.
type Server struct {
	Config
	sites      []*site
	importing  chan struct{} // holds one token while an import runs
	asking     chan struct{} // holds one token for each question being answered
	checks     checks
	counting   counting
	background background
}

// New makes each site's reports and a server for them. Nothing is computed or
// served before the reports' Run and the server's Begin.
func New(c Config) *Server {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	s := &Server{Config: c, importing: make(chan struct{}, 1), asking: make(chan struct{}, statsAtOnce)}
	s.counting = counting{server: s, held: map[string]*count{}}
	for _, v := range c.Sites {
		s.sites = append(s.sites, s.newSite(v))
	}
	return s
}

// named is the site of that name, or nil. Where there is only one, an empty
// name is its name too.
func (s *Server) named(name string) *site {
	if name == "" && len(s.sites) == 1 {
		return s.sites[0]
	}
	for _, v := range s.sites {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// picturePageviews is the picture that stands alone.
func (s *Server) picturePageviews(v report.Pageviews) chart.Picture {
	b := picture.Pageviews(v)
	b.Title, b.Words, b.Heading = web.Word(s.Language, "chart_title"), web.ChartWords(s.Language), true
	return b
}

// draw gives a report its pictures.
func draw[T any](s *Server, r *beforehand.Report[T], of func(T) chart.Picture) {
	r.Render("svg", func(w io.Writer, v T) error { return of(v).SVG(w) })
	r.Render("png", func(w io.Writer, v T) error { return of(v).PNG(w, chart.Raster{Fonts: s.Fonts}) })
}

// Refresh computes the reports that have not counted every pageview, and waits
// for them.
func (s *Server) Refresh(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, len(s.sites))
	for i, v := range s.sites {
		wg.Go(func() { errs[i] = v.refresh(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Ready waits until every report has a result or has failed, or ctx ends.
func (s *Server) Ready(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for slices.ContainsFunc(s.sites, (*site).waiting) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Handler is what readers ask: the page, the reports, and what they need.
func (s *Server) Handler() http.Handler { return s.routes().mux }

// routes are all that readers ask for.
func (s *Server) routes() *router {
	mux := s.newRouter()
	mux.Handle("GET /{$}", s.sites[0])
	mux.HandleFunc("GET /s/{site}/{$}", s.sitePage)
	mux.Handle("GET "+web.AssetsPath, web.Assets())
	mux.Handle("GET /s/{site}/{file}", s.report())
	mux.HandleFunc("GET /s/{site}/{report}/status.json", s.status)
	mux.HandleFunc("GET /s/{site}/{report}/events", s.events)
	mux.Handle("GET "+web.ElementsPath, web.Elements())
	mux.HandleFunc("GET /w/{site}/{report}/{file}", s.serveWidget)
	mux.HandleFunc("GET "+web.WidgetsPath+"/{site}", s.gallery)
	if s.Receiver != nil {
		s.mountSetup(mux)
	}
	mux.HandleFunc("GET /api/v1/sites/{site}/stats", s.stats)
	mux.HandleFunc("GET /api/v1/sites/{site}/stats.csv", s.stats)
	mux.HandleFunc("GET /api/v1/openapi.json", serveOpenAPI)
	if s.Receiver != nil {
		s.Receiver.Mount(mux.waysIn())
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", s.ready)
	s.mountJobs(mux)
	s.mountDashboards(mux)
	s.mountJobsAPI(mux)
	if s.Accounts != nil {
		s.mountDoors(mux)
		s.mountAccounts(mux)
	}
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics)
	}
	if s.Live {
		mux.HandleFunc("GET /live/{$}", s.livePage)
		mux.HandleFunc("GET /live/s/{site}/{file}", s.liveReport)
	}
	return mux
}
