package middleware_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/middleware"
	"github.com/beforehand-go/beforehand/pageview"
)

// sink keeps pages in memory.
type sink struct {
	mu    sync.Mutex
	pages []collect.Seen
	err   error
}

func (s *sink) Keep(_ context.Context, pages []collect.Seen) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.pages = append(s.pages, pages...)
	}
	return s.err
}

func (s *sink) urls() (urls []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pages {
		urls = append(urls, p.URL)
	}
	return urls
}

// finish runs a counter over what it has seen.
func finish(t *testing.T, c *middleware.Counter) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// site answers in the ways that a server does.
func site(dir string) http.Handler {
	mux := http.NewServeMux()
	html := func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html; charset=utf-8") }
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { html(w); io.WriteString(w, "<p>") })
	mux.HandleFunc("/sniffed", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!doctype html><p>") })
	mux.HandleFunc("/error", func(w http.ResponseWriter, _ *http.Request) { html(w); w.WriteHeader(500) })
	mux.HandleFunc("/missing", func(w http.ResponseWriter, _ *http.Request) { html(w); w.WriteHeader(404) })
	mux.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/json") })
	mux.HandleFunc("/same", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) })
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); html(w); io.WriteString(w, "<p>") })
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		html(w)
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
		io.WriteString(w, "b")
	})
	mux.HandleFunc("/hijacked", func(w http.ResponseWriter, _ *http.Request) {
		html(w)
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		buf.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
		buf.Flush()
		conn.Close()
	})
	mux.HandleFunc("/panic", func(w http.ResponseWriter, _ *http.Request) { html(w); panic(http.ErrAbortHandler) })
	mux.HandleFunc("/file.html", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(dir, "file.html")) })
	return mux
}

func TestCounterCountsPagesAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file.html"), []byte("<p>file"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	c := middleware.New(middleware.Config{Sink: s, Skip: func(r *http.Request) bool { return r.URL.Query().Has("skip") }})
	plain, counted := httptest.NewServer(site(dir)), httptest.NewServer(c.Handler(site(dir)))
	defer plain.Close()
	defer counted.Close()
	ask := func(base, method, path, accept, purpose string) string {
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		req.Header.Set("Sec-Purpose", purpose)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return "failed"
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		res.Header.Del("Date")
		return fmt.Sprint(res.Status, res.Header, res.ContentLength, res.TransferEncoding, string(body), err)
	}
	for _, path := range []string{
		"/page?q=1", "/sniffed", "/error", "/missing", "/json", "/same", "/hints", "/stream", "/hijacked", "/panic", "/file.html", "/none", "/page?skip",
	} {
		if got, want := ask(counted.URL, "GET", path, "text/html", ""), ask(plain.URL, "GET", path, "text/html", ""); got != want {
			t.Errorf("%s: %s, without the counter %s", path, got, want)
		}
	}
	ask(counted.URL, "POST", "/page", "text/html", "")
	ask(counted.URL, "GET", "/same", "image/png", "")
	ask(counted.URL, "GET", "/page", "text/html", "prefetch;prerender")
	finish(t, c)
	want := []string{"/page?q=1", "/sniffed", "/same", "/hints", "/stream", "/file.html"}
	if got := s.urls(); !reflect.DeepEqual(got, want) {
		t.Errorf("counted %q, want %q", got, want)
	}
	p := s.pages[0]
	if p.Addr != "127.0.0.1" || p.Host != strings.TrimPrefix(counted.URL, "http://") || p.Source != pageview.SourceMiddleware || p.Agent == "" || p.At.IsZero() {
		t.Errorf("%+v", p)
	}
}

func TestCounterNeverWaits(t *testing.T) {
	c := middleware.New(middleware.Config{Sink: &sink{}, Buffer: 3})
	h := c.Handler(site(t.TempDir()))
	for range 10 { // nobody runs it
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/page", nil))
	}
	if c.Dropped() != 7 {
		t.Errorf("dropped %d of 10 with room for 3", c.Dropped())
	}
	failing := middleware.New(middleware.Config{Sink: &sink{err: errors.New("the disk broke")}})
	failing.Handler(site("")).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/page", nil))
	finish(t, failing)
	if failing.Dropped() != 1 {
		t.Errorf("dropped %d", failing.Dropped())
	}
}

// slowSink keeps pages, and then takes its time to say so.
type slowSink struct{ sink }

func (s *slowSink) Keep(ctx context.Context, pages []collect.Seen) error {
	if err := s.sink.Keep(ctx, pages); err != nil {
		return err
	}
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestPagesBeingKeptAtTheEndAreKeptOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowSink{}
		c := middleware.New(middleware.Config{Sink: s})
		h := c.Handler(site(t.TempDir()))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/page", http.NoBody))
		synctest.Wait() // it is being kept
		stop()
		<-done
		if got := s.urls(); len(got) != 1 || c.Dropped() != 0 {
			t.Errorf("kept %v, dropped %d", got, c.Dropped())
		}
	})
}

func TestHijackedConnectionWorks(t *testing.T) {
	c := middleware.New(middleware.Config{Sink: &sink{}})
	s := httptest.NewServer(c.Handler(site("")))
	defer s.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /hijacked HTTP/1.1\r\nHost: a\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 200 {
		t.Error(res, err)
	}
}

// flaky is a store that is busy at first, and loses its first answer.
type flaky struct {
	busy int
	kept map[string][]pageview.Pageview
}

func (f *flaky) Append(_ context.Context, b pageview.Batch) error {
	switch {
	case f.busy > 1:
		f.busy--
		return pageview.ErrBusy
	case f.kept[b.Key.Name] != nil:
		return pageview.ErrRepeated
	}
	f.kept[b.Key.Name] = b.Pageviews
	if f.busy == 1 {
		f.busy--
		return context.DeadlineExceeded
	}
	return nil
}

type salts struct{ sync.Map }

func (s *salts) Salt(_ context.Context, site string, day pageview.Day, fresh []byte) ([]byte, error) {
	v, _ := s.LoadOrStore(fmt.Sprint(site, day), fresh)
	return v.([]byte), nil
}

func TestStoreKeepsOnceWhatItTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		visitors, err := collect.NewVisitors(&salts{}, collect.Key{})
		if err != nil {
			t.Fatal(err)
		}
		f := &flaky{busy: 5, kept: map[string][]pageview.Pageview{}}
		s := &middleware.Store{
			Intake: &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}},
			Site:   &collect.Site{Name: "blog", Zone: time.UTC}, Pageviews: f,
		}
		pages := []collect.Seen{
			{At: time.Now(), URL: "/a", Source: pageview.SourceMiddleware}, {At: time.Now(), URL: "/a.css"},
		}
		if err := s.Keep(t.Context(), pages); err != nil {
			t.Fatal(err)
		}
		if len(f.kept) != 1 {
			t.Errorf("kept %v", f.kept)
		}
		f.busy = 1 << 30
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Keep(ctx, pages); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, pageview.ErrBusy) {
			t.Errorf("a store that stays busy: %v", err)
		}
	})
}
