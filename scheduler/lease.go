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

// cancelRun tells a run of this process to stop.
func (s *Scheduler) cancelRun(t *Tick) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runs[t.Key()]; r != nil && r.Fence == t.Fence {
		r.tick = t
		s.stopRun(r, cancelled(t.Cancel))
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
	b.doubt = false
	if err := b.checkOwn(ctx, rows); err != nil {
		return err
	}
	for k := range b.seen {
		if rows[k] == nil {
			delete(b.seen, k)
		}
	}
	for _, t := range list {
		if err := b.watch(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// checkOwn compares what is held here with the rows.
func (b *batch) checkOwn(ctx context.Context, rows map[Key]*Tick) error {
	var odd []*Run
	b.mu.Lock()
	for k, r := range b.runs {
		if t := rows[k]; t == nil || t.Fence != r.Fence || t.Version != r.tick.Version {
			odd = append(odd, r)
		}
	}
	b.mu.Unlock()
	return b.recheck(ctx, odd)
}

// watch takes over a tick that stands still.
func (b *batch) watch(ctx context.Context, t *Tick) error {
	k := t.Key()
	if t.Holder == b.holder {
		b.mu.Lock()
		held := b.runs[k] != nil
		b.mu.Unlock()
		if held {
			return nil
		}
		// A claim of ours that seemed to have failed: nobody runs it.
	} else if b.cfg.Exclusive {
		// Nobody else can be alive to hold it.
	} else if was, ok := b.seen[k]; !ok || was.version != t.Version {
		b.seen[k] = sight{t.Version, b.sent}
		return nil
	} else if b.sent.Sub(was.since) <= t.Lease {
		return nil
	}
	if !b.mine(t.Job) || b.states[t.Job] != nil {
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
	p := b.plan(st, b.now)
	c := *t
	c.Version++
	reason := fmt.Sprintf("%s did not renew its lease of %s", t.Holder, t.Lease)
	if b.cfg.Exclusive {
		reason = t.Holder + " is gone"
	}
	if t.Holder == b.holder {
		p.finish(&c, result{unbegun: true})
	} else {
		p.finish(&c, result{outcome: Lost, reason: reason})
	}
	delete(b.seen, t.Key())
	b.again = true
	b.add(item{plan: p, event: &Event{Kind: LostLease, Tick: *t, Text: reason}})
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
	if len(s.runs)+len(s.strays) == 0 {
		return min(maxSleep, s.cfg.Lease/3)
	}
	return max(min(s.cfg.Lease/10, s.cfg.Stuck/4), 10*time.Millisecond)
}

// watchRuns ends the contexts of runs whose lease has run out, and gives up
// those that ignored the end of theirs.
func (s *Scheduler) watchRuns() {
	var stuck []*Run
	now := time.Now()
	s.mu.Lock()
	for _, r := range s.runs {
		if r.result == (result{}) && now.Sub(r.held) >= s.cfg.Lease*9/10 {
			s.stopRun(r, ErrLost)
		}
		if s.isStuck(r, now) {
			stuck = append(stuck, r)
			cause := context.Cause(r.ctx)
			if cause == nil { // the one that ended is the timeout's, below it
				cause = ErrTimeout
			}
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
		s.emit(Event{Kind: Stuck, Tick: *r.tick, Text: "the function ignores the end of its context and is given up"})
	}
}

// isStuck tells whether a run ignores the end of its context.
func (s *Scheduler) isStuck(r *Run, now time.Time) bool {
	if r.begun.IsZero() || r.abandoned || r.result != (result{}) {
		return false
	}
	since := r.stopped
	if r.timeout > 0 && (since.IsZero() || r.begun.Add(r.timeout).Before(since)) {
		since = r.begun.Add(r.timeout)
	}
	return !since.IsZero() && now.Sub(since) >= s.cfg.Stuck
}
