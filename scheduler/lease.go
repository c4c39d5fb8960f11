package scheduler

import (
	"context"
	"fmt"
	"time"
)

// A sight is how long a running tick of somebody else has been standing still.
type sight struct {
	version int64
	since   time.Time // on this process's monotonic clock
}

// cancelled is the cause of a run that was asked to stop.
func cancelled(why string) error { return fmt.Errorf("%w: %s", ErrCancelled, why) }

// cancelRuns tells the runs of this process to stop that a plan has cancelled.
// The mutex is held.
func (s *Scheduler) cancelRuns(p *plan) {
	for _, t := range p.ticks {
		if t.Outcome != Running || t.Cancel == "" {
			continue
		}
		for _, r := range s.held {
			if r.Job == t.Job && r.Fence == t.Fence {
				s.heed(r, t)
			}
		}
	}
}

// heed takes note of the row of a run's tick as others have written it. The
// mutex is held.
func (s *Scheduler) heed(r *Run, row *Tick) {
	r.version = row.Version
	if row.Cancel != "" {
		r.rest = &rest{row.Cancel, row.Earlier}
		s.stopRun(r, cancelled(row.Cancel))
	}
}

// look reads all running ticks: those held here may have been cancelled or
// taken, those of others may stand still because their holder died.
//
// Nobody's wall clock judges a lease. A holder writes its rows again at a
// third of the lease; a row that was not written for a whole lease, by the
// monotonic clock of the one who watches, is taken over, on condition that it
// still has not been written.
func (b *batch) look(ctx context.Context) error {
	b.hint, b.news = false, true
	b.lookAt = b.sent.Add(min(b.cfg.Poll, b.cfg.Lease/3))
	list, err := b.store.Ticks(ctx, Query{Outcome: Running, Limit: -1})
	if err != nil {
		return err
	}
	rows := make(map[Key]*Tick, len(list))
	for _, t := range list {
		rows[t.Key()] = t
	}
	if err := b.checkOwn(ctx, rows); err != nil {
		return err
	}
	for k := range b.seen {
		if rows[k] == nil {
			delete(b.seen, k)
		}
	}
	held := b.heldByKey()
	for _, t := range list {
		if held[t.Key()] == nil {
			if err := b.watch(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOwn compares what is held here with the rows.
func (b *batch) checkOwn(ctx context.Context, rows map[Key]*Tick) error {
	var odd []*Run
	b.mu.Lock()
	for _, r := range b.held {
		if t := rows[Key{r.Job, r.Due}]; t == nil || t.Fence != r.Fence || t.Version != r.version {
			odd = append(odd, r)
		}
	}
	b.mu.Unlock()
	return b.recheck(ctx, odd)
}

// watch takes over a tick that stands still.
func (b *batch) watch(ctx context.Context, t *Tick) error {
	switch was, ok := b.seen[t.Key()]; {
	case t.Holder == b.holder: // a claim of ours that seemed to have failed: nobody runs it
	case b.cfg.Exclusive: // nobody else can be alive to hold it
	case !ok || was.version != t.Version:
		b.seen[t.Key()] = sight{t.Version, b.sent}
		return nil
	case b.sent.Sub(was.since) <= t.Lease:
		return nil
	}
	if !b.mine(t.Job) {
		return nil
	}
	states, err := b.store.Jobs(ctx, t.Job)
	if err != nil || len(states) == 0 {
		return err
	}
	b.takeOver(states[0], t)
	return nil
}

// takeOver plans the end of an attempt whose holder is gone.
func (b *batch) takeOver(st *State, t *Tick) {
	e, p := b.plan(st, b.now)
	if e == nil || !b.take(e) {
		return
	}
	reason := fmt.Sprintf("%s did not renew its lease of %s", t.Holder, t.Lease)
	if b.cfg.Exclusive {
		reason = t.Holder + " is gone"
	}
	res := result{outcome: Lost, reason: reason}
	if t.Holder == b.holder {
		res = result{unbegun: true}
	}
	row := p.newTick()
	*row = *t
	row.Version++
	p.finish(row, res)
	delete(b.seen, t.Key())
	b.again = true
	b.items = append(b.items, item{entry: e, plan: p, event: &Event{Kind: LostLease, Tick: *t, Text: reason}})
}

// guard watches, beside the loop, what the loop cannot see: leases that ran
// out because the store does not answer, runs that ignore the end of their
// context, and a loop that stands still.
func (s *Scheduler) guard(ctx context.Context) {
	for sleep(ctx, s.vigil()) {
		s.watchRuns()
		s.watchLoop()
	}
}

// vigil is how long the guard may sleep: not long while there are runs.
func (s *Scheduler) vigil() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held)+len(s.strays) == 0 {
		return min(maxSleep, s.cfg.Lease/3)
	}
	return max(min(s.cfg.Lease/10, s.cfg.Stuck/4), 10*time.Millisecond)
}

// watchRuns ends the contexts of runs whose lease has run out, and gives up
// those that ignored the end of theirs.
func (s *Scheduler) watchRuns() {
	var stuck []*Run
	now := s.elapsed()
	s.mu.Lock()
	for _, r := range s.held {
		if r.result == nil && now-r.held >= s.cfg.Lease*9/10 {
			s.stopRun(r, ErrLost)
		}
		if s.isStuck(r, now) {
			stuck = append(stuck, r)
			cause := r.endedBy()
			res := failure(cause, cause)
			res.reason += "; the function ignored it for " + s.cfg.Stuck.String()
			s.abandon(r, res)
		}
	}
	for r := range s.strays {
		if s.isStuck(r, now) {
			stuck = append(stuck, r)
			delete(s.strays, r)
			r.abandoned = true
			s.busy--
			s.health.stuck++
		}
	}
	s.mu.Unlock()
	for _, r := range stuck {
		s.emit(Event{Kind: Stuck, Tick: s.rowOf(r), Text: "the function ignores the end of its context and is given up"})
	}
}

// isStuck tells whether a run ignores the end of its context.
func (s *Scheduler) isStuck(r *Run, now time.Duration) bool {
	if !r.begun || r.abandoned || r.result != nil {
		return false
	}
	since := r.stopped
	if r.timeout > 0 && (since == 0 || r.since+r.timeout < since) {
		since = r.since + r.timeout
	}
	return since > 0 && now-since >= s.cfg.Stuck
}
