package scheduler_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// counting counts how often a store is asked what is due.
type counting struct {
	scheduler.Store
	asked atomic.Int64
}

func (c *counting) Due(ctx context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	c.asked.Add(1)
	return c.Store.Due(ctx, limit, take)
}

// runFor runs a scheduler for some time.
func runFor(t *testing.T, s *scheduler.Scheduler, d time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}

// large would be asked for any number of jobs at once.
type large struct{ scheduler.Store }

func (l large) Due(ctx context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	due, err := l.Store.Due(ctx, limit, take)
	due.Most = 0
	return due, err
}

func TestABurstBeyondWhatOneStepClaimsRunsWholeEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const jobs, seconds = 7000, 3
		store := &counting{Store: memory.New().Jobs()}
		s, err := scheduler.New(scheduler.Config{Store: store, MaxRuns: 8})
		if err != nil {
			t.Fatal(err)
		}
		var calls atomic.Int64
		list := make([]scheduler.Job, jobs)
		for i := range list {
			list[i] = scheduler.Job{
				Name: fmt.Sprintf("job-%04d", i), Trigger: trigger.Every(time.Second),
				Run: func(context.Context, *scheduler.Run) error { calls.Add(1); return nil },
			}
		}
		if err := s.Add(t.Context(), list...); err != nil {
			t.Fatal(err)
		}
		runFor(t, s, seconds*time.Second+500*time.Millisecond)
		rows, err := store.Ticks(t.Context(), scheduler.Query{Limit: -1})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if r.Outcome != scheduler.Succeeded || r.Attempt != 1 || r.Started.Sub(r.Due) > 200*time.Millisecond {
				t.Fatalf("%+v", r)
			}
		}
		if len(rows) != jobs*seconds || calls.Load() != jobs*seconds {
			t.Errorf("%d rows and %d calls, want %d", len(rows), calls.Load(), jobs*seconds)
		}
	})
}

func TestAJobWhoseEndWaitsToBeWrittenIsNotTakenForRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := large{memory.New().Jobs()}
		s, err := scheduler.New(scheduler.Config{Store: store, MaxRuns: 8})
		if err != nil {
			t.Fatal(err)
		}
		list := make([]scheduler.Job, 5000) // more than a step claims, and due again before all are claimed
		for i := range list {
			list[i] = scheduler.Job{
				Name: fmt.Sprintf("job-%04d", i), Trigger: trigger.Every(100 * time.Microsecond),
				Run: func(context.Context, *scheduler.Run) error { time.Sleep(time.Microsecond); return nil },
			}
		}
		if err := s.Add(t.Context(), list...); err != nil {
			t.Fatal(err)
		}
		runFor(t, s, 10*time.Millisecond)
		rows, err := store.Ticks(t.Context(), scheduler.Query{Limit: -1})
		if err != nil {
			t.Fatal(err)
		}
		counts := map[scheduler.Outcome]int{}
		for _, r := range rows {
			if counts[r.Outcome]++; r.Outcome == scheduler.Skipped {
				t.Fatalf("%+v", r)
			}
		}
		if counts[scheduler.Succeeded] < 2*len(list) {
			t.Errorf("%v", counts)
		}
	})
}

// Ends may wait for others to be written with while ticks are claimed, and no longer.
func TestEndsAreWrittenThoughNoFurtherTickIsDue(t *testing.T) {
	for name, store := range map[string]scheduler.Store{"many small writes": memory.New().Jobs(), "few large ones": large{memory.New().Jobs()}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				list := []scheduler.Job{{Name: "last", Trigger: trigger.Every(time.Hour), Run: takes(10 * time.Millisecond)}}
				for i := range 5000 {
					list = append(list, scheduler.Job{Name: fmt.Sprintf("job-%04d", i), Trigger: trigger.Every(time.Hour), Run: takes(time.Microsecond)})
				}
				start(t, scheduler.Config{Store: &slow{store, time.Millisecond}, MaxRuns: 8}, list...)
				time.Sleep(time.Hour + time.Second)
				rows, err := store.Ticks(t.Context(), scheduler.Query{Limit: -1})
				if err != nil || len(rows) != len(list) {
					t.Fatalf("%d rows, %v", len(rows), err)
				}
				for _, r := range rows {
					if r.Outcome != scheduler.Succeeded {
						t.Fatalf("%s is %s, began %s late", r.Key(), r.Outcome, r.Started.Sub(r.Due))
					}
				}
			})
		})
	}
}

// A row that somebody has deleted by hand must not make the loop ask for it
// without a pause.
func TestADueTickWithoutItsRowDoesNotMakeTheLoopSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: memory.New().Jobs()}
		s, err := scheduler.New(scheduler.Config{Store: store, MaxRuns: 1})
		if err != nil {
			t.Fatal(err)
		}
		never := scheduler.Job{Name: "torn", Trigger: trigger.Never{}, Run: func(context.Context, *scheduler.Run) error { return nil }}
		if err := s.Add(t.Context(), never); err != nil {
			t.Fatal(err)
		}
		states, err := store.Jobs(t.Context(), "torn")
		if err != nil {
			t.Fatal(err)
		}
		st, ready := states[0], time.Now().UTC()
		st.Version++
		st.Wake, st.Open = ready, []scheduler.OpenTick{{Due: ready, Ready: ready}}
		if stood, err := store.Write(t.Context(), []scheduler.Change{{Job: st}}); err != nil || stood[0] != nil {
			t.Fatal(stood, err)
		}
		runFor(t, s, 10*time.Second)
		if n := store.asked.Load(); n > 500 {
			t.Errorf("the store was asked %d times in ten seconds", n)
		}
	})
}

// slow takes its time to write.
type slow struct {
	scheduler.Store
	takes time.Duration
}

func (s *slow) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	time.Sleep(s.takes)
	return s.Store.Write(ctx, changes)
}

// What a store takes to write an end must not make the next tick late.
func TestATickIsNotLateByWhatTheStepBeforeItTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slow{memory.New().Jobs(), time.Second}
		s, err := scheduler.New(scheduler.Config{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		job := scheduler.Job{Name: "often", Trigger: trigger.Every(10 * time.Second), Run: func(context.Context, *scheduler.Run) error { return nil }}
		if err := s.Add(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		runFor(t, s, 65*time.Second)
		rows, err := store.Ticks(t.Context(), scheduler.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			// Writing that it is claimed is what it may be late by.
			if late := r.Started.Sub(r.Due); late > store.takes+100*time.Millisecond {
				t.Errorf("%s began %s late", r.Due, late)
			}
		}
		if len(rows) < 6 {
			t.Errorf("%d rows", len(rows))
		}
	})
}
