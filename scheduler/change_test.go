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

func TestRemoveCancelsWhatWaitsAndWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		job := with(hourly(5*time.Hour), func(j *scheduler.Job) { j.Overlap = scheduler.QueueOne })
		s := start(t, scheduler.Config{Store: store}, job)
		time.Sleep(2*time.Hour + time.Minute)
		if err := s.Remove(t.Context(), "hot"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		want := "01:00:00 cancelled\n02:00:00 cancelled\nthe run was cancelled: the job is removed\nthe job is removed\n"
		if got := ledger(t, store, "hot") + reasons(t, store, "hot"); got != want {
			t.Errorf("ledger:\n%swant:\n%s", got, want)
		}
		// It comes back as new: the ticks it was not there for are none.
		time.Sleep(3*time.Hour + 30*time.Minute)
		start(t, scheduler.Config{Store: store}, job)
		time.Sleep(time.Hour)
		if got, want := ledger(t, store, "hot"), "01:00:00 cancelled\n02:00:00 cancelled\n06:00:00 running\n"; got != want {
			t.Errorf("ledger:\n%swant:\n%s", got, want)
		}
	})
}

func TestReplaceAsksForNoRunAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		job := with(hourly(0), func(j *scheduler.Job) { j.AtStart = true })
		s := start(t, scheduler.Config{Store: store}, job)
		time.Sleep(10 * time.Minute)
		if err := s.Replace(t.Context(), with(job, func(j *scheduler.Job) { j.Trigger = trigger.Every(30 * time.Minute) })); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		if got, want := ledger(t, store, "hot"), "00:00:00 succeeded\n00:30:00 succeeded\n"; got != want {
			t.Errorf("ledger:\n%swant:\n%s", got, want)
		}
	})
}

func TestTheLastProgressAndAReasonFitForEveryStoreStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		job := hourly(0)
		job.Run = func(_ context.Context, r *scheduler.Run) error {
			r.Progress(9, 10, "the last\x00 day\xff")
			return errors.New("no such\x00 table\xff")
		}
		start(t, scheduler.Config{Store: store}, job)
		time.Sleep(time.Hour + time.Minute)
		row := latest(t, store, "hot")
		if want := (scheduler.Progress{Done: 9, Total: 10, Line: "the last day�"}); row.Progress != want || row.Reason != "no such table�" {
			t.Errorf("%+v, reason %q", row.Progress, row.Reason)
		}
	})
}
