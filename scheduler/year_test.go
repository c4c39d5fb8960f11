package scheduler_test

import (
	"context"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// TestAYearOfTheHourlyJob runs a job at each full local hour of 2011 in three
// zones: New York, where daylight saving skips and repeats an hour; Lord Howe,
// where it is half an hour; and Apia, which left out a whole day at the end of
// that year. The short form runs the days of the changes.
func TestAYearOfTheHourlyJob(t *testing.T) {
	day := func(month time.Month, day int) time.Time { return time.Date(2011, month, day, 0, 0, 0, 0, time.UTC) }
	spans := []struct {
		from time.Time
		days int
	}{{day(3, 12), 3}, {day(4, 1), 3}, {day(10, 1), 3}, {day(11, 5), 3}, {day(12, 29), 3}}
	if os.Getenv("BEFOREHAND_PROVE") == "1" {
		spans = append(spans[:0], struct {
			from time.Time
			days int
		}{day(1, 1), 365})
	}
	for _, span := range spans {
		t.Run(span.from.Format(time.DateOnly), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testHourly(t, span.from, span.days) })
		})
	}
}

func testHourly(t *testing.T, from time.Time, days int) {
	time.Sleep(time.Until(from.Add(-time.Second)))
	zones := []string{"America/New_York", "Australia/Lord_Howe", "Pacific/Apia"}
	var mu sync.Mutex
	ran := map[string][]time.Time{}
	var jobs []scheduler.Job
	for _, zone := range zones {
		hour, err := trigger.ParseCron("CRON_TZ=" + zone + " 0 * * * *")
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, scheduler.Job{Name: zone, Trigger: hour, Run: func(_ context.Context, r *scheduler.Run) error {
			if late := time.Since(r.Due); late > 100*time.Millisecond {
				t.Errorf("%s is %v late", r.Key(), late)
			}
			mu.Lock()
			defer mu.Unlock()
			ran[r.Job] = append(ran[r.Job], r.Due)
			return nil
		}})
	}
	s := declare(t, memory.New().Jobs(), jobs...)
	ctx, stop := context.WithTimeout(context.Background(), time.Duration(days)*24*time.Hour)
	defer stop()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
	for _, zone := range zones {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		var want []time.Time // each instant at which the clock of the zone shows a full hour
		for at := from; at.Before(from.AddDate(0, 0, days)); at = at.Add(30 * time.Minute) {
			if at.In(loc).Minute() == 0 {
				want = append(want, at)
			}
		}
		if !slices.EqualFunc(ran[zone], want, time.Time.Equal) {
			t.Errorf("%s: %d runs, want %d", zone, len(ran[zone]), len(want))
		}
		t.Logf("%s: %d runs in %d days", zone, len(ran[zone]), days)
	}
}

// TestGoroutinesAndMemoryStayFlat ticks a hundred thousand times; in its long
// form a million.
func TestGoroutinesAndMemoryStayFlat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 100
		ticks := 100_000
		if os.Getenv("BEFOREHAND_PROVE") == "1" {
			ticks = 1_000_000
		}
		var ran atomic.Int64
		var jobs []scheduler.Job
		for i := range each {
			jobs = append(jobs, scheduler.Job{
				Name: string(rune('A'+i/26)) + string(rune('a'+i%26)), Trigger: trigger.Every(100 * time.Millisecond),
				Run: func(context.Context, *scheduler.Run) error { ran.Add(1); return nil },
			})
		}
		store := memory.New().Jobs()
		start(t, scheduler.Config{Store: store, MaxRuns: 1, Retention: scheduler.Retention{Count: 20}}, jobs...)
		measure := func() (goroutines int, heap uint64) {
			var m runtime.MemStats
			synctest.Wait()
			runtime.GC()
			runtime.ReadMemStats(&m)
			return runtime.NumGoroutine(), m.HeapAlloc
		}
		time.Sleep(50 * time.Second)
		goroutines, heap := measure()
		before := ran.Load()
		time.Sleep(time.Duration(ticks/each) * 100 * time.Millisecond)
		later, grown := measure()
		t.Logf("%d ticks: %d then %d goroutines, %d then %d kB", ran.Load()-before, goroutines, later, heap>>10, grown>>10)
		if ran.Load()-before < int64(ticks*99/100) {
			t.Errorf("%d ticks", ran.Load()-before)
		}
		if later > goroutines || grown > heap+heap/4+1<<20 {
			t.Errorf("from %d to %d goroutines, from %d to %d bytes", goroutines, later, heap, grown)
		}
	})
}
