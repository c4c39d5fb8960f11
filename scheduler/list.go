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
	running, err := s.store.Ticks(ctx, Query{Outcome: Running, Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	byJob := map[string][]*Tick{}
	for _, t := range running {
		byJob[t.Job] = append(byJob[t.Job], s.fresh(t))
	}
	list := make([]Status, len(states))
	for i, st := range states {
		list[i] = Status{State: st, Running: byJob[st.Name], Here: s.mine(st.Name)}
	}
	return list, nil
}

// fresh is a running row with the progress known here, which may be newer than
// what was written.
func (s *Scheduler) fresh(t *Tick) *Tick {
	s.mu.Lock()
	r := s.runs[t.Key()]
	s.mu.Unlock()
	if r == nil || r.Fence != t.Fence {
		return t
	}
	c := *t
	c.Progress = r.told()
	return &c
}

// History returns what became of a job's ticks, the latest first; the empty
// name means all jobs. A limit of zero means 100.
func (s *Scheduler) History(ctx context.Context, job string, limit int) ([]*Tick, error) {
	list, err := s.store.Ticks(ctx, Query{Job: job, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return list, nil
}

// round is how often jobs are looked through for what nothing else shows:
// silence, and ticks in the future.
const round = time.Minute

// patrol raises the alarm for jobs that have been silent too long, and notes
// those that a clock set back has left with ticks in the future.
func (b *batch) patrol(ctx context.Context) error {
	if b.sent.Before(b.patrolAt) {
		return nil
	}
	b.patrolAt = b.sent.Add(round)
	var quiet []string
	ahead, until := 0, time.Time{}
	b.mu.Lock()
	for name, e := range b.jobs {
		if e.usable && e.state.Definition.Alert.Silence > 0 && !e.state.Paused {
			quiet = append(quiet, name)
		}
		if last := e.state.Last; last.After(b.now.Add(time.Minute)) {
			ahead++
			if last.After(until) {
				until = last
			}
		}
	}
	b.health.ahead = ""
	if ahead > 0 {
		b.health.ahead = fmt.Sprintf("the clock was set back: %d jobs had ticks up to %s and are due again only after that; ask them to run, or set the clock", ahead, text(until))
	}
	b.mu.Unlock()
	if len(quiet) == 0 {
		return nil
	}
	states, err := b.store.Jobs(ctx, quiet...)
	for _, st := range states {
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
	if b.now.Sub(since) < silent || b.states[st.Name] != nil || st.Removed {
		return
	}
	b.learn(st)
	p := b.plan(st, b.now)
	rec.Alerted = b.now
	p.job.Record = &rec
	last := "it never has"
	if !rec.Success.IsZero() {
		last = "the last was at " + text(rec.Success)
	}
	b.add(item{plan: p, event: &Event{Kind: Alerted, Job: st.Name, Text: fmt.Sprintf("no success for %s: %s", silent, last)}})
}
