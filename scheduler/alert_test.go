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
)

func TestNoAlarmIsRaised(t *testing.T) {
	failing := func(context.Context, *scheduler.Run) error { return errors.New("no such table") }
	for _, c := range []struct {
		name  string
		alert scheduler.Alert
		run   func(context.Context, *scheduler.Run) error
		then  func(ctx context.Context, s *scheduler.Scheduler) error // 5 minutes after each hour
	}{
		{"where a success lies between", scheduler.Alert{Failures: 2}, func(ctx context.Context, r *scheduler.Run) error {
			if r.Due.Hour()%2 == 0 {
				return nil
			}
			return failing(ctx, r)
		}, nil},
		{"of ticks that were cancelled", scheduler.Alert{Failures: 2}, takes(30 * time.Minute), func(ctx context.Context, s *scheduler.Scheduler) error {
			return s.Cancel(ctx, "hot")
		}},
		{"of the silence of a job that is paused", scheduler.Alert{Silence: 2 * time.Hour}, failing, func(ctx context.Context, s *scheduler.Scheduler) error {
			return s.Pause(ctx, "hot")
		}},
		{"where nobody asked for one", scheduler.Alert{}, failing, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				job := hourly(0)
				job.Alert, job.Run = c.alert, c.run
				s := start(t, scheduler.Config{Store: memory.New().Jobs()}, job)
				var raised atomic.Int64
				s.Observe(func(e scheduler.Event) {
					if e.Kind == scheduler.Alerted {
						raised.Add(1)
						t.Logf("%s: %s", e.Job, e.Text)
					}
				})
				time.Sleep(5 * time.Minute)
				for range 8 {
					time.Sleep(time.Hour)
					if c.then != nil {
						if err := c.then(t.Context(), s); err != nil {
							t.Error(err)
						}
					}
				}
				if raised.Load() != 0 {
					t.Errorf("%d raised", raised.Load())
				}
			})
		})
	}
}

// A stuck store does not answer, not even that its context has ended.
type stuck struct {
	scheduler.Store
	until chan struct{}
	on    atomic.Bool
}

func (s *stuck) Due(ctx context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	if s.on.Load() {
		<-s.until
	}
	return s.Store.Due(ctx, limit, take)
}

func TestALoopThatStandsStillIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &stuck{Store: memory.New().Jobs(), until: make(chan struct{})}
		s := start(t, scheduler.Config{Store: store}, hourly(0))
		var told atomic.Int64
		s.Observe(func(e scheduler.Event) {
			if e.Kind == scheduler.LoopStalled {
				told.Add(1)
			}
		})
		time.Sleep(time.Minute)
		store.on.Store(true)
		time.Sleep(2 * time.Minute)
		if h := s.Health(); h.OK || len(h.Reasons) != 1 || told.Load() != 1 {
			t.Errorf("told %d times, health %+v", told.Load(), h)
		}
		store.on.Store(false)
		close(store.until)
		time.Sleep(time.Minute)
		if h := s.Health(); !h.OK {
			t.Errorf("afterwards: %+v", h)
		}
	})
}
