// Package embedded counts the pages that a Go process serves and computes
// reports of them beforehand, all in that process and one directory.
//
// The directory is like the one that beforehand serve uses; its commands, such
// as backup and check, work on it while the process does not run.
package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/middleware"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/picture"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/trigger"
	"golang.org/x/sync/errgroup"
)

// Config says what is counted and where it is kept. Dir is needed.
type Config struct {
	Dir     string                  // data directory; it is made where it is not there, and used by one process at a time
	Site    string                  // name of the site; empty means "default"
	Zone    string                  // IANA name of the zone of its days; empty means UTC. It stays as it was first
	Hosts   []string                // host names that are the site's; none means every host
	Paths   collect.PathRules       // how the paths of pages are written
	Proxies collect.Proxies         // in front of the process
	Country func(netip.Addr) string // such as country.Embedded; nil means that countries are not known
	Reports beforehand.Config       // further settings of the reports; its State is not used
	Logger  *slog.Logger            // nil means slog.Default()
}

// Site is a site that counts its own pages. Make it with Open.
type Site struct {
	Reports   *beforehand.Site // for reports of your own, with beforehand.New
	Pageviews *duckdb.Store

	name    string
	dir     *datadir.Dir
	state   *sqlite.State
	counter *middleware.Counter
	site    *collect.Site
}

// Open opens a data directory.
func Open(ctx context.Context, c Config) (_ *Site, err error) {
	c.Site, c.Zone, c.Logger = cmp.Or(c.Site, "default"), cmp.Or(c.Zone, "UTC"), cmp.Or(c.Logger, slog.Default())
	if _, err := time.LoadLocation(c.Zone); err != nil { // before it is kept for ever
		return nil, fmt.Errorf("open site %s: %w", c.Site, err)
	}
	s := &Site{name: c.Site}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.dir, err = datadir.Open(c.Dir, "embedded"); err != nil {
		return nil, err
	}
	key, err := s.dir.Key()
	if err != nil {
		return nil, err
	}
	if s.Pageviews, err = duckdb.Open(ctx, duckdb.Config{Path: s.dir.File(datadir.PageviewsFile), Logger: c.Logger}); err != nil {
		return nil, err
	}
	if s.state, err = sqlite.Open(s.dir.File(datadir.StateFile)); err != nil {
		return nil, err
	}
	kept, err := s.Pageviews.Site(ctx, pageview.Site{Name: c.Site, Zone: c.Zone})
	if err != nil {
		return nil, err
	}
	s.site = &collect.Site{Name: c.Site, Hosts: c.Hosts, Paths: c.Paths}
	if s.site.Zone, err = time.LoadLocation(kept.Zone); err != nil {
		return nil, err
	}
	visitors, err := collect.NewVisitors(s.state.Salts(), key)
	if err != nil {
		return nil, err
	}
	intake := &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}, Country: c.Country}
	s.counter = middleware.New(middleware.Config{
		Sink:    &middleware.Store{Intake: intake, Site: s.site, Pageviews: s.Pageviews},
		Proxies: c.Proxies, Logger: c.Logger,
	})
	return s, s.openReports(ctx, c)
}

// openReports opens the reports, and adds the job that deletes old salts.
func (s *Site) openReports(ctx context.Context, c Config) (err error) {
	c.Reports.State, c.Reports.Logger = s.state, cmp.Or(c.Reports.Logger, c.Logger)
	c.Reports.Scheduler.Exclusive = true // this process holds the directory
	if s.Reports, err = beforehand.Open(ctx, c.Reports); err != nil {
		return err
	}
	return s.Reports.Scheduler().Add(ctx, scheduler.Job{
		Name: "salts", Trigger: trigger.Every(time.Hour), AtStart: true,
		Run: func(ctx context.Context, _ *scheduler.Run) error { return s.state.Salts().Delete(ctx, time.Now()) },
	})
}

// Handler serves what next serves, and counts the pages in it.
func (s *Site) Handler(next http.Handler) http.Handler { return s.counter.Handler(next) }

// Hot adds a hot list: as JSON, CSV and HTML, and as a picture in SVG. The
// query's site is this one.
func (s *Site) Hot(name string, q report.HotQuery, p beforehand.Policy) *beforehand.Report[report.Hot] {
	q.Site = s.name
	hot := beforehand.New(s.Reports, name, func(ctx context.Context) (report.Hot, error) {
		h, span, err := report.RankHot(ctx, s.Pageviews, q)
		report.Counted(ctx, span)
		return h, err
	}, p)
	hot.Render("svg", func(w io.Writer, v report.Hot) error {
		r := picture.Hot(v)
		r.Title, r.Heading = "Hot articles", true
		return r.SVG(w)
	})
	return hot
}

// Chart adds pageviews by page and month: as JSON, CSV and HTML, and as a
// picture in SVG. The query's site is this one.
func (s *Site) Chart(name string, q report.PageviewsQuery, p beforehand.Policy) *beforehand.Report[report.Pageviews] {
	q.Site = s.name
	chart := beforehand.New(s.Reports, name, func(ctx context.Context) (report.Pageviews, error) {
		v, span, err := report.CountPageviews(ctx, s.Pageviews, q)
		report.Counted(ctx, span)
		return v, err
	}, p)
	chart.Render("svg", func(w io.Writer, v report.Pageviews) error {
		b := picture.Pageviews(v)
		b.Title, b.Heading = "Pageviews by page", true
		return b.SVG(w)
	})
	return chart
}

// Run counts pages and computes reports until ctx ends; what was served last
// is on disk when it returns.
func (s *Site) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.counter.Run(ctx) })
	g.Go(func() error {
		if err := s.Reports.Run(ctx); err != nil {
			return err
		}
		return ctx.Err()
	})
	return ended(g.Wait())
}

// Serve serves h, whose pages are counted, on an address while it does what Run
// does, until ctx ends. A process with a server of its own uses Handler and Run.
func (s *Site) Serve(ctx context.Context, addr string, h http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("serve site %s: %w", s.name, err)
	}
	server := &http.Server{
		Handler: s.Handler(h), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
	}
	// Pages that are served while the server stops are counted, too.
	counting, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Run(counting) })
	g.Go(func() error { return server.Serve(listener) })
	g.Go(func() error {
		<-ctx.Done()
		defer stop()
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return errors.Join(ctx.Err(), server.Shutdown(patient))
	})
	return ended(g.Wait())
}

// ended is the error of what ran until it was stopped.
func ended(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close lets go of the directory. Run and Serve must have returned.
func (s *Site) Close() error {
	var errs []error
	if s.state != nil {
		errs = append(errs, s.state.Close())
	}
	if s.Pageviews != nil {
		errs = append(errs, s.Pageviews.Close())
	}
	if s.dir != nil {
		errs = append(errs, s.dir.Close())
	}
	return errors.Join(errs...)
}
