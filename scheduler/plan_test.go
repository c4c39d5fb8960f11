package scheduler

import (
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// A clock that was set back can leave a job due before its last tick.
func TestALastTickNeverMovesBack(t *testing.T) {
	last := time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC)
	for _, tr := range []trigger.Trigger{trigger.Every(time.Hour), trigger.EveryAfter(time.Hour)} {
		st := &State{Name: "hot", Definition: &Definition{}, Due: last.Add(-2 * time.Hour), Last: last}
		p := new(Scheduler).newPlan(st, tr, last.Add(-time.Minute))
		p.advance()
		if len(p.ticks) != 0 || !p.job.Last.Equal(last) || !p.job.Due.After(p.now) {
			t.Errorf("%v: %d ticks, last %v, due %v", tr, len(p.ticks), p.job.Last, p.job.Due)
		}
	}
}

// Nobody has to look at a paused job for its trigger, but may for what waits.
func TestAPausedJobPassesNoTick(t *testing.T) {
	now := time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC)
	st := &State{Name: "hot", Definition: &Definition{}, Due: now.Add(-time.Hour), Paused: true}
	p := new(Scheduler).newPlan(st, trigger.Every(time.Hour), now)
	p.advance()
	if len(p.ticks) != 0 || !p.job.Due.Equal(st.Due) {
		t.Errorf("%d ticks, due %v", len(p.ticks), p.job.Due)
	}
}
