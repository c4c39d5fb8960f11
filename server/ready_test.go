package server_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/server"
)

// A state whose jobs can be lost.
type losing struct {
	*memory.State
	lost atomic.Bool
}

func (l *losing) Jobs() scheduler.Store { return lostJobs{l.State.Jobs(), &l.lost} }

type lostJobs struct {
	scheduler.Store
	lost *atomic.Bool
}

func (l lostJobs) Due(ctx context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	if l.lost.Load() {
		return scheduler.Due{}, errors.New("connect to 10.0.0.7 as admin: refused")
	}
	return l.Store.Due(ctx, limit, take)
}

// troubled is a store that may not have been able to write.
type troubled struct {
	*duckdb.Store
	trouble atomic.Bool
}

func (s *troubled) Load() (l pageview.Load) {
	if s.trouble.Load() {
		l.Trouble = pageview.ErrFull
	}
	return l
}

func TestReadyWhileItCanServeOrAccept(t *testing.T) {
	store, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	state := &losing{State: memory.New()}
	site, err := beforehand.Open(t.Context(), beforehand.Config{State: state, Scheduler: scheduler.Config{Poll: 10 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	kept := &troubled{Store: store}
	s := server.New(server.Config{Reports: site, Store: kept, Sites: sites("blog")})
	want := func(when string, status int, body string) {
		t.Helper()
		if !eventually(func() bool {
			w := get(s.Handler(), "/readyz")
			return w.Code == status && w.Body.String() == body
		}) {
			w := get(s.Handler(), "/readyz")
			t.Fatalf("%s: status %d, %q, want %d, %q", when, w.Code, w.Body, status, body)
		}
	}
	want("nothing computed, the store answers", http.StatusOK, "ready\n")

	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { site.Run(ctx) })
	defer wg.Wait()
	defer stop()
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("results in service", http.StatusOK, "ready\n")
	state.lost.Store(true)
	want("the state store lost", http.StatusOK, "degraded\n")
	state.lost.Store(false)
	want("the state store back", http.StatusOK, "ready\n")
	kept.trouble.Store(true)
	want("no space for pageviews", http.StatusOK, "degraded\n")
	kept.trouble.Store(false)

	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	want("results in service, the store of pageviews closed", http.StatusOK, "ready\n")
	empty, err := beforehand.Open(t.Context(), beforehand.Config{State: memory.New()})
	if err != nil {
		t.Fatal(err)
	}
	s = server.New(server.Config{Reports: empty, Store: store, Sites: sites("blog")})
	want("nothing computed, the store of pageviews closed", http.StatusServiceUnavailable, "not ready\n")
}

// TestNobodyWaitsForReportsThatFail has every report of a site fail.
func TestNobodyWaitsForReportsThatFail(t *testing.T) {
	store, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	site, err := beforehand.Open(t.Context(), beforehand.Config{State: memory.New(), Scheduler: scheduler.Config{Poll: 10 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{Reports: site, Store: store, Sites: sites("blog")})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { site.Run(ctx) })
	defer wg.Wait()
	defer stop()
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := s.Ready(soon); err != nil {
		t.Errorf("still waited for: %v", err)
	}
}

// TestReadersComeBeforeAnythingRuns has a server begin with what another one has
// computed, and readers come at once.
func TestReadersComeBeforeAnythingRuns(t *testing.T) {
	store, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	state := memory.New()
	newServer := func() (*beforehand.Site, *server.Server) {
		site, err := beforehand.Open(t.Context(), beforehand.Config{State: state})
		if err != nil {
			t.Fatal(err)
		}
		return site, server.New(server.Config{Reports: site, Store: store, Sites: sites("blog")})
	}
	site, s := newServer()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { site.Run(ctx) })
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	wg.Wait()

	site, s = newServer()
	if err := site.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop = context.WithCancel(t.Context())
	defer site.Begin(ctx)()
	defer s.Begin(ctx, nil)()
	defer stop()
	for _, path := range []string{"/", "/s/blog/", "/s/blog/pageviews.json", "/s/blog/hot.json", "/w/blog/hot/frame.html"} {
		if w := get(s.Handler(), path); w.Code != http.StatusOK {
			t.Errorf("%s: status %d %s", path, w.Code, w.Body)
		}
	}
}
