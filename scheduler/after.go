package scheduler

import (
	"context"
	"slices"
	"time"
)

// follow looks for jobs that run after others which have ended something new.
//
// Such a job has no instants of its own: its tick is the latest one that all
// the jobs it follows have reached. Any process that knows the job may find
// it, at any later time, since it is read from what the store remembers of
// those jobs; nothing needs to be told from one process to another.
func (b *batch) follow(ctx context.Context) error {
	if !b.news {
		return nil
	}
	b.news = false
	b.mu.Lock()
	names := slices.Clone(b.followers)
	for _, n := range b.followers {
		if e := b.jobs[n]; e != nil && e.usable {
			names = append(names, e.def.After...)
		}
	}
	b.mu.Unlock()
	if len(names) == 0 {
		return nil
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
	for _, st := range list {
		if len(st.Definition.After) == 0 || !b.mine(st.Name) {
			continue
		}
		if at, why := reached(st, states); !at.IsZero() {
			b.news = true
			e, p := b.plan(st, b.now)
			if e == nil || b.slots <= 0 || !b.take(e) {
				continue // in another step
			}
			p.after(at, why)
			p.begin(b.slots)
			b.slots -= len(p.start)
			b.items = append(b.items, item{entry: e, plan: p})
		}
	}
	return nil
}

// reached returns the latest tick that all jobs st runs after have ended, zero
// if st has followed them so far already, and which of them did not succeed.
func reached(st *State, states map[string]*State) (at time.Time, why string) {
	for _, name := range st.Definition.After {
		other := states[name]
		if other == nil || other.Record == nil || other.Record.Due.IsZero() {
			return time.Time{}, ""
		}
		r := other.Record
		if at.IsZero() || r.Due.Before(at) {
			at = r.Due
		}
		if r.Outcome != Succeeded {
			why = name + " has " + string(r.Outcome)
			if r.Outcome != Failed && r.Outcome != TimedOut {
				why = name + " was " + string(r.Outcome)
			}
		}
	}
	if st.Record != nil && !at.After(st.Record.Followed) {
		return time.Time{}, ""
	}
	return at, why
}

// after adds the tick of a job that runs after others; with a reason why not,
// it is skipped.
func (p *plan) after(at time.Time, why string) {
	st, rec := &p.job, p.remembered()
	rec.Followed = at
	due := at
	if !due.After(st.Last) {
		due = st.Last.Add(time.Microsecond)
	}
	st.Last = due
	switch {
	case st.Paused:
		p.end(due, due, 1, Skipped, "the job is paused")
	case why != "":
		p.end(due, due, 1, Skipped, why)
		rec.Due, rec.Outcome = due, Skipped
	default:
		p.place(due, false)
	}
}
