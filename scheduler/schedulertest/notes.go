package schedulertest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// notes is what a simulation has seen, outside the store.
type notes struct {
	mu     sync.Mutex
	calls  map[attempt]*called
	writes map[scheduler.Key]map[int64]wrote // by version of the row
	wrong  []string
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

// wrote is what the store accepted of a row.
type wrote struct {
	outcome scheduler.Outcome
	fence   int64
}

func newNotes() *notes {
	return &notes{calls: map[attempt]*called{}, writes: map[scheduler.Key]map[int64]wrote{}}
}

func (n *notes) complain(format string, args ...any) {
	n.wrong = append(n.wrong, fmt.Sprintf(format, args...))
}

// accepted notes the rows of changes that stood.
func (n *notes) accepted(changes []scheduler.Change, stood []error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, c := range changes {
		if stood[i] != nil {
			continue
		}
		for _, t := range c.Ticks {
			n.write(t.Key(), t.Version, wrote{t.Outcome, t.Fence})
		}
	}
}

func (n *notes) write(k scheduler.Key, version int64, w wrote) {
	if n.writes[k] == nil {
		n.writes[k] = map[int64]wrote{}
	}
	if other, ok := n.writes[k][version]; ok {
		n.complain("%s: version %d was accepted twice, as %v and as %v", k, version, other, w)
	}
	n.writes[k][version] = w
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
	for k, writes := range n.writes {
		t := ledger[k]
		if k.Due.After(calm) && (t == nil || t.Outcome.Open()) {
			continue // it went on after the ledger was read
		}
		n.checkWrites(k, writes, t)
	}
	for a := range n.calls {
		if t := ledger[a.key]; !a.key.Due.After(calm) && (t == nil || !tried(t, a.fence)) {
			n.complain("%s was run under fence %d, of which the ledger knows nothing: %+v", a.key, a.fence, t)
		}
	}
	for _, st := range states {
		slices.SortFunc(byJob[st.Name], func(a, b *scheduler.Tick) int { return a.Due.Compare(b.Due) })
		n.checkCover(st, byJob[st.Name], triggers[st.Name], first[st.Name])
	}
	return n.wrong
}

// checkWrites checks that a row ended once, by the holder of the newest fence,
// and that nothing was accepted of an older one.
func (n *notes) checkWrites(k scheduler.Key, writes map[int64]wrote, t *scheduler.Tick) {
	var fence int64
	ends := 0
	for _, v := range slices.Sorted(maps.Keys(writes)) {
		w := writes[v]
		if w.fence < fence {
			n.complain("%s: a write of fence %d was accepted after one of fence %d", k, w.fence, fence)
		}
		fence = w.fence
		if w.outcome.Open() {
			continue
		}
		if ends++; ends > 1 {
			n.complain("%s ended %d times", k, ends)
		}
		if t == nil || t.Outcome != w.outcome || t.Fence != w.fence {
			n.complain("%s ended as %v, the ledger says %+v", k, w, t)
		}
	}
}

// tried tells whether one of a tick's attempts had a fence.
func tried(t *scheduler.Tick, fence int64) bool {
	return t.Fence == fence || slices.ContainsFunc(t.Earlier, func(a scheduler.Attempt) bool { return a.Fence == fence })
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
