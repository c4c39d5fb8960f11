package scheduler_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

func TestAKnownJobCanBeChangedAndKeepsItsFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := scheduler.New(scheduler.Config{Store: memory.New().Jobs()})
		if err != nil {
			t.Fatal(err)
		}
		ran := 0
		job := scheduler.Job{
			Name: "a", Trigger: trigger.Every(time.Hour), Timeout: time.Minute, Overlap: scheduler.QueueOne,
			Run: func(_ context.Context, r *scheduler.Run) error {
				r.Progress(1, 2, "half")
				ran++
				time.Sleep(time.Second)
				return nil
			},
		}
		if err := s.Add(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		known, ok := s.Job("a")
		if !ok || known.Timeout != time.Minute || known.Overlap != scheduler.QueueOne || known.Trigger != trigger.Trigger(trigger.Every(time.Hour)) {
			t.Fatalf("%+v, %v", known, ok)
		}
		known.Trigger = trigger.Every(time.Minute)
		if err := s.Replace(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		now := time.Now()
		time.Sleep(now.Truncate(time.Minute).Add(time.Minute + 500*time.Millisecond).Sub(now))
		st, err := s.Status(t.Context(), "a")
		if err != nil || len(st.Running) != 1 || st.Running[0].Progress.Line != "half" || st.Definition.Trigger != "every 1m" || st.Declared.Trigger != "every 1h" {
			t.Errorf("%+v, %v", st, err)
		}
		if _, err := s.Status(t.Context(), "b"); !errors.Is(err, scheduler.ErrUnknown) {
			t.Error(err)
		}
		if _, ok := s.Job("b"); ok {
			t.Error("a job that was never added is known")
		}
		stop()
		<-done
		if ran != 1 {
			t.Errorf("ran %d times", ran)
		}
	})
}
