package scheduler_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// unplugged is a store that a dead process no longer reaches.
type unplugged struct {
	scheduler.Store
	dead atomic.Bool
}

func (u *unplugged) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	if u.dead.Load() {
		return nil, errors.New("unplugged")
	}
	return u.Store.Write(ctx, changes)
}

func TestExclusiveTakesOverFromADeadProcessAtOnce(t *testing.T) {
	for _, c := range []struct {
		exclusive     bool
		atLeast, most time.Duration
	}{{true, 0, 5 * time.Second}, {false, 30 * time.Second, time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			store := memory.New().Jobs()
			var begun atomic.Bool
			job := scheduler.Job{
				Name: "hot", Trigger: trigger.Never{},
				Run: func(ctx context.Context, run *scheduler.Run) error {
					if begun.Swap(true) {
						return nil
					}
					<-ctx.Done()
					return context.Cause(ctx)
				},
			}
			dying := &unplugged{Store: store}
			first := start(t, scheduler.Config{Store: dying}, job)
			if _, err := first.RunNow(t.Context(), "hot"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			dying.dead.Store(true)

			began := time.Now()
			second := start(t, scheduler.Config{Store: store, Exclusive: c.exclusive}, job)
			if err := second.Refresh(t.Context(), "hot"); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < c.atLeast || took > c.most {
				t.Errorf("exclusive %v: took over after %s", c.exclusive, took)
			}
		})
	}
}
