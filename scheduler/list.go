package scheduler

import (
	"context"
	"fmt"
	"time"
)

// Status is a job as the list shows it.
type Status struct {
	*State
	// Running are the ticks under way, in whichever process, with progress.
	Running []*Tick
	// Here is true if this process can run the job.
	Here bool
}

// List returns all jobs of the store in order of name, also those that only
// other processes run.
func (s *Scheduler) List(ctx context.Context) ([]Status, error) {
	states, err := s.store.Jobs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	list, err := s.statuses(ctx, states, Query{Outcome: Running, Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return list, nil
}

// statuses joins jobs with their ticks under way, which the query selects.
func (s *Scheduler) statuses(ctx context.Context, states []*State, underWay Query) ([]Status, error) {
	running, err := s.store.Ticks(ctx, underWay)
	if err != nil {
		return nil, err
	}
	s.freshen(running)
	byJob := map[string][]*Tick{}
	for _, t := range running {
		byJob[t.Job] = append(byJob[t.Job], t)
	}
	list := make([]Status, len(states))
	for i, st := range states {
		list[i] = Status{State: st, Running: byJob[st.Name], Here: s.mine(st.Name)}
	}
	return list, nil
}

// freshen puts the progress into ticks that are held here: what is known may be
// newer than what was written.
func (s *Scheduler) freshen(ticks []*Tick) {
	held := s.heldByKey()
	for _, t := range ticks {
		if r := held[t.Key()]; r != nil && r.Fence == t.Fence {
			t.Progress = r.told()
		}
	}
}

// History returns what became of a job's ticks, the latest first; the empty
// name means all jobs. A limit of zero means 100.
func (s *Scheduler) History(ctx context.Context, job string, limit int) ([]*Tick, error) {
	return s.Ticks(ctx, Query{Job: job, Limit: limit})
}

// Ticks returns rows of the history, the latest first.
func (s *Scheduler) Ticks(ctx context.Context, q Query) ([]*Tick, error) {
	list, err := s.store.Ticks(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	s.freshen(list)
	return list, nil
}

// round is how often jobs are looked through for what nothing else shows:
// silence, and ticks in the future.
const round = time.Minute

// patrol raises the alarm for jobs that have been silent too long, notes those
// that a clock set back has left with ticks in the future, and looks whether
// jobs that could not be followed here have been changed to some that can.
func (b *batch) patrol(ctx context.Context) error {
	if b.sent.Before(b.patrolAt) {
		return nil
	}
	b.patrolAt = b.sent.Add(round)
	b.tellOthers(ctx, b.now, false)
	var names []string
	ahead, until, limit := 0, int64(0), b.now.Add(time.Minute).UnixMicro()
	b.mu.Lock()
	for name, e := range b.jobs {
		if !e.usable || e.def.Alert.Silence > 0 {
			names = append(names, name)
		}
		if e.last > limit {
			ahead++
			until = max(until, e.last)
		}
	}
	b.health.ahead = ""
	if ahead > 0 {
		b.health.ahead = fmt.Sprintf("the clock was set back: %d jobs had ticks up to %s and are due again only after that; ask them to run, or set the clock", ahead, text(instant(until)))
	}
	b.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	states, err := b.store.Jobs(ctx, names...)
	for _, st := range states {
		b.learn(st)
		b.silence(st)
	}
	return err
}

// silence plans the alarm for a job that has not succeeded for too long. It is
// noted in the job's record, so that one process raises it.
func (b *batch) silence(st *State) {
	var rec Record
	if st.Record != nil {
		rec = *st.Record
	}
	since := rec.Success
	if since.IsZero() {
		since = b.began
	}
	if rec.Alerted.After(since) {
		since = rec.Alerted
	}
	silent := st.Definition.Alert.Silence
	if silent == 0 || b.now.Sub(since) < silent || st.Paused || st.Removed || !b.mine(st.Name) {
		return
	}
	e, p := b.plan(st, b.now)
	if e == nil || !b.take(e) {
		return
	}
	p.remembered().Alerted = b.now
	last := "it never has"
	if !rec.Success.IsZero() {
		last = "the last was at " + text(rec.Success)
	}
	b.items = append(b.items, item{entry: e, plan: p, event: &Event{Kind: Alerted, Job: st.Name, Text: fmt.Sprintf("no success for %s: %s", silent, last)}})
}
