package scheduler_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// quick is a job with so many short runs within ten minutes that the loop's own
// goroutine comes to call functions.
func quick() scheduler.Job {
	often := trigger.Between(trigger.Every(time.Second), time.Now(), time.Now().Add(10*time.Minute))
	return scheduler.Job{Name: "quick", Trigger: often, Run: takes(0)}
}

func TestAFunctionThatBlocksTheLoopsGoroutineKeepsNothingElse(t *testing.T) {
	for name, block := range map[string]func(context.Context, *scheduler.Run) error{
		"waits":          takes(time.Minute),
		"ignores others": func(context.Context, *scheduler.Run) error { time.Sleep(time.Minute); return nil },
		"ends its goroutine late": func(context.Context, *scheduler.Run) error {
			time.Sleep(time.Minute)
			runtime.Goexit()
			return nil
		},
		"ends its goroutine": func(context.Context, *scheduler.Run) error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New().Jobs()
				jobs := []scheduler.Job{quick()}
				for i := range 8 {
					run := takes(0)
					if i%2 == 0 {
						run = block
					}
					jobs = append(jobs, scheduler.Job{Name: fmt.Sprint("job-", i), Trigger: trigger.Every(time.Hour), Run: run})
				}
				// One that is due while those before it block.
				jobs = append(jobs, scheduler.Job{Name: "later", Trigger: trigger.Every(time.Hour).From(time.Now().Add(time.Second)), Run: takes(0)})
				start(t, scheduler.Config{Store: store, MaxRuns: 8}, jobs...)
				time.Sleep(2*time.Hour + 5*time.Minute)
				for _, j := range jobs[1:] {
					rows, err := store.Ticks(t.Context(), scheduler.Query{Job: j.Name})
					if err != nil || len(rows) < 2 {
						t.Fatalf("%s has %d rows, %v", j.Name, len(rows), err)
					}
					for _, r := range rows {
						if late := r.Started.Sub(r.Due); r.Outcome.Open() || late > 20*time.Millisecond {
							t.Errorf("%s: %s, began %s late", r.Key(), r.Outcome, late)
						}
					}
				}
			})
		})
	}
}

func TestAFunctionOfTheLoopsGoroutineMayOutlastTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		s, err := scheduler.New(scheduler.Config{Store: store, Shutdown: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var returned atomic.Bool
		last := scheduler.Job{Name: "last", Trigger: trigger.Every(time.Hour), Run: func(context.Context, *scheduler.Run) error {
			if !bytes.Contains(debug.Stack(), []byte("(*loop).help")) {
				t.Error("another goroutine calls the function")
			}
			stop()
			time.Sleep(time.Minute)
			returned.Store(true)
			return nil
		}}
		if err := s.Add(t.Context(), quick(), last); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = s.Run(ctx)
		if took := time.Since(began); err == nil || returned.Load() || took > time.Hour+5*time.Second {
			t.Errorf("it ran for %s: %v", took, err)
		}
		if row := latest(t, store, "last"); row.Outcome != scheduler.Waiting || row.Reason != "handed back: the function ignored the shutdown" {
			t.Errorf("%+v", row)
		}
		time.Sleep(time.Minute) // the function's goroutine ends, and nothing else
		if !returned.Load() {
			t.Error("the function has not returned")
		}
	})
}

// One goroutine calls the functions of a whole burst, if they are short.
func TestShortFunctionsAreCalledByOneGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var most, other atomic.Int64
		jobs := []scheduler.Job{quick()}
		before := runtime.NumGoroutine()
		for i := range 1000 {
			jobs = append(jobs, scheduler.Job{Name: fmt.Sprint("job-", i), Trigger: trigger.Every(time.Hour), Run: func(context.Context, *scheduler.Run) error {
				if n := int64(runtime.NumGoroutine()); n > most.Load() {
					most.Store(n)
				}
				other.Add(1)
				return nil
			}})
		}
		start(t, scheduler.Config{Store: memory.New().Jobs(), MaxRuns: 64}, jobs...)
		time.Sleep(time.Hour + time.Minute)
		// Run, its guard and the loop.
		if n := most.Load(); n > int64(before)+3 || other.Load() != 1000 {
			t.Errorf("%d goroutines, %d before, %d runs", n, before, other.Load())
		}
	})
}
