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

// Jobs keeps jobs and ledger. It keeps copies of its own making, small and for
// the most part without pointers: neither many jobs nor a long history cost
// much memory, or much of the garbage collector's time.
type Jobs struct {
	owner *State

	mu      sync.Mutex
	jobs    map[string]*job
	wake    []waking            // a heap, earliest first
	running []*job              // those with ticks under way
	keep    scheduler.Retention // as last asked for
	told    []chan struct{}

	replicas map[string]scheduler.Replica

	shared   *definitions // the last that were made
	holds    []hold
	numbers  map[hold]uint16 // of holds
	lastHold uint16

	shown scheduler.State // by Due
	edge  []int32         // used by earliest alone
}

func newJobs(owner *State) *Jobs {
	return &Jobs{owner: owner, jobs: map[string]*job{}, numbers: map[hold]uint16{}}
}

// now is the clock of the store, as every store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Due implements scheduler.Store.
func (s *Jobs) Due(_ context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := scheduler.Due{Now: now()}
	now, taken := due.Now.UnixMicro(), 0
	s.earliest(func(w waking) bool {
		if w.at > now {
			due.Next = instant(w.at)
			return false
		}
		if taken < limit {
			if s.read(w.job, &s.shown); take(&s.shown) {
				taken++
			}
		}
		return taken < limit
	})
	return due, nil
}

// Jobs implements scheduler.Store.
func (s *Jobs) Jobs(_ context.Context, names ...string) ([]*scheduler.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*job
	for _, n := range names {
		if j := s.jobs[n]; j != nil {
			list = append(list, j)
		}
	}
	if len(names) == 0 {
		for _, j := range s.jobs {
			if !j.removed {
				list = append(list, j)
			}
		}
	}
	slices.SortFunc(list, func(a, b *job) int { return cmp.Compare(a.name, b.name) })
	states := make([]*scheduler.State, len(list))
	for i, j := range list {
		states[i] = s.copy(j)
	}
	return states, nil
}

// Ticks implements scheduler.Store.
func (s *Jobs) Ticks(_ context.Context, q scheduler.Query) ([]*scheduler.Tick, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*scheduler.Tick
	add := func(j *job, r *row) {
		t := s.tick(j, r)
		if (q.Outcome == "" || t.Outcome == q.Outcome) && (q.Job == "" || t.Job == q.Job) &&
			(q.Before.IsZero() || t.Due.Before(q.Before)) {
			list = append(list, t)
		}
	}
	addAll := func(j *job) {
		if j == nil || j.past == nil {
			return
		}
		for i := range j.past.rows {
			add(j, &j.past.rows[i])
		}
	}
	switch {
	case q.Keys != nil:
		for _, k := range q.Keys {
			if j := s.jobs[k.Job]; j != nil && j.past != nil {
				if i, ok := j.past.find(k.Due.UnixMicro()); ok {
					add(j, &j.past.rows[i])
				}
			}
		}
	case q.Outcome == scheduler.Running:
		for _, j := range s.running {
			addAll(j)
		}
	case q.Job != "":
		addAll(s.jobs[q.Job])
	default:
		for _, j := range s.jobs {
			addAll(j)
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
		stood[i] = s.change(&changes[i])
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

// change writes a change if it still fits what is stored.
func (s *Jobs) change(c *scheduler.Change) error {
	var j *job
	if st := c.Job; st != nil {
		var version int64
		if j = s.jobs[st.Name]; j != nil {
			version = j.version
		}
		if st.Version != version+1 {
			return scheduler.ErrStale
		}
	}
	for _, t := range c.Ticks {
		if t.Version != s.version(j, t)+1 {
			return scheduler.ErrStale
		}
	}
	for _, e := range c.Effects {
		if err := s.owner.checkEffect(e); err != nil {
			return err
		}
	}
	s.apply(j, c)
	return nil
}

// version returns that of a tick's row, zero if there is none. The job is most
// likely j.
func (s *Jobs) version(j *job, t *scheduler.Tick) int64 {
	if j == nil || j.name != t.Job {
		j = s.jobs[t.Job]
	}
	if j == nil || j.past == nil {
		return 0
	}
	i, ok := j.past.find(t.Due.UnixMicro())
	if !ok {
		return 0
	}
	return j.past.versionOf(i)
}

// apply writes a change that was checked.
func (s *Jobs) apply(j *job, c *scheduler.Change) {
	if st := c.Job; st != nil {
		if j == nil {
			j = &job{name: st.Name, at: -1}
			s.jobs[st.Name] = j
		}
		s.write(j, st)
	}
	for _, t := range c.Ticks {
		of := j
		if of == nil || of.name != t.Job {
			of = s.jobs[t.Job]
		}
		s.put(of, t)
	}
	if c.Log != nil {
		s.log(c.Ticks[0].Key(), c.Log)
	}
	if c.Replica != nil {
		s.hear(c.Replica)
	}
	for _, e := range c.Effects {
		s.owner.writeEffect(e)
	}
}

// Purge implements scheduler.Store. What it is asked to keep of each job is
// kept to from then on.
func (s *Jobs) Purge(_ context.Context, keep scheduler.Retention) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = keep
	old := never
	if keep.Age > 0 {
		old = now().Add(-keep.Age).UnixMicro()
	}
	n := 0
	for _, j := range s.jobs {
		if j.past != nil {
			n += j.purge(keep, old)
		}
	}
	return n, nil
}

// Changed implements scheduler.Store.
func (s *Jobs) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := make(chan struct{}, 1)
	s.told = append(s.told, c)
	return c
}
