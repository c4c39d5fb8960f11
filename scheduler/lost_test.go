package scheduler_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// TestATickWhoseHoldersDieIsTriedUpToItsBound lets one process after the other
// die in the middle of a run, or its run fail first.
func TestATickWhoseHoldersDieIsTriedUpToItsBound(t *testing.T) {
	for _, c := range []struct {
		name     string
		retry    scheduler.Retry
		fates    string // of the attempts: l their holder dies, f they fail
		attempts int
		reason   string
	}{
		{"three times unless the job says otherwise", scheduler.Retry{}, "llll", 3, "lost: "},
		{"as often as the job says", scheduler.Retry{Lost: 2}, "llll", 2, "lost: "},
		{"once where it must not be run again", scheduler.Retry{Lost: 1}, "llll", 1, "lost: "},
		{"failures do not count", scheduler.Retry{Lost: 2, Attempts: 2}, "flf", 3, "no such table"},
		{"nor do losses count as failures", scheduler.Retry{Attempts: 2}, "lff", 3, "no such table"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New().Jobs()
				for range 5 {
					way := &unplugged{Store: store}
					start(t, scheduler.Config{Store: way}, scheduler.Job{
						Name: "hot", Trigger: trigger.Every(time.Hour), Retry: c.retry,
						Run: func(ctx context.Context, r *scheduler.Run) error {
							if c.fates[r.Attempt-1] == 'f' {
								return errors.New("no such table")
							}
							way.dead.Store(true)
							<-ctx.Done()
							return context.Cause(ctx)
						},
					})
				}
				time.Sleep(time.Hour + 30*time.Minute)
				row := latest(t, store, "hot")
				if row.Outcome != scheduler.Failed || row.Attempt != c.attempts || !strings.HasPrefix(row.Reason, c.reason) {
					t.Errorf("%s after %d attempts: %s, want %d and %q", row.Outcome, row.Attempt, row.Reason, c.attempts, c.reason)
				}
				for i, a := range row.Earlier {
					if (a.Outcome == scheduler.Lost) != (c.fates[i] == 'l') || a.Fence >= row.Fence || a.Reason == "" {
						t.Errorf("attempt %d: %+v", i+1, a)
					}
				}
			})
		})
	}
}

func TestAnAttemptHandedBackDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		job := scheduler.Job{
			Name: "hot", Trigger: trigger.Every(time.Hour), Retry: scheduler.Retry{Attempts: 2},
			Run: func(ctx context.Context, r *scheduler.Run) error {
				if r.Attempt > 1 {
					return errors.New("no such table")
				}
				<-ctx.Done()
				return context.Cause(ctx)
			},
		}
		s := declare(t, store, job)
		ctx, stop := context.WithTimeout(t.Context(), time.Hour+time.Minute)
		defer stop()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		start(t, scheduler.Config{Store: store}, job)
		time.Sleep(time.Minute)
		if row := latest(t, store, "hot"); row.Outcome != scheduler.Failed || row.Attempt != 3 {
			t.Errorf("%s after %d attempts, want 3: one handed back and two that failed", row.Outcome, row.Attempt)
		}
	})
}

// A silent store does not tell what others have written.
type silent struct{ scheduler.Store }

func (silent) Changed() <-chan struct{} { return nil }

// TestCancelReachesTheHolder by what its scheduler looks for by itself: at once
// where it was asked itself, else when it next polls, not when it next renews
// its lease.
func TestCancelReachesTheHolder(t *testing.T) {
	for _, c := range []struct {
		name string
		here bool
		most time.Duration
	}{{"here", true, 0}, {"elsewhere", false, 2 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := silent{memory.New().Jobs()}
				var ended time.Time
				var cause error
				job := hourly(0)
				job.Run = func(ctx context.Context, _ *scheduler.Run) error {
					<-ctx.Done()
					ended, cause = time.Now(), context.Cause(ctx)
					return cause
				}
				cfg := scheduler.Config{Store: store, Poll: c.most, Lease: 10 * time.Minute}
				s := start(t, cfg, job)
				if !c.here {
					s = declare(t, store, hourly(0))
				}
				time.Sleep(time.Hour + time.Minute + 100*time.Millisecond)
				asked := time.Now()
				if err := s.Cancel(t.Context(), "hot"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(c.most)
				synctest.Wait()
				if !errors.Is(cause, scheduler.ErrCancelled) || ended.Sub(asked) > c.most {
					t.Errorf("after %v: %v", ended.Sub(asked), cause)
				}
				time.Sleep(time.Minute)
				if row := latest(t, store, "hot"); row.Outcome != scheduler.Cancelled || row.Reason != "the run was cancelled: cancelled on request" {
					t.Errorf("%s: %s", row.Outcome, row.Reason)
				}
			})
		})
	}
}

func TestACancelledTickIsNotRunAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		dies    bool // its holder, before it learns that the run is cancelled
		outcome scheduler.Outcome
		reason  string
	}{
		{"its holder dies", true, scheduler.Cancelled, "the run was cancelled: cancelled on request; "},
		{"it fails first", false, scheduler.Failed, "no such table"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New().Jobs()
				way := &unplugged{Store: silent{store}}
				var calls atomic.Int64
				job := hourly(0)
				job.Retry = scheduler.Retry{Attempts: 5}
				job.Run = func(ctx context.Context, _ *scheduler.Run) error {
					calls.Add(1)
					way.dead.Store(c.dies)
					if c.dies {
						<-ctx.Done()
						return context.Cause(ctx)
					}
					time.Sleep(50 * time.Second)
					return errors.New("no such table")
				}
				start(t, scheduler.Config{Store: way, Poll: 15 * time.Second, Lease: time.Minute}, job)
				time.Sleep(time.Hour + 49*time.Second) // the holder looks again after a minute
				other := start(t, scheduler.Config{Store: store, Poll: 15 * time.Second}, job)
				if err := other.Cancel(t.Context(), "hot"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Minute)
				row := latest(t, store, "hot")
				if row.Outcome != c.outcome || !strings.HasPrefix(row.Reason, c.reason) || calls.Load() != 1 {
					t.Errorf("%s after %d calls: %s", row.Outcome, calls.Load(), row.Reason)
				}
			})
		})
	}
}
