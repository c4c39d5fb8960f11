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
	now    time.Time // the store's clock
	sent   time.Time // this process's, when the step began
	limit  int       // how many ticks could begin
	slots  int       // how many still may
	ended  []*Run    // not yet written
	later  []*Run    // of these, those whose job has another change already
	due    []item    // jobs that are, as far as there are slots
	taken  []*entry  // jobs with a change, at most one each
	items  []item
	writes []Change
	heard  bool    // somebody wants to know of what goes well
	events []Event // to be told
	again  bool    // something is left that another step can do at once
}

// An item is one change of a batch and what it was for.
type item struct {
	entry   *entry
	plan    *plan // nil for a renewal
	ending  *Run  // the run that has ended
	renewal *Run  // the run whose lease is renewed
	row     *Tick // its row as written
	effects []any
	log     *Log
	event   *Event // to be told once it stands
}

// collect begins a batch with the runs that have ended, and those that waited
// in vain for room and are left to others.
func (l *loop) collect() *batch {
	b := &l.batch
	*b = batch{
		loop: l, ended: b.ended[:0], later: b.later[:0], due: b.due[:0], taken: b.taken[:0],
		items: b.items[:0], writes: b.writes[:0], events: b.events[:0],
	}
	b.heard = b.isHeard()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock.next = time.Time{} // whatever is written from now on comes earlier
	if l.full && len(l.ended) < l.affords {
		b.leave(l.ended)
	} else {
		b.ended = append(b.ended, l.ended...)
		clear(l.ended)
		l.ended = l.ended[:0]
	}
	l.full = false
	old := b.elapsed() - time.Second
	for b.queue.len() > 0 && b.queue.first().since < old {
		r := b.queue.take()
		r.result = &result{unbegun: true}
		b.ended = append(b.ended, r)
		b.pace = time.Second // or this step would claim them again
	}
	b.limit = b.room()
	if b.most > 0 {
		b.limit = min(b.limit, b.most)
	}
	b.slots = b.limit
	return b
}

// leave lets ends wait for another step, and with them what their jobs have due.
// The mutex is held.
func (b *batch) leave(ended []*Run) {
	b.again = true
	for _, r := range ended {
		b.take(b.entryFor(r))
	}
}

// end keeps what could not be written for the next step.
func (b *batch) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loop.ended = slices.Insert(b.loop.ended, 0, b.ended...)
	for _, e := range b.taken {
		e.taken = false
	}
	for i := range b.items {
		if it := &b.items[i]; it.plan != nil && it.plan != it.entry.newest {
			b.plans = append(b.plans, it.plan)
		}
	}
	clear(b.ended)
	clear(b.later)
	clear(b.due)
	clear(b.items)
	clear(b.writes)
	clear(b.events)
}

// take tells whether a job has no change yet in this step, and from then on it
// has.
func (b *batch) take(e *entry) bool {
	if e.taken {
		return false
	}
	e.taken = true
	b.taken = append(b.taken, e)
	return true
}

// entryFor is the entry that is taken for a run's job: the job may have been
// removed and added again since the run began. The mutex is held.
func (b *batch) entryFor(r *Run) *entry {
	if r.entry.gone {
		if e := b.jobs[r.Job]; e != nil {
			return e
		}
	}
	return r.entry
}

// found is shown the jobs that are due, and takes those this process may run.
func (b *batch) found(st *State) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entryOf(st)
	if e == nil || !e.usable {
		return false
	}
	if b.update(e, st); !e.usable {
		return false
	}
	b.due = append(b.due, item{entry: e, plan: b.newPlan(st, e.trigger(), time.Time{})})
	return true
}

