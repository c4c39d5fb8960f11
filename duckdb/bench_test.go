package duckdb

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
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

// year is a store with made-up pageviews of a year that ends at noon: 500 pages,
// visits of three pageviews, two of a visitor on a day.
type year struct {
	s    *Store
	rows int
	next int // position of the next pageview
}

var yearBegin = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// yearSQL makes the rows from $1 on. What is odd multiplies spreads numbers.
const yearSQL = `
  SELECT i + 1 AS seq, 1 AS site, "at", CAST("at" AS DATE) AS "day", CAST(1 + floor(500 * pow(hash(i) %% 1000000 / 1e6, 3)) AS UINTEGER) AS page,
         hash(CAST("at" AS DATE), hash(i // 120 * 40 + i %% 40) %% %[2]d) AS visitor,
         CASE WHEN hash(i // 40) %% 10 < 6 THEN 0 ELSE 1 + hash(i // 40) %% 50 END AS referrer,
         60 + hash(visitor) %% 5 AS browser, 70 + hash(visitor) %% 6 AS system, 80 + hash(visitor) %% 3 AS device,
         0 AS bot, 2 AS source, date_trunc('hour', "at") AS "hour",
         90 + hash(visitor) %% 40 AS country, 140 + hash(visitor) %% 20 AS language, 0 AS referrer_page,
         0 AS campaign_source, 0 AS campaign_medium, CASE WHEN hash(i) %% 20 = 0 THEN 170 + hash(i) %% 7 ELSE 0 END AS campaign
  FROM (SELECT range AS i, TIMESTAMP '2025-01-01' + to_microseconds(range * %[1]d) AS "at" FROM range($1::BIGINT, $2::BIGINT))`

func newYear(b *testing.B, rows int) *year {
	b.Helper()
	path := filepath.Join(b.TempDir(), "pageviews.duckdb")
	if kept := os.Getenv("BEFOREHAND_BENCH_DIR"); kept != "" {
		path = filepath.Join(kept, fmt.Sprint(rows, ".duckdb"))
	}
	_, err := os.Stat(path)
	s := openBlog(b, path)
	y := &year{s: s, rows: rows, next: rows}
	if err == nil {
		span, err := s.Span(b.Context(), "blog")
		if err != nil {
			b.Fatal(err)
		}
		y.next = int(span.Through)
		return y
	}
	y.exec(b, `INSERT INTO pages SELECT range, 1, '/posts/' || range, 'Post ' || range FROM range(1, 501)`)
	y.exec(b, `INSERT INTO names SELECT range, 'name ' || range FROM range(1, 200)`)
	for at := 0; at < rows; at += 5_000_000 {
		y.exec(b, "INSERT INTO pageviews BY NAME "+y.sql(), at, min(rows, at+5_000_000))
	}
	y.exec(b, `INSERT INTO sources SELECT 1, "day", 2, false, min(seq) FROM pageviews GROUP BY "day"`)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	y.s = openBlog(b, path)
	return y
}

// sql is yearSQL with its microseconds between two pageviews, and visitors of a
// day.
func (y *year) sql() string {
	step := (364*24 + 12) * time.Hour / time.Duration(y.rows)
	return fmt.Sprintf(yearSQL, step.Microseconds(), max(1, y.rows/365/6))
}

func (y *year) exec(b *testing.B, query string, args ...any) {
	b.Helper()
	if _, err := readers(b, y.s).ExecContext(b.Context(), query, args...); err != nil {
		b.Fatal(err)
	}
}

