package scheduler

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A batch is what one step wants written: runs that ended, leases renewed and
// ticks claimed, in one call of the store.
type batch struct {
	*loop
	now    time.Time         // the store's clock
	sent   time.Time         // this process's, when the step began
	ended  []*Run            // not yet written
	later  []*Run            // of these, those whose job has another change already
	states map[string]*State // jobs with a change, at most one each
	items  []item
	again  bool // something is left that another step can do at once
}

// An item is one change of a batch and what it was for.
type item struct {
	plan    *plan // nil for a renewal
	ending  *Run  // the run that has ended
	renewal *Run  // the run whose lease is renewed
	tick    *Tick // its row as written
	effects []any
	event   *Event // to be told once it stands
}

// collect takes the runs that have ended, and those that waited in vain for
// room and are left to others.
func (b *batch) collect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended, b.loop.ended = b.loop.ended, nil
	old := time.Now().Add(-time.Second)
	for len(b.queue) > 0 && b.queue[0].queued.Before(old) {
		r := b.queue[0]
		b.queue = b.queue[1:]
		r.result = result{unbegun: true}
		b.ended = append(b.ended, r)
		b.pace = time.Second // or the next step would claim them again
	}
}

// giveBack keeps what could not be written for the next step.
func (b *batch) giveBack() {
	if len(b.ended) == 0 {
		return
	}
	b.mu.Lock()
	b.loop.ended = append(b.ended, b.loop.ended...)
	b.mu.Unlock()
}

// state is the newest state of a job that is known here.
func (b *batch) state(name string, e *entry) *State {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.jobs[name]; now != nil {
		return now.state
	}
	return e.state // removed meanwhile
}

// plans works out what becomes of the jobs that are due.
func (b *batch) plans(ctx context.Context, due []*State) error {
	for _, r := range b.ended {
		if b.states[r.Job] == nil {
			b.finish(r)
		} else {
			b.later, b.again = append(b.later, r), true
		}
	}
	if !b.sent.Before(b.renewAt) {
		b.renew()
	}
	rows, err := b.wanted(ctx, due)
	if err != nil {
		return err
	}
	slots := b.room()
	for _, st := range due {
		if b.states[st.Name] != nil {
			b.again = true // after its end has been written
			continue
		}
		if slots <= 0 {
			break
		}
		b.learn(st)
		p := b.plan(st, b.now)
		p.rows = rows
		p.advance()
		p.begin(slots)
		if len(p.ticks) > 0 || !p.job.Due.Equal(st.Due) || !wake(p.job).Equal(st.Wake) {
			slots -= len(p.start)
			b.add(item{plan: p})
		}
	}
	return nil
}

// wanted reads the open ticks that the plans will touch.
func (b *batch) wanted(ctx context.Context, due []*State) (map[Key]*Tick, error) {
	var keys []Key
	for _, st := range due {
		keys = append(keys, wants(st, b.now)...)
	}
	return b.rows(ctx, keys)
}

func (b *batch) add(it item) {
	if it.plan != nil {
		b.states[it.plan.job.Name] = it.plan.job
	}
	b.items = append(b.items, it)
}

// finish plans the end of a run.
func (b *batch) finish(r *Run) {
	p := newPlan(b.state(r.Job, r.entry), r.entry.trigger, b.now)
	t := *r.tick
	t.Version++
	r.mu.Lock()
	t.Progress = r.progress
	it := item{plan: p, ending: r, tick: &t}
	if r.result.outcome == Succeeded {
		it.effects = r.effects
	}
	r.mu.Unlock()
	p.finish(&t, r.result)
	b.add(it)
}

// renew plans the renewal of every lease held, and tells the progress along
// with it.
func (b *batch) renew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.runs {
		if r.result != (result{}) {
			continue // its end is written instead
		}
		t := *r.tick
		t.Version++
		t.Progress = r.told()
		b.items = append(b.items, item{renewal: r, tick: &t})
	}
	b.renewAt = b.sent.Add(b.cfg.Lease / 3)
}

// write writes the batch and settles what became of each item.
func (b *batch) write(ctx context.Context) error {
	if len(b.items) == 0 {
		return nil
	}
	changes := make([]Change, len(b.items))
	for i, it := range b.items {
		if it.plan != nil {
			changes[i] = it.plan.change(it.effects...)
		} else {
			changes[i] = Change{Ticks: []*Tick{it.tick}}
		}
	}
	stood, err := b.store.Write(ctx, changes)
	if err != nil {
		if len(b.items) > 0 {
			b.renewAt = time.Time{}
		}
		return err
	}
	var stale []*Run
	b.ended = b.later
	for i, it := range b.items {
		switch {
		case stood[i] == nil:
			b.stands(it)
		case it.ending != nil && !errors.Is(stood[i], ErrStale):
			it.ending.result = result{outcome: Failed, reason: stood[i].Error(), permanent: true, started: it.ending.result.started}
			b.ended, b.again = append(b.ended, it.ending), true
		case it.ending != nil:
			b.ended, b.again = append(b.ended, it.ending), true
			stale = append(stale, it.ending)
		case it.renewal != nil:
			stale = append(stale, it.renewal)
		default:
			b.again = true
		}
	}
	b.broadcast()
	return b.recheck(ctx, stale)
}

