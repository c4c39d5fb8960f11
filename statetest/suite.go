// Package statetest is the suite that every engine's beforehand.State passes
// where several processes share it. The stores in it have suites of their own.
package statetest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/snapshot"
)

// Run holds a state to what replicas promise their readers. Open makes an empty
// one and returns a function that opens it once more, as another process does.
func Run(t *testing.T, open func(t *testing.T) func() beforehand.State) {
	RunPolled(t, open)
	t.Run("a hint is enough", func(t *testing.T) {
		swaps(t, open(t), func(s beforehand.State) beforehand.Config {
			return beforehand.Config{State: s, Poll: time.Hour}
		})
	})
	t.Run("no hint is needed", func(t *testing.T) {
		swaps(t, open(t), func(s beforehand.State) beforehand.Config { return beforehand.Config{State: silent{s}} })
	})
}

// RunPolled holds a state that gives no hints to the same.
func RunPolled(t *testing.T, open func(t *testing.T) func() beforehand.State) {
	t.Run("replicas swap within a second", func(t *testing.T) {
		swaps(t, open(t), func(s beforehand.State) beforehand.Config { return beforehand.Config{State: s} })
	})
	t.Run("replicas compute parameters once", func(t *testing.T) { stampede(t, open(t)) })
}

// swaps refreshes a report in two replicas by turns and looks how long the
// other one takes to swap.
func swaps(t *testing.T, open func() beforehand.State, config func(beforehand.State) beforehand.Config) {
	var n atomic.Int64
	count := func(context.Context) (int64, error) { return n.Add(1), nil }
	var reports []*beforehand.Report[int64]
	for range 2 {
		site, err := beforehand.Open(t.Context(), config(open()))
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, beforehand.New(site, "n", count, beforehand.Policy{}))
		run(t, site)
	}
	var slowest, sum time.Duration
	const rounds = 6
	for i := range rounds {
		asked, other := reports[i%2], reports[1-i%2]
		if err := asked.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		took := await(other, asked.Value()).Sub(began)
		slowest, sum = max(slowest, took), sum+took
	}
	t.Logf("%d swaps, mean %v, slowest %v", rounds, sum/rounds, slowest)
	if slowest > time.Second {
		t.Errorf("a swap took %v, want at most a second", slowest)
	}
}

// stampede has many readers of two replicas ask for the same parameters, some
// at the same instant and some while they are computed.
func stampede(t *testing.T, open func() beforehand.State) {
	var mu sync.Mutex
	calls := map[string]int{}
	compute := func(_ context.Context, name string) (int, error) {
		mu.Lock()
		calls[name]++
		n := calls[name]
		mu.Unlock()
		time.Sleep(200 * time.Millisecond) // a database works, for all that is known here
		return n, nil
	}
	parse := func(r *http.Request) (string, error) { return r.URL.Path, nil }
	var families []*beforehand.Family[string, int]
	for range 2 {
		site, err := beforehand.Open(t.Context(), beforehand.Config{State: open()})
		if err != nil {
			t.Fatal(err)
		}
		families = append(families, beforehand.NewFamily(site, "family", parse, compute, beforehand.FamilyPolicy[string]{
			Policy: beforehand.Policy{Wait: 20 * time.Second},
		}))
		run(t, site)
	}
	for _, f := range families { // the run at start would compute again what was read before it
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			time.Sleep(time.Duration(i/20) * 30 * time.Millisecond)
			if got := answer(t, families[i%2], fmt.Sprintf("/%d", i/2%3)); got != "1\n" {
				t.Errorf("reader %d got %q, want the first computation's", i, got)
			}
		})
	}
	wg.Wait()
	for name, n := range calls {
		if n != 1 {
			t.Errorf("%s was computed %d times", name, n)
		}
	}
	if len(calls) != 3 {
		t.Errorf("computed %v", calls)
	}
}

// answer is what a reader gets.
func answer(t *testing.T, h http.Handler, path string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Body.String()
}

// await returns when a report has at least a value, or after five seconds.
func await(r *beforehand.Report[int64], want int64) time.Time {
	patience := time.After(5 * time.Second)
	for {
		changed := r.Changed()
		if r.Value() >= want {
			return time.Now()
		}
		select {
		case <-changed:
		case <-patience:
			return time.Now()
		}
	}
}

// run runs a site until the test ends.
func run(t *testing.T, site *beforehand.Site) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- site.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// silent is a state that gives no hints of snapshots.
type silent struct{ beforehand.State }

func (s silent) Snapshots() snapshot.Store { return silentStore{s.State.Snapshots()} }

type silentStore struct{ snapshot.Store }

func (silentStore) Changed() <-chan struct{} { return nil }
