package clickhouse_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/pageview"
)

// engine is a store and what it uses.
type engine struct {
	pageview.Store
	name   string
	server *clickhousetest.Server // nil where there is none
}

// cpu is what the engine and this process have used.
func (e *engine) cpu(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	own := time.Duration(r.Utime.Nano() + r.Stime.Nano())
	if e.server != nil {
		own += e.server.CPU(b)
	}
	return own
}

// BenchmarkBeside measures the CPU of ClickHouse, with what this process needs
// for it, and of DuckDB, of the same BEFOREHAND_ROWS pageviews of a year, three
// million unless set: taking them in, in batches of 10,000, the standard reports
// for the first time, after 10,000 new ones, and from raw rows.
func BenchmarkBeside(b *testing.B) {
	rows, err := strconv.Atoi(cmp.Or(os.Getenv("BEFOREHAND_ROWS"), "3000000"))
	if err != nil {
		b.Fatal(err)
	}
	server := clickhousetest.Start(b)
	c := open(b, clickhouse.Config{URL: server.Database(b), Spool: filepath.Join(b.TempDir(), "spool.db"), Wait: time.Hour})
	defer c.Close()
	d, err := duckdb.Open(b.Context(), duckdb.Config{Path: filepath.Join(b.TempDir(), "pageviews.duckdb")})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	for _, s := range []pageview.Store{c, d} {
		if _, err := s.Site(b.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
			b.Fatal(err)
		}
	}
	for _, e := range []*engine{{c, "clickhouse", server}, {d, "duckdb", nil}} {
		r, step := rand.New(rand.NewPCG(1, 2)), 365*24*time.Hour/time.Duration(rows)
		next := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		take := func(n int) {
			for range n / 10_000 {
				batch := pageview.Batch{Pageviews: make([]pageview.Pageview, 10_000), Wait: true}
				for i := range batch.Pageviews {
					batch.Pageviews[i] = made(r, next)
					next = next.Add(step)
				}
				if err := e.Append(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := e.Query(b.Context(), pageview.Query{Site: "blog", Raw: true, To: 1}); err != nil { // until all are there
				b.Fatal(err)
			}
		}
		measure := func(name string, prepare, f func()) {
			b.Run(name+"/"+e.name, func(b *testing.B) {
				var used time.Duration
				for b.Loop() {
					b.StopTimer()
					prepare()
					b.StartTimer()
					before := e.cpu(b)
					f()
					used += e.cpu(b) - before
				}
				b.ReportMetric(used.Seconds()*1000/float64(b.N), "cpu-ms/op")
			})
		}
		nothing := func() {}
		measure("take", nothing, func() { take(rows) })
		measure("first", nothing, func() { standard(b, e, false) })
		measure("new", func() { take(10_000) }, func() { standard(b, e, false) })
		measure("same", nothing, func() { standard(b, e, false) })
		measure("raw", nothing, func() { standard(b, e, true) })
		if e.server != nil {
			b.Logf("%s: %s bytes", e.name, e.server.Ask(b, "SELECT sum(bytes_on_disk), sum(if(table = 'rollups', bytes_on_disk, 0)) FROM system.parts WHERE active"))
		}
	}
}

// made is a pageview of a site of 500 pages.
func made(r *rand.Rand, at time.Time) pageview.Pageview {
	day := pageview.DayOf(at)
	return pageview.Pageview{
		Site: "blog", At: at, Day: day, Hour: pageview.HourOf(at), Path: fmt.Sprintf("/posts/%d", int(500*r.Float64()*r.Float64())),
		Visitor: (uint64(day)<<32 + r.Uint64N(3000) + 1) * 0x9E3779B97F4A7C15, Referrer: []string{"", "", "a.example", "b.example", fmt.Sprintf("site-%d.example", r.IntN(50))}[r.IntN(5)],
		Browser: fmt.Sprint("Browser ", r.IntN(5)), System: fmt.Sprint("System ", r.IntN(6)), Device: []string{"desktop", "mobile", "tablet"}[r.IntN(3)],
		Country: string([]byte{'A' + byte(r.IntN(5)), 'A' + byte(r.IntN(9))}), Language: []string{"en", "fr", "zh-CN"}[r.IntN(3)], Source: pageview.SourceScript,
	}
}

// standard asks what the standard reports do.
func standard(b *testing.B, s *engine, raw bool) {
	b.Helper()
	metrics := pageview.Metrics()[:3]
	last := pageview.DayOf(time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC))
	ask := func(from pageview.Day, limit int, by ...pageview.Dimension) {
		if _, err := s.Query(b.Context(), pageview.Query{Site: "blog", From: from, By: by, Metrics: metrics, Limit: limit, Raw: raw}); err != nil {
			b.Fatal(err)
		}
	}
	ask(0, 0, pageview.ByDay)
	ask(last-7, 0, pageview.ByHour)
	for _, by := range []pageview.Dimension{pageview.ByPage, pageview.ByReferrer, pageview.ByBrowser, pageview.ByCountry, pageview.ByEntry} {
		ask(last-30, 20, by)
	}
	for _, q := range []pageview.RankQuery{
		{Window: 24 * time.Hour, Order: pageview.RankPageviews}, {Window: 30 * 24 * time.Hour, Order: pageview.RankPageviews}, {HalfLife: 7 * 24 * time.Hour},
	} {
		q.Site, q.Limit, q.Raw, q.Before, q.Earlier = "blog", 20, raw, true, 24*time.Hour
		if _, err := s.Rank(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
}
