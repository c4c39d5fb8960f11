package memory

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

var _ scheduler.Store = (*Jobs)(nil)

// Jobs keeps jobs and ledger. What it is given it keeps as it is, and hands
// out again: states and ticks are never changed once written.
type Jobs struct {
	owner *State

	mu      sync.Mutex
	jobs    map[string]*job
	wake    []*job                            // a heap, earliest Wake first
	running map[scheduler.Key]*scheduler.Tick // ticks under way
	keep    scheduler.Retention               // as last asked for
	told    []chan struct{}
}

// A job is its state and its rows of the ledger, in order of due.
type job struct {
	state *scheduler.State
	ticks []*scheduler.Tick
	at    int32 // place in the heap, -1 for none
}

func newJobs(owner *State) *Jobs {
	return &Jobs{owner: owner, jobs: map[string]*job{}, running: map[scheduler.Key]*scheduler.Tick{}}
}

// now is the clock of the store, as every store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Due implements scheduler.Store.
func (s *Jobs) Due(_ context.Context, limit int, mine func(string) bool) (scheduler.Due, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := scheduler.Due{Now: now()}
	// The jobs whose time has come are the top of the heap. Walk it best
	// first; what is left at the edge holds the next one.
	edge := []int32{}
	if len(s.wake) > 0 {
		edge = append(edge, 0)
	}
	for len(edge) > 0 {
		i := s.popEdge(&edge)
		st := s.wake[i].state
		if st.Wake.After(due.Now) {
			due.Next = st.Wake
			break
		}
		if len(due.Jobs) >= limit {
			break
		}
		if mine(st.Name) {
			due.Jobs = append(due.Jobs, st)
		}
		for c := 2*i + 1; c <= 2*i+2 && int(c) < len(s.wake); c++ {
			s.pushEdge(&edge, c)
		}
	}
	return due, nil
}

// Jobs implements scheduler.Store.
func (s *Jobs) Jobs(_ context.Context, names ...string) ([]*scheduler.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*scheduler.State
	for _, n := range names {
		if j := s.jobs[n]; j != nil {
			list = append(list, j.state)
		}
	}
	if len(names) == 0 {
		for _, j := range s.jobs {
			if !j.state.Removed {
				list = append(list, j.state)
			}
		}
	}
	slices.SortFunc(list, func(a, b *scheduler.State) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// Ticks implements scheduler.Store.
func (s *Jobs) Ticks(_ context.Context, q scheduler.Query) ([]*scheduler.Tick, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*scheduler.Tick
	add := func(t *scheduler.Tick) {
		if (q.Outcome == "" || t.Outcome == q.Outcome) && (q.Job == "" || t.Job == q.Job) &&
			(q.Before.IsZero() || t.Due.Before(q.Before)) {
			list = append(list, t)
		}
	}
	switch {
	case q.Keys != nil:
		for _, k := range q.Keys {
			if j := s.jobs[k.Job]; j != nil {
				if i, ok := j.find(k.Due); ok {
					add(j.ticks[i])
				}
			}
		}
	case q.Outcome == scheduler.Running:
		for _, t := range s.running {
			add(t)
		}
	default:
		for name, j := range s.jobs {
			if q.Job == "" || q.Job == name {
				for _, t := range j.ticks {
					add(t)
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b *scheduler.Tick) int {
		return cmp.Or(b.Due.Compare(a.Due), cmp.Compare(a.Job, b.Job))
	})
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	if limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	return list, nil
}

// Write implements scheduler.Store.
func (s *Jobs) Write(_ context.Context, changes []scheduler.Change) ([]error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stood := make([]error, len(changes))
	for i := range changes {
		if stood[i] = s.check(&changes[i]); stood[i] == nil {
			s.apply(&changes[i])
		}
	}
	if len(s.told) > 1 {
		for _, c := range s.told {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
	return stood, nil
}

// check tells whether a change still fits what is stored.
func (s *Jobs) check(c *scheduler.Change) error {
	if st := c.Job; st != nil {
		var version int64
		if j := s.jobs[st.Name]; j != nil {
			version = j.state.Version
		}
		if st.Version != version+1 {
			return scheduler.ErrStale
		}
	}
	for _, t := range c.Ticks {
		var version int64
		if j := s.jobs[t.Job]; j != nil {
			if i, ok := j.find(t.Due); ok {
				version = j.ticks[i].Version
			}
		}
		if t.Version != version+1 {
			return scheduler.ErrStale
		}
	}
	for _, e := range c.Effects {
		if err := s.owner.checkEffect(e); err != nil {
			return err
		}
	}
	return nil
}

// apply writes a change that was checked.
func (s *Jobs) apply(c *scheduler.Change) {
	if st := c.Job; st != nil {
		j := s.jobs[st.Name]
		if j == nil {
			j = &job{at: -1}
			s.jobs[st.Name] = j
		}
		j.state = st
		s.settle(j)
	}
	for _, t := range c.Ticks {
		s.put(s.jobs[t.Job], t)
	}
	for _, e := range c.Effects {
		s.owner.writeEffect(e)
	}
}

// put writes a row of the ledger.
func (s *Jobs) put(j *job, t *scheduler.Tick) {
	i, ok := j.find(t.Due)
	if ok {
		j.ticks[i] = t
	} else {
		j.ticks = slices.Insert(j.ticks, i, t)
	}
	if t.Outcome == scheduler.Running {
		s.running[t.Key()] = t
	} else {
		delete(s.running, t.Key())
	}
	if n := s.keep.Count; n > 0 && len(j.ticks) > 2*n {
		j.purge(s.keep, time.Time{})
	}
}

// find returns where the row of a due instant is, or would be.
func (j *job) find(due time.Time) (int, bool) {
	if n := len(j.ticks); n == 0 || j.ticks[n-1].Due.Before(due) {
		return n, false // the usual case: a new row is the latest
	}
	return slices.BinarySearchFunc(j.ticks, due, func(t *scheduler.Tick, due time.Time) int {
		return t.Due.Compare(due)
	})
}

// Purge implements scheduler.Store. What it is asked to keep of each job is
// kept to from then on.
func (s *Jobs) Purge(_ context.Context, keep scheduler.Retention) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = keep
	var old time.Time
	if keep.Age > 0 {
		old = now().Add(-keep.Age)
	}
	n := 0
	for _, j := range s.jobs {
		n += j.purge(keep, old)
	}
	return n, nil
}

// purge deletes ended rows beyond what is to be kept.
func (j *job) purge(keep scheduler.Retention, old time.Time) int {
	before, beyond := len(j.ticks), 0
	if keep.Count > 0 {
		beyond = before - keep.Count
	}
	i := -1
	j.ticks = slices.DeleteFunc(j.ticks, func(t *scheduler.Tick) bool {
		i++
		return !t.Outcome.Open() && t.Due.Before(j.state.Last) && (i < beyond || t.Ended.Before(old))
	})
	return before - len(j.ticks)
}

// Changed implements scheduler.Store.
func (s *Jobs) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := make(chan struct{}, 1)
	s.told = append(s.told, c)
	return c
}
