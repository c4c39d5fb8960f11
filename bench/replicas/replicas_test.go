// Package replicas measures what several replicas get done that share their
// state and their pageviews. All of them, and the databases, have this one
// machine: what counts is the CPU time of a tick and of a pageview.
package replicas_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// measured is how long is measured, after a second of warming up.
const measured = 5 * time.Second

// measure reports how often something was done in a second, and what CPU time
// each took here and in the processes that were started for it.
func measure(b *testing.B, n *atomic.Int64, unit string) {
	time.Sleep(time.Second)
	before, own, others, began := n.Load(), cpu(b, false), cpu(b, true), time.Now()
	time.Sleep(measured)
	done := float64(n.Load() - before)
	b.ReportMetric(done/time.Since(began).Seconds(), unit+"s/s")
	b.ReportMetric(float64((cpu(b, false)-own).Microseconds())/done, "own-µs/"+unit)
	b.ReportMetric(float64((cpu(b, true)-others).Microseconds())/done, "database-µs/"+unit)
}

// cpu is the CPU time of this process, or of all that descend from it.
func cpu(b *testing.B, descendants bool) time.Duration {
	b.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	parents, ticks := map[int]int{}, map[int]int64{}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		parents[pid], _ = strconv.Atoi(string(fields[1]))
		for _, at := range []int{11, 12, 13, 14} { // its own, and those of its children that have ended
			t, _ := strconv.ParseInt(string(fields[at]), 10, 64)
			if at < 13 || pid != os.Getpid() {
				ticks[pid] += t
			}
		}
	}
	var sum int64
	for pid, t := range ticks {
		at := pid
		for at > 1 && at != os.Getpid() {
			at = parents[at]
		}
		if at == os.Getpid() && descendants == (pid != os.Getpid()) {
			sum += t
		}
	}
	return time.Duration(sum) * 10 * time.Millisecond // the kernel's ticks, a hundred a second
}

// BenchmarkTicks has schedulers share 20,000 jobs that are due each second, far
// more than there is time for.
func BenchmarkTicks(b *testing.B) {
	server := pgtest.Start(b)
	for _, replicas := range []int{1, 3, 9} {
		b.Run(fmt.Sprint(replicas), func(b *testing.B) {
			for b.Loop() {
				measureTicks(b, server.Database(b), replicas)
			}
		})
	}
}

func measureTicks(b *testing.B, dsn string, replicas int) {
	var n atomic.Int64
	jobs := make([]scheduler.Job, 20_000)
	for i := range jobs {
		jobs[i] = scheduler.Job{
			Name: fmt.Sprintf("job-%05d", i), Trigger: trigger.Every(time.Second),
			Run: func(context.Context, *scheduler.Run) error { n.Add(1); return nil },
		}
	}
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	for range replicas {
		state, err := postgres.Open(b.Context(), dsn)
		if err != nil {
			b.Fatal(err)
		}
		defer state.Close()
		s, err := scheduler.New(scheduler.Config{Store: state.Jobs(), MaxRuns: 64})
		if err == nil {
			err = s.Add(b.Context(), jobs...)
		}
		if err != nil {
			b.Fatal(err)
		}
		running.Go(func() {
			if err := s.Run(ctx); err != nil {
				b.Error(err)
			}
		})
	}
	measure(b, &n, "tick")
	stop()
	running.Wait()
}

// BenchmarkPageviews has replicas take pageviews in, in requests of a hundred,
// and send them to one ClickHouse.
func BenchmarkPageviews(b *testing.B) {
	server := clickhousetest.Start(b)
	for _, replicas := range []int{1, 3} {
		b.Run(fmt.Sprint(replicas), func(b *testing.B) {
			for b.Loop() {
				measurePageviews(b, server.Database(b), replicas)
			}
		})
	}
}

func measurePageviews(b *testing.B, dsn string, replicas int) {
	var n atomic.Int64
	ctx, stop := context.WithCancel(b.Context())
	var sending sync.WaitGroup
	for r := range replicas {
		store, err := clickhouse.Open(ctx, clickhouse.Config{URL: dsn, Spool: filepath.Join(b.TempDir(), "spool.db"), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			b.Fatal(err)
		}
		defer store.Close()
		if _, err := store.Site(ctx, pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
			b.Fatal(err)
		}
		for s := range 32 / replicas {
			sending.Go(func() {
				for ctx.Err() == nil {
					if err := store.Append(ctx, pageview.Batch{Pageviews: views(r*100 + s), Wait: true}); err != nil && ctx.Err() == nil {
						b.Error(err)
						return
					}
					n.Add(100)
				}
			})
		}
	}
	measure(b, &n, "pageview")
	stop()
	sending.Wait()
}

// views are a hundred pageviews of now.
func views(seed int) []pageview.Pageview {
	now := time.Now().UTC()
	list := make([]pageview.Pageview, 100)
	for i := range list {
		list[i] = pageview.Pageview{
			Site: "blog", At: now, Day: pageview.DayOf(now), Hour: pageview.HourOf(now), Path: fmt.Sprint("/posts/", (seed*37+i)%400),
			Visitor: uint64(seed*1000 + i), Browser: "Firefox", System: "Linux", Device: "desktop", Country: "FR", Language: "en", Source: pageview.SourceScript,
		}
	}
	return list
}