// workOut plans what becomes of the runs that ended and the jobs that are due.
func (b *batch) workOut(ctx context.Context) error {
	if err := b.recheck(ctx, b.unsure()); err != nil {
		return err
	}
	b.finish()
	if !b.sent.Before(b.renewAt) {
		b.renew()
	}
	rows, err := b.wanted(ctx)
	if err != nil {
		return err
	}
	planned := len(b.items)
	for _, it := range b.due {
		if it.entry.taken {
			b.again = true // after its end has been written
			continue
		}
		p := it.plan
		due, wakes := p.job.Due, p.job.Wake
		p.now, p.rows = b.now, rows
		p.advance()
		p.begin(b.slots)
		if len(p.ticks) > 0 || !p.job.Due.Equal(due) || !wake(&p.job).Equal(wakes) {
			b.slots -= len(p.start)
			b.take(it.entry)
			b.items = append(b.items, it)
		}
	}
	if n := len(b.due); len(b.items) > planned && (n == b.limit || b.slots == 0) {
		b.again, b.full = true, true // there may be more, and room by then
	}
	return nil
}

// wanted reads the open ticks that the plans will touch.
func (b *batch) wanted(ctx context.Context) (map[Key]*Tick, error) {
	var keys []Key
	for i := range b.due {
		keys = append(keys, wants(&b.due[i].plan.job, b.now)...)
	}
	return b.rows(ctx, keys)
}

// unsure are the runs that ended whose jobs have no newest state, since they were
// to be written by a step that failed.
func (b *batch) unsure() []*Run {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []*Run
	for _, r := range b.ended {
		if r.entry.newest == nil {
			list = append(list, r)
		}
	}
	return list
}

// finish plans the ends of runs, one of each job, in the plans that have the
// newest state of these.
func (b *batch) finish() {
	first := len(b.items)
	b.mu.Lock()
	for _, r := range b.ended {
		if !b.take(b.entryFor(r)) {
			b.later, b.again = append(b.later, r), true
			continue
		}
		p := r.entry.newest
		if p == nil { // the store has lost the job
			b.later = append(b.later, r)
			continue
		}
		r.entry.newest = nil
		p.from(r.entry.trigger(), b.now)
		it := item{entry: r.entry, plan: p, ending: r, row: p.newTick()}
		b.row(r, it.row)
		it.log = r.news(it.row)
		if r.result.outcome == Succeeded {
			it.effects = r.committed()
		}
		b.items = append(b.items, it)
	}
	b.mu.Unlock()
	for _, it := range b.items[first:] {
		it.plan.finish(it.row, *it.ending.result)
	}
}

// renew plans the renewal of every lease held, and tells the progress along
// with it.
func (b *batch) renew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.held {
		if r.result != nil {
			continue // its end is written instead
		}
		it := item{renewal: r, row: new(Tick)}
		b.row(r, it.row)
		it.log = r.news(it.row)
		b.items = append(b.items, it)
	}
	b.renewAt = b.sent.Add(b.cfg.Lease / 3)
}

// write writes the batch and settles what became of each item.
func (b *batch) write(ctx context.Context) error {
	if len(b.items) == 0 {
		return nil
	}
	for i := range b.items {
		if it := &b.items[i]; it.plan != nil {
			b.writes = append(b.writes, it.plan.change(it.effects...))
		} else {
			b.writes = append(b.writes, Change{Ticks: []*Tick{it.row}})
		}
		b.writes[i].Log = b.items[i].log
	}
	stood, err := b.store.Write(ctx, b.writes)
	if err != nil {
		b.renewAt = time.Time{}
		return err
	}
	stale := b.note(stood)
	for _, e := range b.events {
		b.emit(e)
	}
	b.broadcast()
	return b.recheck(ctx, stale)
}

// note takes note of what the store said of each item, and returns the runs
// whose tick or job somebody else has written.
func (b *batch) note(stood []error) (stale []*Run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(stood); n >= leastAhead/2 && b.most == 0 {
		each := max(time.Since(b.sent)/time.Duration(n), 1)
		b.affords = min(int(writeAhead/each), 8*mostAhead)
		b.ahead = min(max(leastAhead, b.affords), mostAhead)
	}
	clear(b.ended)
	b.ended = append(b.ended[:0], b.later...)
	for i, err := range stood {
		it := &b.items[i]
		switch r := it.ending; {
		case err == nil:
			b.stands(it)
		case r != nil:
			b.ended, b.again = append(b.ended, r), true
			stale = append(stale, r)
			if !errors.Is(err, ErrStale) {
				r.result = &result{outcome: Failed, reason: err.Error(), permanent: true}
			}
		case it.renewal != nil:
			stale = append(stale, it.renewal)
		default:
			b.again = true
		}
	}
	return stale
}

