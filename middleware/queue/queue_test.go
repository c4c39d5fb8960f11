package queue_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/middleware"
	"github.com/beforehand-go/beforehand/middleware/queue"
)

var _ middleware.Sink = (*queue.Queue)(nil)

// server takes pages as the API does, and fails as it is told.
type server struct {
	mu    sync.Mutex
	keys  map[string]bool
	pages map[string]int // how often each path was counted
	fail  func(n int) (status int, lose bool)
	n     int
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	status, lose := 0, false
	if s.fail != nil {
		status, lose = s.fail(s.n)
	}
	if status != 0 {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(status)
		return
	}
	var list []struct{ Path, URL, Site, Address string }
	if r.URL.Path != "/api/v1/pageviews" || r.Header.Get("Authorization") != "Bearer secret" || json.NewDecoder(r.Body).Decode(&list) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if key := r.Header.Get("Idempotency-Key"); !s.keys[key] {
		s.keys[key] = true
		for _, p := range list {
			s.pages[p.Path+p.URL]++
		}
	}
	if lose { // the answer never arrives
		panic(http.ErrAbortHandler)
	}
	io.WriteString(w, `{"accepted":1}`)
}

func newServer(t *testing.T, fail func(n int) (int, bool)) (*server, string) {
	s := &server{keys: map[string]bool{}, pages: map[string]int{}, fail: fail}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, h.URL
}

func (s *server) counts(want []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, path := range want {
		if s.pages[path] != 1 {
			return fmt.Errorf("%s was counted %d times", path, s.pages[path])
		}
	}
	return nil
}

// drain sends until nothing waits.
func drain(t *testing.T, q *queue.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	for q.Waiting() > 0 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	if n := q.Waiting(); n > 0 {
		t.Errorf("%d bytes wait still", n)
	}
	cancel()
	<-done
}

func open(t *testing.T, path, url string, bytes int64) *queue.Queue {
	t.Helper()
	q, err := queue.Open(path, queue.Config{URL: url, Token: "secret", Site: "blog", Bytes: bytes})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func seen(path string) []collect.Seen {
	return []collect.Seen{{At: time.Now(), URL: path, Addr: "203.0.113.7", Agent: "x"}}
}

func TestQueueSendsOnceThroughFailures(t *testing.T) {
	s, url := newServer(t, func(n int) (int, bool) {
		switch {
		case n < 3:
			return http.StatusServiceUnavailable, false
		case n == 4:
			return http.StatusUnauthorized, false
		}
		return 0, n%5 == 0 // taken, but the answer is lost
	})
	q := open(t, filepath.Join(t.TempDir(), "queue.db"), url, 0)
	defer q.Close()
	var want []string
	for i := range 12 {
		path := fmt.Sprintf("/%d", i)
		if i == 7 {
			path = "https://blog.example/7?x"
		}
		if err := q.Keep(t.Context(), seen(path)); err != nil {
			t.Fatal(err)
		}
		want = append(want, path)
	}
	drain(t, q)
	if err := s.counts(want); err != nil {
		t.Error(err)
	}
}

func TestQueueLetsGoOfWhatIsRefusedForGood(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		_, url := newServer(t, func(int) (int, bool) { return status, false })
		q := open(t, filepath.Join(t.TempDir(), "queue.db"), url, 0)
		if err := q.Keep(t.Context(), seen("/a")); err != nil {
			t.Fatal(err)
		}
		drain(t, q)
		q.Close()
	}
}

func TestQueueIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	q := open(t, path, "http://localhost:1", 500)
	kept := 0
	var err error
	for err == nil {
		if err = q.Keep(t.Context(), seen("/a")); err == nil {
			kept++
		}
	}
	if !errors.Is(err, queue.ErrFull) || kept == 0 || kept > 5 || q.Waiting() > 500 {
		t.Errorf("kept %d, %d bytes, %v", kept, q.Waiting(), err)
	}
	waiting := q.Waiting()
	q.Close()
	q = open(t, path, "http://localhost:1", 500)
	defer q.Close()
	if q.Waiting() != waiting {
		t.Errorf("%d bytes wait after opening again, %d before", q.Waiting(), waiting)
	}
}

// TestMain lets the test binary be a site that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("QUEUE_OF_A_SITE"); path != "" {
		q, err := queue.Open(path, queue.Config{URL: os.Getenv("QUEUE_URL"), Token: "secret"})
		if err != nil {
			panic(err)
		}
		go q.Run(context.Background())
		for i := 0; ; i++ {
			page := fmt.Sprintf("/%s/%d", os.Getenv("QUEUE_ROUND"), i)
			if err := q.Keep(context.Background(), seen(page)); err != nil {
				panic(err)
			}
			fmt.Println(page) // it is kept
		}
	}
	os.Exit(m.Run())
}

// TestQueueSurvivesKillNine kills a site in the middle, again and again, and
// counts what it said that it had kept.
func TestQueueSurvivesKillNine(t *testing.T) {
	s, url := newServer(t, func(n int) (int, bool) { return 0, n%7 == 0 })
	path := filepath.Join(t.TempDir(), "queue.db")
	var kept []string
	for round := range 4 {
		site := exec.CommandContext(t.Context(), os.Args[0])
		site.Env = append(os.Environ(), "QUEUE_OF_A_SITE="+path, "QUEUE_URL="+url, fmt.Sprintf("QUEUE_ROUND=%d", round))
		site.Stderr = os.Stderr
		out, err := site.StdoutPipe()
		if err == nil {
			err = site.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		for in := bufio.NewScanner(out); in.Scan(); {
			if line := in.Text(); strings.HasPrefix(line, "/") {
				kept = append(kept, line)
			}
			if len(kept) == 60*(round+1) {
				site.Process.Kill()
			}
		}
		site.Wait()
	}
	q := open(t, path, url, 0)
	defer q.Close()
	drain(t, q)
	if err := s.counts(kept); err != nil {
		t.Errorf("of %d pages: %v", len(kept), err)
	}
	for page, n := range s.pages {
		if n != 1 {
			t.Errorf("%s was counted %d times", page, n)
		}
	}
}
