package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/pageview"
)

// sender sends pageviews to one server after another, each again until it is
// acknowledged, and remembers the paths of those that were.
type sender struct {
	base  func() string // where the server is now
	token string
	over  <-chan struct{}
	pause time.Duration // after each request

	mu    sync.Mutex
	acked map[string]int // paths that were acknowledged, and whether they can be told apart from a repeat
}

// send sends a request until it is answered 2xx or everything is over. It
// tells whether it was acknowledged.
func (s *sender) send(method, path, kind, key, body string) bool {
	client := &http.Client{Timeout: 20 * time.Second}
	for {
		select {
		case <-s.over:
			return false
		default:
		}
		req, err := http.NewRequestWithContext(context.Background(), method, s.base()+path, strings.NewReader(body))
		if err != nil {
			return false
		}
		req.Header.Set("Authorization", "Bearer "+s.token)
		req.Header.Set("Content-Type", kind)
		req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0")
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		res, err := client.Do(req)
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode/100 == 2 {
				return true
			}
		}
		time.Sleep(20 * time.Millisecond) // the server is down or busy
	}
}

func (s *sender) note(paths ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range paths {
		s.acked[p]++
	}
}

// work sends single pageviews and batches under keys of their own.
func (s *sender) work(name string) {
	for i := 0; ; i++ {
		var paths []string
		var body bytes.Buffer
		for j := range 1 + i%3*50 {
			path := fmt.Sprintf("/%s/%d/%d", name, i, j)
			paths = append(paths, path)
			fmt.Fprintf(&body, `{"path":%q,"visitor":"%s-%d"}`+"\n", path, name, i)
		}
		if !s.send(http.MethodPost, "/api/v1/pageviews", "application/x-ndjson", name+"-"+fmt.Sprint(i), body.String()) {
			return
		}
		s.note(paths...)
		time.Sleep(s.pause) // sockets are no part of a bubble
	}
}

// TestKillNineWhileAllWaysAreUsed kills the server while pageviews come by the
// API, one and many at a time, and from a log. What was acknowledged is there
// exactly once; what was not is there at most once.
func TestKillNineWhileAllWaysAreUsed(t *testing.T) {
	t.Parallel()
	kills := 3
	if prove() {
		kills = 50
	}
	name, data, log := program(t), filepath.Join(t.TempDir(), "data"), writeLog(t, 60_000)
	out, err := exec.CommandContext(t.Context(), name, "token", "create", "test", "--data", data).Output()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	server, url := serveOn(t, name, data)
	over := make(chan struct{})
	s := &sender{token: strings.TrimSpace(string(out)), over: over, acked: map[string]int{}, base: func() string {
		mu.Lock()
		defer mu.Unlock()
		return url
	}}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() { s.work(fmt.Sprintf("s%d", i)) })
	}
	for i := range kills {
		imp := exec.CommandContext(t.Context(), name, "import", "--data", data, log)
		if err := imp.Start(); err != nil {
			t.Fatal(err)
		}
		before := s.count()
		for s.count() < before+500*(1+i%3) {
			time.Sleep(10 * time.Millisecond) // pageviews come over sockets
		}
		server.kill()
		imp.Wait() // it may have gone on by itself, and must not be in the way
		mu.Lock()
		server, url = serveOn(t, name, data)
		mu.Unlock()
	}
	close(over)
	wg.Wait()
	if out, err := exec.CommandContext(t.Context(), name, "import", "--data", data, log).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server.kill()
	got := pageCounts(t, data)
	for path, n := range s.acked {
		if got[path] != n {
			t.Errorf("%s was acknowledged and is there %d times", path, got[path])
		}
	}
	var fromLog int
	for path, n := range got {
		if strings.HasPrefix(path, "/s") && n != 1 {
			t.Errorf("%s is there %d times", path, n)
		}
		if strings.HasPrefix(path, "/p") {
			fromLog += n
		}
	}
	if want := 60_000 * 9 / 10; fromLog != want {
		t.Errorf("of the log %d pageviews are there, want %d", fromLog, want)
	}
	t.Logf("%d pageviews acknowledged over %d kills, and the log's %d", len(s.acked), kills, fromLog)
}

func (s *sender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// pageCounts is how often each page of a data directory is counted.
func pageCounts(t *testing.T, data string) map[string]int {
	t.Helper()
	store, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(data, datadir.PageviewsFile)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	a, err := store.Query(t.Context(), pageview.Query{Site: "default", By: []pageview.Dimension{pageview.ByPage}, Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, row := range a.Rows {
		counts[row.Keys[0]] = int(row.Pageviews)
	}
	return counts
}