// grow keeps n more pageviews.
func (y *year) grow(b *testing.B, n int) {
	b.Helper()
	var batch pageview.Batch
	query := fmt.Sprintf(`SELECT "at", page, visitor, referrer, browser, country FROM (%s) ORDER BY seq`, y.sql())
	err := each(b.Context(), readers(b, y.s), query, func(scan func(...any) error) error {
		var page, referrer, browser, country int
		v := pageview.Pageview{Site: "blog", Source: pageview.SourceScript, System: "name 71", Device: "name 81", Language: "name 141"}
		err := scan(&v.At, &page, &v.Visitor, &referrer, &browser, &country)
		v.At = v.At.UTC()
		v.Day, v.Hour = pageview.DayOf(v.At), pageview.HourOf(v.At)
		v.Path, v.Browser, v.Country = fmt.Sprint("/posts/", page), fmt.Sprint("name ", browser), fmt.Sprint("name ", country)
		if referrer > 0 {
			v.Referrer = fmt.Sprint("name ", referrer)
		}
		batch.Pageviews = append(batch.Pageviews, v)
		return err
	}, y.next, y.next+n)
	if err == nil {
		err = y.s.Append(b.Context(), batch)
	}
	if err != nil {
		b.Fatal(err)
	}
	y.next += n
}

// standard are the reports that are refreshed together.
func (y *year) standard(b *testing.B, raw, persons bool) {
	b.Helper()
	metrics := []pageview.Metric{pageview.MetricPageviews}
	if persons {
		metrics = pageview.Metrics()[:3]
	}
	queries := []pageview.Query{
		{By: []pageview.Dimension{pageview.ByMonth, pageview.ByPage}},
		{By: []pageview.Dimension{pageview.ByDay}},
	}
	month := pageview.DayOf(yearBegin) + 364 - 29
	for _, d := range []pageview.Dimension{
		pageview.ByPage, pageview.ByEntry, pageview.ByReferrer, pageview.ByCampaign, pageview.ByBrowser,
		pageview.BySystem, pageview.ByDevice, pageview.ByCountry, pageview.ByLanguage,
	} {
		queries = append(queries, pageview.Query{By: []pageview.Dimension{d}, From: month, Limit: 10})
	}
	for _, q := range queries {
		q.Site, q.Raw, q.Metrics = "blog", raw, metrics
		if _, err := y.s.Query(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
	rank := pageview.RankQuery{Site: "blog", Raw: raw, Window: 30 * 24 * time.Hour, Earlier: 24 * time.Hour, HalfLife: 7 * 24 * time.Hour, Limit: 20}
	if _, err := y.s.Rank(b.Context(), rank); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRefresh measures the CPU of the standard reports, of a year of
// BEFOREHAND_ROWS pageviews, three million unless set: the first time, after
// 10,000 new ones, the first of these after a start, and from raw rows.
func BenchmarkRefresh(b *testing.B) {
	rows, err := strconv.Atoi(cmp.Or(os.Getenv("BEFOREHAND_ROWS"), "3000000"))
	if err != nil {
		b.Fatal(err)
	}
	y := newYear(b, rows)
	defer func() { y.s.Close() }()
	all := b
	measure := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			var used time.Duration
			if name == "new" { // what is read once after a start
				y.grow(b, 10_000)
				f()
			}
			for b.Loop() {
				b.StopTimer()
				if name == "start" {
					if err := y.s.Close(); err != nil {
						b.Fatal(err)
					}
					y.s = openBlog(all, y.s.config.Path)
				}
				if name == "start" || name == "new" {
					y.grow(b, 10_000)
				}
				b.StartTimer()
				before := cpuTime(b)
				f()
				used += cpuTime(b) - before
			}
			b.ReportMetric(used.Seconds()*1000/float64(b.N), "cpu-ms/op")
		})
	}
	measure("first", func() { y.standard(b, false, true) })
	measure("new", func() { y.standard(b, false, true) })
	measure("start", func() { y.standard(b, false, true) })
	measure("same", func() { y.standard(b, false, true) })
	measure("raw", func() { y.standard(b, true, false) })
	measure("raw-persons", func() { y.standard(b, true, true) })
	measure("year", func() {
		if _, err := y.s.Query(b.Context(), pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByMonth, pageview.ByPage}}); err != nil {
			b.Fatal(err)
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
