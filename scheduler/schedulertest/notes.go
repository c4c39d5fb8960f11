package schedulertest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// notes is what a simulation has seen, outside the store.
type notes struct {
	mu    sync.Mutex
	calls map[attempt]*called
	ends  map[scheduler.Key][]end
	wrong []string
}

// An attempt is a tick and the fence of one of its runs.
type attempt struct {
	key   scheduler.Key
	fence int64
}

// called is what one call of a job's function did.
type called struct {
	start, end time.Time
	returned   bool
	err        error
}

// An end is an outcome that the store accepted.
type end struct {
	outcome scheduler.Outcome
	fence   int64
}

func newNotes() *notes {
	return &notes{calls: map[attempt]*called{}, ends: map[scheduler.Key][]end{}}
}

func (n *notes) complain(format string, args ...any) {
	n.wrong = append(n.wrong, fmt.Sprintf(format, args...))
}

// accepted notes which ticks ended by changes that stood.
func (n *notes) accepted(changes []scheduler.Change, stood []error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, c := range changes {
		if stood[i] != nil {
			continue
		}
		for _, t := range c.Ticks {
			if !t.Outcome.Open() {
				n.ends[t.Key()] = append(n.ends[t.Key()], end{t.Outcome, t.Fence})
			}
		}
	}
}

// begin notes that a function is called.
func (n *notes) begin(r *scheduler.Run) *called {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := attempt{scheduler.Key{Job: r.Job, Due: r.Due}, r.Fence}
	if n.calls[a] != nil {
		n.complain("%s was run twice under fence %d", a.key, a.fence)
	}
	c := &called{start: time.Now()}
	n.calls[a] = c
	return c
}

func (n *notes) end(c *called, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c.end, c.returned, c.err = time.Now(), true, err
}

// check joins what was seen with the ledger. Ticks due after calm may still be
// open.
func (n *notes) check(rows []*scheduler.Tick, states []*scheduler.State, triggers map[string]trigger.Trigger, first map[string]time.Time, calm time.Time) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ledger := map[scheduler.Key]*scheduler.Tick{}
	byJob := map[string][]*scheduler.Tick{}
	for _, t := range rows {
		ledger[t.Key()] = t
		byJob[t.Job] = append(byJob[t.Job], t)
		if !t.Outcome.Open() || !t.Due.After(calm) {
			n.checkRow(t)
		}
	}
	for k, ends := range n.ends {
		if len(ends) > 1 {
			n.complain("%s ended %d times: %v", k, len(ends), ends)
		}
		t := ledger[k]
		if k.Due.After(calm) && (t == nil || t.Outcome.Open()) {
			continue // it ended after the ledger was read
		}
		if t == nil || t.Outcome != ends[0].outcome || t.Fence != ends[0].fence {
			n.complain("%s ended as %v, the ledger says %+v", k, ends[0], t)
		}
	}
	for _, st := range states {
		slices.SortFunc(byJob[st.Name], func(a, b *scheduler.Tick) int { return a.Due.Compare(b.Due) })
		n.checkCover(st, byJob[st.Name], triggers[st.Name], first[st.Name])
	}
	return n.wrong
}

// checkRow compares a row with the calls of its tick.
func (n *notes) checkRow(t *scheduler.Tick) {
	k := t.Key()
	if t.Outcome.Open() {
		n.complain("%s is still %s", k, t.Outcome)
	}
	if t.Outcome == scheduler.Succeeded {
		c := n.calls[attempt{k, t.Fence}]
		if c == nil || !c.returned || c.err != nil {
			n.complain("%s succeeded under fence %d, its run says %+v", k, t.Fence, c)
		}
	}
	for a := range n.calls {
		if a.key == k && a.fence > t.Fence {
			n.complain("%s was run under fence %d, the ledger ended with %d", k, a.fence, t.Fence)
		}
	}
	if t.Outcome != scheduler.Succeeded && t.Reason == "" {
		n.complain("%s is %s without a reason", k, t.Outcome)
	}
}

// checkCover checks that each due instant of a job's trigger is accounted for,
// once. Triggers that need facts have no instants to compare with.
func (n *notes) checkCover(st *scheduler.State, rows []*scheduler.Tick, t trigger.Trigger, due time.Time) {
	if t == nil || trigger.NeedsFacts(t) {
		return
	}
	next := func() time.Time { return t.Next(due) }
	for _, row := range rows {
		if row.Asked {
			continue
		}
		last := row.Due
		if row.Count > 1 {
			last = row.Until
		}
		if !row.Due.Equal(due) {
			n.complain("%s: the tick of %s comes next, the ledger has %s", st.Name, due, row.Due)
			return
		}
		for count := 0; !due.IsZero() && !due.After(last); due = next() {
			if count++; count > row.Count {
				n.complain("%s: a row for %d ticks stands for more", row.Key(), row.Count)
			}
		}
	}
	if !due.Equal(st.Due) {
		n.complain("%s: after the ledger comes %s, the job says %s", st.Name, due, st.Due)
	}
}
