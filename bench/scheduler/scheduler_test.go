// Package scheduler_test measures the scheduler, adds beside another library.
package scheduler_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	netresearch "github.com/netresearch/go-cron"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

const held = 100_000 // jobs a scheduler already holds

// ours is a running scheduler, stopped when the benchmark ends.
func ours(b *testing.B, jobs ...scheduler.Job) *scheduler.Scheduler {
	b.Helper()
	s, err := scheduler.New(scheduler.Config{Store: memory.New().Jobs(), MaxRuns: 64, Retention: scheduler.Retention{Count: 10}})
	if err == nil {
		err = s.Add(b.Context(), jobs...)
	}
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	b.Cleanup(func() { stop(); running.Wait() })
	return s
}

func nothing(context.Context, *scheduler.Run) error { return nil }

func rare(i int) scheduler.Job {
	return scheduler.Job{Name: fmt.Sprintf("job-%07d", i), Trigger: trigger.Every(1000 * time.Hour), Run: nothing}
}

// BenchmarkAdd adds to a running scheduler that holds 100,000 jobs.
func BenchmarkAdd(b *testing.B) {
	b.Run("beforehand", func(b *testing.B) {
		var jobs []scheduler.Job
		for i := range held {
			jobs = append(jobs, rare(i))
		}
		before := heap()
		s := ours(b, jobs...)
		jobs = nil
		size := float64(heap()-before) / held
		ctx, n := b.Context(), held
		for b.Loop() {
			if err := s.Add(ctx, rare(n)); err != nil {
				b.Fatal(err)
			}
			n++
		}
		b.ReportMetric(size, "B/job")
	})
	b.Run("netresearch", func(b *testing.B) {
		c := netresearch.New()
		for range held {
			c.Schedule(netresearch.Every(1000*time.Hour), netresearch.FuncJob(func() {}))
		}
		c.Start()
		defer c.Stop()
		for b.Loop() {
			c.Schedule(netresearch.Every(1000*time.Hour), netresearch.FuncJob(func() {}))
		}
	})
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkTicks runs 10,000 jobs once a second each, spread evenly, for five
// seconds, and reports CPU a tick and how late the latest hundredth began.
func BenchmarkTicks(b *testing.B) {
	const jobs, seconds = 10_000, 5
	for b.Loop() {
		var mu sync.Mutex
		var late []time.Duration
		var list []scheduler.Job
		for i := range jobs {
			list = append(list, scheduler.Job{
				Name: fmt.Sprintf("job-%05d", i), Trigger: trigger.Every(time.Second).From(time.Unix(0, int64(i)*int64(time.Second)/jobs)),
				Run: func(_ context.Context, r *scheduler.Run) error {
					d := time.Since(r.Due)
					mu.Lock()
					late = append(late, d)
					mu.Unlock()
					return nil
				},
			})
		}
		ours(b, list...)
		time.Sleep(time.Second)
		mu.Lock()
		late = late[:0]
		mu.Unlock()
		cpu := used()
		time.Sleep(seconds * time.Second)
		cpu = used() - cpu
		mu.Lock()
		slices.Sort(late)
		b.ReportMetric(float64(cpu.Nanoseconds())/float64(len(late)), "cpu-ns/tick")
		b.ReportMetric(float64(len(late))/seconds, "ticks/s")
		b.ReportMetric(float64(late[len(late)*99/100].Microseconds())/1000, "p99-ms")
		mu.Unlock()
	}
}

// used is the CPU time of this process.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