// stands takes note of an item that the store accepted. The mutex is held.
func (b *batch) stands(it *item) {
	if r := it.renewal; r != nil {
		r.version, r.held = it.row.Version, b.sent.Sub(b.epoch)
		if it.log != nil {
			r.say(func(s *said) { s.logged = it.log.Dropped + len(it.log.Lines) })
		}
		return
	}
	p := it.plan
	if w := p.job.Wake; !w.IsZero() && !w.After(b.now) {
		b.again = true
	} else {
		b.earlier(w)
	}
	b.endings += len(p.ticks)
	if it.ending != nil {
		b.release(it.ending)
		b.news = true
		b.again = b.again || len(b.followers) > 0
	} else {
		b.cancelRuns(p)
	}
	if len(p.start) > 0 && it.entry.gone {
		it.entry = &entry{def: p.def, gone: true, run: func(context.Context, *Run) error { return errors.New("the job was removed") }}
	}
	for _, t := range p.start {
		b.hold(newRun(b.Scheduler, it.entry, p.def.Timeout, t, b.sent))
	}
	b.adopt(it.entry, p)
	if b.heard {
		b.tell(it)
	}
}

// tell notes the events that an item's being written means.
func (b *batch) tell(it *item) {
	if it.event != nil {
		b.events = append(b.events, *it.event)
	}
	if it.ending != nil {
		b.events = append(b.events, endOf(&it.plan.job, it.row)...)
		return
	}
	for _, t := range it.plan.ticks {
		if passed(t) {
			b.events = append(b.events, Event{Kind: Passed, Tick: *t})
		}
	}
	for _, t := range it.plan.start {
		b.events = append(b.events, Event{Kind: Started, Tick: *t})
	}
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
	list, err := b.store.Jobs(ctx, slices.Compact(names)...)
	if err != nil {
		return err
	}
	states := make(map[string]*State, len(list))
	for _, st := range list {
		states[st.Name] = st
	}
	b.renewAt = time.Time{}
	for i, r := range runs {
		b.settle(r, rows[keys[i]], states[r.Job])
	}
	return nil
}

// settle compares a run with the row of its tick and with its job.
func (b *batch) settle(r *Run, row *Tick, st *State) {
	b.mu.Lock()
	if st != nil {
		b.update(r.entry, st)
	}
	if row != nil && row.Outcome == Running && row.Fence == r.Fence {
		b.heed(r, row)
		b.mu.Unlock()
		return
	}
	// The tick has been ended, by an earlier write of ours that seemed to
	// have failed or by somebody else, or is held by somebody else.
	b.ended = slices.DeleteFunc(b.ended, func(o *Run) bool { return o == r })
	b.loop.ended = slices.DeleteFunc(b.loop.ended, func(o *Run) bool { return o == r })
	b.release(r)
	ours := row != nil && row.Fence == r.Fence && row.Holder == b.holder && r.result != nil &&
		row.Reason == clean(r.result.reason) // else it was given up by whoever took it over
	if !ours {
		b.stopRun(r, ErrLost)
	}
	if !b.queue.leave(r) && r.result == nil {
		r.lost = true
		b.strays[r] = struct{}{}
	}
	events := []Event{{Kind: LostLease, Tick: Tick{}, Text: "another process has the tick"}}
	b.row(r, &events[0].Tick)
	b.mu.Unlock()
	if ours && st != nil {
		events = endOf(st, row)
	}
	for _, e := range events {
		b.emit(e)
	}
}
