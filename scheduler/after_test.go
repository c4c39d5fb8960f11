package scheduler_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

func TestAJobFollowsTheSlowestOfThoseItRunsAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		s := start(t, scheduler.Config{Store: store},
			scheduler.Job{Name: "often", Trigger: trigger.Every(time.Hour), Run: takes(0)},
			scheduler.Job{Name: "rare", Trigger: trigger.Every(2 * time.Hour), Run: takes(0)},
			scheduler.Job{Name: "joined", After: []string{"often", "rare"}, Run: takes(0)})
		time.Sleep(5*time.Hour + time.Minute)
		if got, want := ledger(t, store, "joined"), "02:00:00 succeeded\n04:00:00 succeeded\n"; got != want {
			t.Errorf("ledger:\n%swant:\n%s", got, want)
		}
		// What had ended before a job was declared is not followed.
		if err := s.Add(t.Context(), scheduler.Job{Name: "late", After: []string{"often"}, Run: takes(0)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if got, want := ledger(t, store, "late"), "06:00:00 succeeded\n"; got != want {
			t.Errorf("ledger of one declared later:\n%swant:\n%s", got, want)
		}
		if err := s.Pause(t.Context(), "late"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if got, want := ledger(t, store, "late")+reasons(t, store, "late"), "06:00:00 succeeded\n07:00:00 skipped\nthe job is paused\n"; got != want {
			t.Errorf("ledger of one that is paused:\n%swant:\n%s", got, want)
		}
	})
}
