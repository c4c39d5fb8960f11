package duckdb

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestOverload sends for a while far more than can be written. What is refused
// is refused at once, memory stays within its limit, and what was acknowledged
// is there.
func TestOverload(t *testing.T) {
	lasts, limit := 2*time.Second, int64(16<<20)
	if os.Getenv("BEFOREHAND_PROVE") == "1" {
		lasts = time.Minute
	}
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb"), QueueBytes: limit, MemoryLimit: "128MB"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	// All send the same slice, so that the heap holds nothing but the store's.
	b := pageview.Batch{Pageviews: make([]pageview.Pageview, 200)}
	for i := range b.Pageviews {
		b.Pageviews[i] = benchView(i)
	}
	var kept, busy, most atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(lasts)
	for range 2_000 {
		wg.Go(func() {
			for time.Now().Before(end) {
				switch err := s.Append(t.Context(), b); {
				case err == nil:
					kept.Add(int64(len(b.Pageviews)))
				case errors.Is(err, pageview.ErrBusy):
					busy.Add(int64(len(b.Pageviews)))
					time.Sleep(time.Millisecond) // as a sender does before it tries again
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for time.Now().Before(end) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), int64(m.HeapInuse)))
			s.queue.mu.Lock()
			if s.queue.bytes > limit {
				t.Errorf("%d bytes are queued", s.queue.bytes)
			}
			s.queue.mu.Unlock()
			time.Sleep(10 * time.Millisecond)
		}
	})
	wg.Wait()
	t.Logf("%d kept, %d refused, the heap was at most %d MB", kept.Load(), busy.Load(), most.Load()>>20)
	if n := pageviewRows(t, s); n != kept.Load() {
		t.Errorf("%d rows, %d were acknowledged", n, kept.Load())
	}
	if busy.Load() < kept.Load() || most.Load() > 4*limit {
		t.Errorf("%d kept, %d refused, the heap was at most %d MB", kept.Load(), busy.Load(), most.Load()>>20)
	}
}
