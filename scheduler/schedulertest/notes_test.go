package schedulertest

import (
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// A history of one tick that was lost once and then succeeded, and of one that
// was skipped. The cases spoil it.
type history struct {
	*notes
	rows []*scheduler.Tick
	job  *scheduler.State
}

func newHistory() *history {
	due := epoch.Truncate(time.Hour)
	h := &history{
		notes: newNotes(),
		rows: []*scheduler.Tick{
			{
				Job: "hot", Due: due, Outcome: scheduler.Succeeded, Count: 1, Attempt: 2, Fence: 2, Version: 4,
				Earlier: []scheduler.Attempt{{Outcome: scheduler.Lost, Reason: "gone", Fence: 1}},
			},
			{Job: "hot", Due: due.Add(time.Hour), Outcome: scheduler.Skipped, Reason: "the job is paused", Count: 1, Version: 1},
		},
		job: &scheduler.State{Name: "hot", Due: due.Add(2 * time.Hour)},
	}
	h.call(1)
	h.end(h.call(2), nil)
	h.wrote(1, scheduler.Running, 1)
	h.wrote(2, scheduler.Waiting, 1)
	h.wrote(3, scheduler.Running, 2)
	h.wrote(4, scheduler.Succeeded, 2)
	return h
}

func (h *history) call(fence int64) *called {
	return h.begin(&scheduler.Run{Job: "hot", Due: h.rows[0].Due, Fence: fence})
}

func (h *history) wrote(version int64, o scheduler.Outcome, fence int64) {
	h.accepted([]scheduler.Change{{Ticks: []*scheduler.Tick{
		{Job: "hot", Due: h.rows[0].Due, Outcome: o, Fence: fence, Version: version},
	}}}, []error{nil})
}

func TestTheCheckerFindsWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		spoil func(*history)
		want  string // empty: nothing
	}{
		{func(*history) {}, ""},
		{func(h *history) { h.call(2) }, "was run twice under fence 2"},
		{func(h *history) { h.call(3) }, "was run under fence 3, of which the ledger knows nothing"},
		{func(h *history) { h.calls[attempt{h.rows[0].Key(), 2}].returned = false }, "succeeded under fence 2, its run says"},
		{func(h *history) { h.end(h.calls[attempt{h.rows[0].Key(), 2}], errFault) }, "succeeded under fence 2, its run says"},
		{func(h *history) { h.wrote(4, scheduler.Succeeded, 2) }, "version 4 was accepted twice"},
		{func(h *history) { h.wrote(5, scheduler.Succeeded, 2) }, "ended 2 times"},
		{func(h *history) { h.wrote(5, scheduler.Running, 1) }, "a write of fence 1 was accepted after one of fence 2"},
		{func(h *history) { h.rows[0].Outcome, h.rows[0].Reason = scheduler.Failed, "no" }, "the ledger says"},
		{func(h *history) { h.rows[0].Fence = 3 }, "the ledger says"},
		{func(h *history) { h.rows[1].Outcome = scheduler.Waiting }, "is still waiting"},
		{func(h *history) { h.rows[1].Reason = "" }, "is skipped without a reason"},
		{func(h *history) { h.rows = h.rows[:1] }, "after the ledger comes"},
		{func(h *history) { h.rows[1].Due = h.rows[1].Due.Add(time.Minute) }, "comes next, the ledger has"},
		{func(h *history) { h.rows[1].Count, h.rows[1].Until = 2, h.rows[1].Due.Add(3*time.Hour) }, "a row for 2 ticks stands for more"},
		{func(h *history) { h.job.Due = h.job.Due.Add(time.Hour) }, "after the ledger comes"},
		{func(h *history) { h.rows = h.rows[1:] }, "comes next, the ledger has"},
	} {
		h := newHistory()
		first := h.rows[0].Due
		c.spoil(h)
		wrong := h.check(h.rows, []*scheduler.State{h.job}, map[string]trigger.Trigger{"hot": trigger.Every(time.Hour)},
			map[string]time.Time{"hot": first}, first.Add(24*time.Hour))
		if text := strings.Join(wrong, "\n"); (text == "") != (c.want == "") || !strings.Contains(text, c.want) {
			t.Errorf("found %q, want %q", text, c.want)
		}
	}
}
