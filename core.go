package beforehand

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// core is a report without its type: which snapshot is in service and what
// readers are told of it.
type core struct {
	site       *Site
	name       string
	params     string // of one of a family; empty for a report of its own
	policy     Policy
	definition string
	// decode makes the value of a snapshot; what it returns puts the value
	// into service and cannot fail.
	decode func(s *snapshot.Snapshot) (put func(), err error)
	// formats names those this process adds to every result.
	formats func() []string

	adding  sync.Mutex // held while the scheduler is given the job
	added   bool
	refused error // by New

	served atomic.Pointer[snapshot.Served]

	mu      sync.Mutex // orders swaps; no reader takes it
	newest  int64      // version in service
	damaged bool       // the state's newest version cannot be read
	own     bool       // what is served is of our definition
	told    told
	held    int64 // newest version held for approval
	heldFor string
	changed chan struct{} // closed at the next swap
}

// told is what the ledger says of the report.
type told struct {
	state    snapshot.State
	failures int
	err      string // why the last run did not succeed
	record   scheduler.Record
}

func (c *core) key() snapshot.Key { return snapshot.Key{Report: c.name, Params: c.params} }

// load puts the store's snapshot into service if it is newer and ours, or if
// we have none of our own definition. Where its bytes are damaged it takes the
// last version that is whole.
func (c *core) load(ctx context.Context) error {
	s, err := c.site.state.Snapshots().Get(ctx, c.key(), 0)
	c.mu.Lock()
	c.damaged = errors.Is(err, snapshot.ErrCorrupt)
	damaged := c.damaged
	c.mu.Unlock()
	if damaged {
		c.site.log.Error("snapshot is damaged; an older one is served and it is computed again", "report", c.name, "error", err)
		s, err = c.whole(ctx)
	}
	if errors.Is(err, snapshot.ErrNone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load report %s: %w", c.name, err)
	}
	c.swap(s)
	return nil
}

// whole returns the newest version whose bytes are as they were.
func (c *core) whole(ctx context.Context) (snapshot.Snapshot, error) {
	store := c.site.state.Snapshots()
	list, err := store.Versions(ctx, c.key())
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	for _, head := range list {
		if head.Held != "" {
			continue
		}
		s, err := store.Get(ctx, c.key(), head.Version)
		if err == nil || !errors.Is(err, snapshot.ErrCorrupt) {
			return s, err
		}
	}
	return snapshot.Snapshot{}, snapshot.ErrNone
}

// swap puts a snapshot into service unless there is reason not to.
func (c *core) swap(s snapshot.Snapshot) {
	own := s.Definition == c.definition
	c.mu.Lock()
	unwanted := c.unwanted(s.Version, own)
	c.mu.Unlock()
	if unwanted {
		return
	}
	put, err := c.decode(&s) // takes its time, so not under the lock
	if err != nil && own {
		c.site.log.Error("snapshot served without its value", "report", c.name, "version", s.Version, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unwanted(s.Version, own) {
		return
	}
	if err == nil {
		put()
	}
	c.newest, c.own = s.Version, own
	c.serve(s)
	close(c.changed)
	c.changed = make(chan struct{})
}

// succeed takes over what is in service of the same report of another site, and
// what was told of it.
func (c *core) succeed(before *core) {
	before.mu.Lock()
	s, told, held, heldFor := before.served.Load().Snapshot(), before.told, before.held, before.heldFor
	before.mu.Unlock()
	if s.Version > 0 {
		c.swap(s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = told
	if held > c.held {
		c.held, c.heldFor = held, heldFor
	}
	c.serve(c.served.Load().Snapshot())
}

// has tells whether a version, or a later one, is in service.
func (c *core) has(version int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return version <= c.newest
}

// unwanted tells whether a version is not to be swapped in: it is older, or of
// another definition while there is one of ours.
func (c *core) unwanted(version int64, own bool) bool {
	return version <= c.newest || c.own && !own
}

// tell takes over what the ledger says, and makes the headers anew if that
// changes them.
func (c *core) tell(ctx context.Context, job *scheduler.State, running time.Time) error {
	t := told{state: snapshot.State{NextAt: job.Due, RunningSince: running}}
	if job.Paused {
		t.state.NextAt = time.Time{}
	}
	var err error
	if r := job.Record; r != nil {
		t.failures, t.record = r.Failures, *r
		t.state.Usual = usual(r.Took)
		if r.Failures > 0 {
			t.state.Stale = "the last run " + happened(r.Outcome)
			t.err, err = c.lastReason(ctx, r)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.told
	c.told = t
	if t.state != old.state {
		c.serve(c.served.Load().Snapshot())
	}
	return err
}

// serve makes a snapshot's headers and swaps it in. The caller holds mu.
func (c *core) serve(s snapshot.Snapshot) {
	c.served.Store(snapshot.Prepare(s, c.stateOf(c.told, c.held, s.Version), c.policy.Rules))
}

// follow takes over the state of the family's job; staleness is each one's own.
func (c *core) follow(state snapshot.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state.Stale = c.told.state.Stale
	if state != c.told.state {
		c.told.state = state
		c.serve(c.served.Load().Snapshot())
	}
}

// failed notes how the last computation of one of a family ended.
func (c *core) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.told
	t.failures, t.err, t.state.Stale = t.failures+1, "", "the last computation failed"
	if err == nil {
		t.failures, t.state.Stale = 0, ""
	} else {
		t.err = err.Error()
	}
	c.serve(c.served.Load().Snapshot())
}

// stateOf is what readers are told beside a version.
func (c *core) stateOf(t told, held, version int64) snapshot.State {
	if t.state.Stale == "" && held > version {
		t.state.Stale = "a newer result is held for approval"
	}
	return t.state
}

// hold takes note of a version that waits for approval.
func (c *core) hold(head snapshot.Snapshot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if head.Version > c.held {
		c.held, c.heldFor = head.Version, head.Held
		c.serve(c.served.Load().Snapshot())
	}
}

// lastReason returns why the newest tick did not succeed, asking the ledger
// only once for each.
func (c *core) lastReason(ctx context.Context, r *scheduler.Record) (string, error) {
	c.mu.Lock()
	old := c.told
	c.mu.Unlock()
	if old.err != "" && old.record.Due.Equal(r.Due) && old.failures == r.Failures {
		return old.err, nil
	}
	list, err := c.site.state.Jobs().Ticks(ctx, scheduler.Query{Keys: []scheduler.Key{{Job: c.name, Due: r.Due}}})
	if err != nil || len(list) == 0 {
		return string(r.Outcome), err
	}
	return list[0].Reason, nil
}

// happened puts an outcome into a sentence for every reader; the error itself
// is for the owner.
func happened(o scheduler.Outcome) string {
	switch o {
	case scheduler.Succeeded, scheduler.Failed, scheduler.Lost:
		return "failed"
	}
	return "was " + string(o)
}

// usual is the median of the last durations.
func usual(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Clone(took)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// wanting tells whether the snapshot in service must be computed anew at start.
func (c *core) wanting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.served.Load().Snapshot()
	if s.Version == 0 || !c.own || c.damaged {
		return true
	}
	return slices.ContainsFunc(c.formats(), func(format string) bool {
		_, ok := s.File(format, "")
		return !ok
	})
}

// wait returns a channel that is closed at the next swap.
func (c *core) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// refuse answers with a sentence that no cache keeps.
func (c *core) refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	c.allowOrigin(h, r)
	h.Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}
