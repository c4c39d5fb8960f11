package scheduler

import (
	"slices"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// advanced is a plan that accounts for what is due.
func advanced(st *State, t trigger.Trigger, now time.Time) *plan {
	p := new(Scheduler).newPlan(st, t, now)
	p.advance()
	return p
}

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

// A job that catches up with three ticks does not let more wait, however often
// it falls behind.
func TestCatchingUpIsBoundedAlsoBehindWhatWaits(t *testing.T) {
	now := time.Date(2026, 3, 1, 5, 30, 0, 0, time.UTC)
	st := &State{Name: "hot", Definition: &Definition{Misfire: RunAll(3)}, Due: now.Add(-150 * time.Minute), Last: now.Add(-210 * time.Minute)}
	for i := range 2 {
		st.Open = append(st.Open, OpenTick{Due: st.Last.Add(time.Duration(i-1) * time.Hour), Ready: now})
	}
	p := advanced(st, trigger.Every(time.Hour), now)
	var got []Outcome
	for _, row := range p.ticks {
		got = append(got, row.Outcome)
	}
	if want := []Outcome{Waiting, Missed, Missed}; !slices.Equal(got, want) || len(p.job.Open) != 3 {
		t.Errorf("%v with %d open, want %v", got, len(p.job.Open), want)
	}
	if why := p.ticks[2].Reason; why != "3 ticks are waiting to be caught up with already" {
		t.Error(why)
	}
}
