package memory

import (
	"cmp"
	"context"
	"iter"
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
	blocks  []*block
	places  map[string]int32 // by name
	wakings wakings
	running []*job              // those with ticks under way
	keep    scheduler.Retention // as last asked for
	told    []chan struct{}

	replicas map[string]scheduler.Replica

	shared   *definitions // the last that were made
	holds    []hold
	numbers  map[hold]uint16 // of holds
	lastHold uint16

	shown view // by Due
}

func newJobs(owner *State) *Jobs {
	s := &Jobs{owner: owner, places: map[string]int32{}, numbers: map[hold]uint16{}}
	s.wakings.holds = func(w waking) bool { return s.at(w.place).wake == w.at }
	return s
}

// now is the clock of the store, as every store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// most is how many jobs are shown at once: as many as the processor's cache has
// room for with all that is done to them.
const most = 128

// Due implements scheduler.Store.
func (s *Jobs) Due(_ context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	due, taken := scheduler.Due{Now: now(), Most: most}, 0
	due.Next = instant(s.wakings.due(due.Now.UnixMicro(), func(place int32) bool {
		if taken < limit && take(s.read(s.at(place), &s.shown)) {
			taken++
		}
		return taken < limit
	}))
	return due, nil
}

// Jobs implements scheduler.Store.
func (s *Jobs) Jobs(_ context.Context, names ...string) ([]*scheduler.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*job
	for _, n := range names {
		if j := s.named(n); j != nil {
			list = append(list, j)
		}
	}
	if len(names) == 0 {
		for j := range s.all() {
			if !j.removed {
				list = append(list, j)
			}
		}
	}
	slices.SortFunc(list, func(a, b *job) int { return cmp.Compare(a.name, b.name) })
	states := make([]*scheduler.State, len(list))
	for i, j := range list {
		states[i] = s.read(j, new(view))
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
			if j := s.named(k.Job); j != nil && j.past != nil {
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
		addAll(s.named(q.Job))
	default:
		for j := range s.all() {
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

// all are the jobs there are.
func (s *Jobs) all() iter.Seq[*job] {
	return func(yield func(*job) bool) {
		for place := range len(s.places) {
			if !yield(s.at(int32(place + 1))) {
				return
			}
		}
	}
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
		if j = s.find(st.Name, st.Place); j != nil {
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
		j = s.named(t.Job)
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
			j = s.add(st.Name)
		}
		s.write(j, st)
	}
	for _, t := range c.Ticks {
		of := j
		if of == nil || of.name != t.Job {
			of = s.named(t.Job)
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
	for j := range s.all() {
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