// stands takes note of an item that the store accepted.
func (b *batch) stands(it item) {
	if it.renewal != nil {
		b.mu.Lock()
		it.renewal.tick, it.renewal.held = it.tick, b.sent
		b.mu.Unlock()
		return
	}
	b.comeBack(it.plan.job.Wake)
	if r := it.ending; r != nil {
		b.learn(it.plan.job)
		b.release(r)
		b.endings++
		b.emitRun(r, it.tick)
		return
	}
	if it.event != nil {
		b.emit(*it.event)
	}
	b.accepted(it.plan)
	b.endings += len(it.plan.ticks)
	for _, t := range it.plan.start {
		b.begin(it.plan, t)
	}
}

// comeBack notes when a job that was written wants to be looked at again.
func (b *batch) comeBack(wake time.Time) {
	if !wake.IsZero() && !wake.After(b.now) {
		b.again = true
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.earlier(wake)
}

// begin runs a tick this scheduler has claimed.
func (b *batch) begin(p *plan, t *Tick) {
	b.mu.Lock()
	e := b.jobs[t.Job]
	b.mu.Unlock()
	if e == nil {
		e = &entry{state: p.job, trigger: p.trigger}
		e.run = func(context.Context, *Run) error { return errors.New("the job was removed") }
	}
	b.emit(Event{Kind: Started, Tick: *t})
	b.hold(newRun(b.base, e, t, p.def.Timeout, b.sent))
}

// release lets go of a run whose tick is no longer held.
func (b *batch) release(r *Run) {
	b.mu.Lock()
	delete(b.runs, Key{r.Job, r.Due})
	if b.news = true; len(b.followers) > 0 {
		b.again = true
	}
	b.mu.Unlock()
}

// recheck reads what became of runs whose tick or job somebody else has
// written: they go on with what is new, are told to stop, or are lost.
func (b *batch) recheck(ctx context.Context, runs []*Run) error {
	if len(runs) == 0 {
		return nil
	}
	var keys []Key
	var names []string
	for _, r := range runs {
		keys = append(keys, Key{r.Job, r.Due})
		names = append(names, r.Job)
	}
	rows, err := b.rows(ctx, keys)
	if err != nil {
		return err
	}
	slices.Sort(names)
	states, err := b.store.Jobs(ctx, slices.Compact(names)...)
	if err != nil {
		return err
	}
	for _, st := range states {
		b.learn(st)
	}
	b.renewAt = time.Time{}
	for _, r := range runs {
		for _, st := range states {
			if st.Name == r.Job {
				b.relearn(r, st)
			}
		}
		b.settle(r, rows[Key{r.Job, r.Due}])
	}
	return nil
}

// relearn gives a run of a job that was removed here its new state.
func (b *batch) relearn(r *Run, st *State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobs[r.Job] != r.entry {
		r.entry.state = st
	}
}

// settle compares a run with the row of its tick.
func (b *batch) settle(r *Run, row *Tick) {
	b.mu.Lock()
	if row != nil && row.Outcome == Running && row.Fence == r.Fence {
		r.tick = row
		if row.Cancel != "" {
			b.stopRun(r, cancelled(row.Cancel))
		}
		b.mu.Unlock()
		return
	}
	// The tick has been ended, by an earlier write of ours that seemed to
	// have failed or by somebody else, or is held by somebody else.
	b.ended = slices.DeleteFunc(b.ended, func(o *Run) bool { return o == r })
	b.loop.ended = slices.DeleteFunc(b.loop.ended, func(o *Run) bool { return o == r })
	delete(b.runs, Key{r.Job, r.Due})
	ours := row != nil && row.Fence == r.Fence && row.Holder == b.holder && r.result != (result{}) &&
		row.Reason == clean(r.result.reason) // else it was given up by whoever took it over
	if !ours {
		b.stopRun(r, ErrLost)
	}
	if i := slices.Index(b.queue, r); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
	} else if r.result == (result{}) {
		r.lost = true
		b.strays[r] = struct{}{}
	}
	b.mu.Unlock()
	if ours {
		b.emitRun(r, row)
		return
	}
	b.emit(Event{Kind: LostLease, Tick: *r.tick, Text: "another process has the tick"})
}
