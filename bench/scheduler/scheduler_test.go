// Package scheduler_test measures the scheduler beside other libraries.
package scheduler_test

import (
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

const held = 100_000 // jobs a scheduler already holds

// BenchmarkAdd adds to a running scheduler that holds 100,000 jobs, each of
// which is due every thousand hours.
func BenchmarkAdd(b *testing.B) {
	for _, p := range peers {
		b.Run(p.name, func(b *testing.B) {
			before := heap()
			s, n := p.make(b), 0
			add := func() {
				s.add(n, 1000*time.Hour, 0, func() {})
				n++
			}
			for range held {
				add()
			}
			size := float64(heap()-before) / held
			s.start()
			cpu := used()
			for b.Loop() {
				add()
			}
			b.ReportMetric(float64((used()-cpu).Nanoseconds())/float64(b.N), "cpu-ns/add")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "adds/s")
			b.ReportMetric(size, "B/job")
			s.stop()
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkTicks runs 10,000 jobs once a second each for five seconds after a
// warm-up, all at once or spread evenly, and reports CPU a tick and how late the
// latest hundredth began. Lateness is counted within a period, so a tick that
// is later than that looks better than it is. go-quartz compares the key of a job
// with all others' whenever it is due, and drops what is over 100 ms late: it runs
// most of 1,000 ticks a second, few of 3,000 and none of 10,000.
func BenchmarkTicks(b *testing.B) {
	for _, spread := range []time.Duration{0, time.Second} {
		name := "at once"
		if spread > 0 {
			name = "spread"
		}
		for _, p := range peers {
			b.Run(name+"/"+p.name, func(b *testing.B) {
				for b.Loop() {
					measureTicks(b, p.make(b), spread)
				}
			})
		}
	}
}

func measureTicks(b *testing.B, s peer, spread time.Duration) {
	const jobs, period, seconds = 10_000, time.Second, 5
	var mu sync.Mutex
	late := make([]time.Duration, 0, 2*jobs*seconds)
	for i := range jobs {
		offset := time.Duration(i) * spread / jobs
		s.add(i, period, offset, func() {
			d := (time.Duration(time.Now().UnixNano()) - offset) % period
			mu.Lock()
			late = append(late, d)
			mu.Unlock()
		})
	}
	s.start()
	defer s.stop()
	// From the middle between two bursts.
	time.Sleep(2*period + period/2 - time.Duration(time.Now().UnixNano())%period)
	mu.Lock()
	late = late[:0]
	mu.Unlock()
	cpu := used()
	time.Sleep(seconds * period)
	cpu = used() - cpu
	mu.Lock()
	defer mu.Unlock()
	b.ReportMetric(float64(len(late))/seconds, "ticks/s")
	if len(late) == 0 {
		b.ReportMetric(cpu.Seconds()/seconds, "cores")
		return
	}
	slices.Sort(late)
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(len(late)), "cpu-ns/tick")
	b.ReportMetric(float64(late[len(late)*99/100].Microseconds())/1000, "p99-ms")
}

// used is the CPU time of this process.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
