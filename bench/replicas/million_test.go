package replicas_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/pageview"
)

// million is how many pageviews of a day are taken in.
const million = 1_000_000

// BenchmarkMillion takes a million pageviews of one day in, in requests of a
// thousand, and answers what reports ask of that day; then ten thousand more, and
// answers that again: what each takes of CPU time, and what is then on the disk.
func BenchmarkMillion(b *testing.B) {
	b.Run("duckdb", func(b *testing.B) {
		for b.Loop() {
			dir := b.TempDir()
			store, err := duckdb.Open(b.Context(), duckdb.Config{Path: filepath.Join(dir, "pageviews.duckdb")})
			if err != nil {
				b.Fatal(err)
			}
			day(b, store)
			if err := store.Close(); err != nil {
				b.Error(err)
			}
			b.ReportMetric(size(b, dir)/1e6, "MB")
		}
	})
	b.Run("clickhouse", func(b *testing.B) {
		server := clickhousetest.Start(b)
		for b.Loop() {
			before := size(b, server.Dir())
			store, err := clickhouse.Open(b.Context(), clickhouse.Config{
				URL: server.Database(b), Spool: filepath.Join(b.TempDir(), "spool.db"), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
			})
			if err != nil {
				b.Fatal(err)
			}
			day(b, store)
			if err := store.Close(); err != nil {
				b.Error(err)
			}
			time.Sleep(5 * time.Second) // parts that were merged are deleted later
			b.ReportMetric((size(b, server.Dir())-before)/1e6, "MB")
		}
	})
}

// size is how many bytes the files of a folder take.
func size(b *testing.B, dir string) (sum float64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // it went meanwhile
		}
		if info, err := os.Lstat(path); err == nil {
			sum += float64(info.Size())
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return sum
}

func day(b *testing.B, store pageview.Store) {
	b.Helper()
	ctx := b.Context()
	if _, err := store.Site(ctx, pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	pages := rand.NewZipf(r, 1.2, 10, 4999)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	kept := int64(0)
	take := func(n int) {
		for range n / 1000 {
			list := make([]pageview.Pageview, 1000)
			for i := range list {
				at = at.Add(85 * time.Millisecond)
				list[i] = pageview.Pageview{
					Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: fmt.Sprint("/posts/", pages.Uint64()),
					Visitor: r.Uint64N(300_000) + 1, Referrer: fmt.Sprintf("site-%d.example", r.IntN(300)), Browser: pick(r, "Firefox", "Chrome", "Safari"),
					System: pick(r, "Linux", "Windows", "Android", "iOS"), Device: pick(r, "desktop", "mobile"), Country: pick(r, "FR", "DE", "CN", "US", "BR"),
					Language: pick(r, "en", "fr", "zh-CN"), Source: pageview.SourceScript,
				}
			}
			if err := store.Append(ctx, pageview.Batch{Pageviews: list, Wait: true}); err != nil {
				b.Fatal(err)
			}
		}
		kept += int64(n)
		ask(b, ctx, store, kept, pageview.Query{Site: "blog", Raw: true}) // all of it is there
	}
	answer := func() {
		for _, by := range []pageview.Dimension{
			pageview.ByDay, pageview.ByPage, pageview.ByHour, pageview.ByEntry, pageview.ByReferrer, pageview.ByBrowser, pageview.BySystem,
			pageview.ByDevice, pageview.ByCountry, pageview.ByLanguage,
		} {
			ask(b, ctx, store, kept, pageview.Query{Site: "blog", By: []pageview.Dimension{by}, Metrics: []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisits, pageview.MetricVisitors}})
		}
	}
	spent(b, "taken-in", func() { take(million) })
	spent(b, "answers", answer)
	take(10_000)
	spent(b, "10000-more", answer)
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

func ask(b *testing.B, ctx context.Context, store pageview.Store, kept int64, q pageview.Query) {
	b.Helper()
	a, err := store.Query(ctx, q)
	if err != nil {
		b.Fatal(err)
	}
	if a.Total.Pageviews != kept {
		b.Fatalf("%d pageviews", a.Total.Pageviews)
	}
}

// spent reports the CPU time of what f does, here and in what was started.
func spent(b *testing.B, name string, f func()) {
	b.Helper()
	own, others := cpu(b, false), cpu(b, true)
	f()
	b.ReportMetric((cpu(b, false) - own).Seconds(), name+"-own-s")
	b.ReportMetric((cpu(b, true) - others).Seconds(), name+"-database-s")
}
