package duckdb

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// BenchmarkAppend measures pageviews acknowledged, and so on disk, per second,
// from senders that each send one pageview, or one batch, and wait for it.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ senders, batch int }{{1, 1}, {64, 1}, {1024, 1}, {1, 10_000}} {
		b.Run(fmt.Sprintf("senders=%d/batch=%d", c.senders, c.batch), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "pageviews.duckdb"))
			defer s.Close()
			if _, err := s.Site(b.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range c.senders {
				wg.Go(func() {
					for next.Add(int64(c.batch)) <= int64(b.N+c.batch-1) {
						batch := pageview.Batch{Pageviews: make([]pageview.Pageview, c.batch)}
						for i := range batch.Pageviews {
							batch.Pageviews[i] = benchView(i)
						}
						if err := s.Append(b.Context(), batch); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pageviews/s")
		})
	}
}

// openBlog opens a store that knows the site of benchView.
func openBlog(t testing.TB, path string) *Store {
	t.Helper()
	s := open(t, path)
	t.Cleanup(func() { s.Close() })
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	return s
}

func benchView(i int) pageview.Pageview {
	at := time.Date(2026, 1, 1, 0, 0, i%86400, 0, time.UTC)
	return pageview.Pageview{
		Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: "/posts/hello", Visitor: uint64(i) * 0x9E3779B97F4A7C15,
		Browser: "Firefox", System: "Linux", Device: "desktop", Source: pageview.SourceLog,
	}
}
