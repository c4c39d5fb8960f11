package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// start runs a scheduler until the test ends.
func start(t *testing.T, cfg scheduler.Config, jobs ...scheduler.Job) *scheduler.Scheduler {
	t.Helper()
	s, err := scheduler.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(t.Context(), jobs...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// ledger writes a job's rows, earliest first, one a line.
func ledger(t *testing.T, store scheduler.Store, job string) string {
	t.Helper()
	rows, err := store.Ticks(t.Context(), scheduler.Query{Job: job, Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := len(rows) - 1; i >= 0; i-- {
		r := rows[i]
		fmt.Fprintf(&b, "%s %s", r.Due.Format("15:04:05"), r.Outcome)
		if r.Count > 1 {
			fmt.Fprintf(&b, " ×%d to %s", r.Count, r.Until.Format("15:04:05"))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestEveryHourOnceHoweverManySchedulers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		var runs atomic.Int64
		for range 5 {
			start(t, scheduler.Config{Store: store}, scheduler.Job{
				Name: "hot", Trigger: trigger.Every(time.Hour),
				Run: func(ctx context.Context, run *scheduler.Run) error {
					runs.Add(1)
					return nil
				},
			})
		}
		time.Sleep(24*time.Hour + time.Minute)
		if runs.Load() != 24 {
			t.Errorf("%d runs in 24 hours", runs.Load())
		}
		if got := ledger(t, store, "hot"); strings.Count(got, "succeeded") != 24 {
			t.Errorf("ledger:\n%s", got)
		}
	})
}

func TestRefreshWaitsForARunBegunAfterTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		var runs atomic.Int64
		s := start(t, scheduler.Config{Store: store}, scheduler.Job{
			Name: "hot", Trigger: trigger.Never{},
			Run: func(ctx context.Context, run *scheduler.Run) error {
				n := runs.Add(1)
				time.Sleep(time.Minute)
				if n == 2 {
					return errors.New("no such table")
				}
				return nil
			},
		})
		if _, err := s.RunNow(t.Context(), "hot"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		errs := make(chan error)
		for range 3 {
			go func() { errs <- s.Refresh(t.Context(), "hot") }()
		}
		for range 3 {
			if err := <-errs; err == nil || !strings.Contains(err.Error(), "no such table") {
				t.Errorf("refresh answered %v", err)
			}
		}
		if runs.Load() != 2 {
			t.Errorf("%d runs, want the one under way and one shared by all who refreshed", runs.Load())
		}
	})
}
