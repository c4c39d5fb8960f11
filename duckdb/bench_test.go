package duckdb

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
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

// BenchmarkRefresh measures the CPU of the pageviews by page and month, and of
// the ranking, after 10,000 new pageviews: from what is added up, and from raw
// rows. A year of made-up pageviews lies in the store.
func BenchmarkRefresh(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "pageviews.duckdb"))
	defer s.Close()
	if _, err := s.Site(b.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		b.Fatal(err)
	}
	const year = 3_000_000
	keep := func(n int, at func(i int) time.Time) {
		batch := pageview.Batch{Pageviews: make([]pageview.Pageview, n)}
		for i := range batch.Pageviews {
			v := benchView(i)
			v.At = at(i)
			v.Day, v.Hour = pageview.DayOf(v.At), pageview.HourOf(v.At)
			v.Path, v.Visitor = fmt.Sprintf("/posts/%d", i*i%307), uint64(i/3%(n/3+1))*0x9E3779B97F4A7C15
			batch.Pageviews[i] = v
		}
		if err := s.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	step := 365 * 24 * time.Hour / year
	for part := range year / 100_000 {
		keep(100_000, func(i int) time.Time { return begin.Add(time.Duration(part*100_000+i) * step) })
	}
	refresh := func(raw bool) {
		chart := pageview.Query{Site: "blog", Raw: raw, By: []pageview.Dimension{pageview.ByMonth, pageview.ByPage}, Metrics: pageview.Metrics()}
		if _, err := s.Query(b.Context(), chart); err != nil {
			b.Fatal(err)
		}
		rank := pageview.RankQuery{Site: "blog", Raw: raw, Window: 30 * 24 * time.Hour, Earlier: 24 * time.Hour, HalfLife: 7 * 24 * time.Hour, Limit: 20}
		if _, err := s.Rank(b.Context(), rank); err != nil {
			b.Fatal(err)
		}
	}
	refresh(false)
	for _, raw := range []bool{false, true} {
		b.Run(fmt.Sprintf("raw=%t", raw), func(b *testing.B) {
			var used time.Duration
			for b.Loop() {
				keep(10_000, func(i int) time.Time { return begin.Add(364*24*time.Hour + time.Duration(i)*time.Second) })
				before := cpuTime(b)
				refresh(raw)
				used += cpuTime(b) - before
			}
			b.ReportMetric(used.Seconds()*1000/float64(b.N), "cpu-ms/op")
		})
	}
	b.Run("year", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Query(b.Context(), pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByMonth, pageview.ByPage}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkDisk measures how large the file is of a million pageviews of a year,
// and of a million with what they add up to, as it is after an answer.
func BenchmarkDisk(b *testing.B) {
	const n, step = 1_000_000, 50_000
	r := rand.New(rand.NewPCG(1, 2))
	pages, hosts := rand.NewZipf(r, 1.2, 5, 4_999), rand.NewZipf(r, 1.3, 3, 1_999)
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	one := func(i int) pageview.Pageview {
		at := begin.Add(time.Duration(i) * (365 * 24 * time.Hour / n))
		v := pageview.Pageview{
			Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: fmt.Sprintf("/posts/article-%d", pages.Uint64()),
			Visitor: uint64(1+r.IntN(1_500)) * uint64(1+pageview.DayOf(at)) * 0x9E3779B97F4A7C15,
			Browser: fmt.Sprint("Browser ", r.IntN(8)), System: fmt.Sprint("System ", r.IntN(5)), Device: []string{"desktop", "mobile", "tablet"}[r.IntN(3)],
			Country: string([]byte{'A' + byte(r.IntN(5)), 'A' + byte(r.IntN(9))}), Source: pageview.SourceLog,
		}
		if r.IntN(2) == 0 {
			v.Referrer = fmt.Sprintf("site-%d.example", hosts.Uint64())
			v.ReferrerPage = fmt.Sprintf("%s/%d", v.Referrer, r.IntN(20))
		}
		return v
	}
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "pageviews.duckdb")
		s := openBlog(b, path)
		for from := 0; from < n; from += step {
			batch := pageview.Batch{Pageviews: make([]pageview.Pageview, step)}
			for i := range batch.Pageviews {
				batch.Pageviews[i] = one(from + i)
			}
			if err := s.Append(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
		s.Close()
		b.ReportMetric(float64(fileSize(b, path)), "bytes/million")
		s = openBlog(b, path)
		q := pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByMonth, pageview.ByPage}, Metrics: pageview.Metrics()}
		if _, err := s.Query(b.Context(), q); err != nil {
			b.Fatal(err)
		}
		s.Close()
		b.ReportMetric(float64(fileSize(b, path)), "bytes-with-rollups/million")
	}
}
