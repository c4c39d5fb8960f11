package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxTries bounds how often a change is worked out again because somebody
// else was faster.
const maxTries = 50

// Add declares jobs. What a job's stored definition says at run time, by
// Replace or Pause, outlives the program's next start: Add changes a stored
// job only where the program itself declares something else than it did last
// time. A job that had been removed is there again. Jobs the store has and
// this program does not know are left to others.
//
// It returns ErrExists if this scheduler already has one of the jobs.
func (s *Scheduler) Add(ctx context.Context, jobs ...Job) error {
	names := make(map[string]struct{}, len(jobs))
	for i := range jobs {
		name := jobs[i].Name
		if err := jobs[i].Check(); err != nil {
			return err
		}
		if names[name] = struct{}{}; s.has(name) || len(names) <= i {
			return fmt.Errorf("add job %s: %w", name, ErrExists)
		}
	}
	return s.declare(ctx, jobs, false)
}

// Replace changes a job, or adds it. The change is durable: it holds for every
// process, also after a restart, until the program declares something new. A
// run under way goes on as it began.
func (s *Scheduler) Replace(ctx context.Context, job Job) error {
	if err := job.Check(); err != nil {
		return err
	}
	return s.declare(ctx, []Job{job}, true)
}

func (s *Scheduler) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[name] != nil
}

// declare writes jobs to the store, trying again those that somebody else
// wrote meanwhile. This process knows all of them in the end, or none.
func (s *Scheduler) declare(ctx context.Context, jobs []Job, replace bool) error {
	all := make([]declaration, len(jobs))
	left := make([]*declaration, len(jobs))
	for i := range jobs {
		all[i] = s.declaration(&jobs[i])
		left[i] = &all[i]
	}
	for try := 0; len(left) > 0; try++ {
		if try == maxTries {
			return fmt.Errorf("add jobs: %w", ErrStale)
		}
		var err error
		if left, err = s.tryDeclare(ctx, left, replace); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range all {
		s.enter(&all[i])
	}
	return nil
}

// tryDeclare writes declarations and returns those that somebody else wrote
// meanwhile.
func (s *Scheduler) tryDeclare(ctx context.Context, list []*declaration, replace bool) (left []*declaration, err error) {
	now, err := s.lookUp(ctx, list)
	if err != nil {
		return nil, fmt.Errorf("add jobs: %w", err)
	}
	changes := make([]Change, 0, len(list))
	written := list[:0]
	for _, d := range list {
		followed, err := s.checkAfter(ctx, d.job)
		if err != nil {
			return nil, fmt.Errorf("add job %s: %w", d.job.Name, err)
		}
		s.mu.Lock()
		d.plan = s.declared(d, now, replace, followed)
		s.mu.Unlock()
		if d.plan != nil {
			changes, written = append(changes, d.plan.change()), append(written, d)
		}
	}
	if len(changes) == 0 {
		return nil, nil
	}
	stood, err := s.store.Write(ctx, changes)
	if err != nil {
		return nil, fmt.Errorf("add jobs: %w", err)
	}
	for i, d := range written {
		if stood[i] != nil {
			left = append(left, d)
		} else {
			d.state = &d.plan.job
		}
	}
	return left, nil
}

// lookUp reads the stored states of jobs, and the store's clock.
func (s *Scheduler) lookUp(ctx context.Context, list []*declaration) (time.Time, error) {
	due, err := s.store.Due(ctx, 0, nil)
	if err != nil || len(list) == 0 {
		return due.Now, err
	}
	names := make([]string, len(list))
	for i, d := range list {
		names[i] = d.job.Name
	}
	states, err := s.store.Jobs(ctx, names...)
	byName := func(st *State, name string) int { return strings.Compare(st.Name, name) }
	slices.SortFunc(states, func(a, b *State) int { return byName(a, b.Name) })
	for _, d := range list {
		d.state = nil
		if i, ok := slices.BinarySearchFunc(states, d.job.Name, byName); ok {
			d.state = states[i]
		}
	}
	return due.Now, err
}

// declared plans what a declaration changes; nil means nothing. The mutex is
// held.
func (s *Scheduler) declared(d *declaration, now time.Time, replace bool, followed time.Time) *plan {
	st, def := d.state, d.def
	if st == nil {
		p := s.newPlan(&State{Name: d.job.Name, Definition: def, Declared: def}, d.trigger, now)
		if !followed.IsZero() {
			p.remembered().Followed = followed
		}
		p.job.Due = p.next(now, 0)
		return p
	}
	same := st.Definition
	switch {
	case st.Removed:
	case replace && def.Equal(st.Definition), !replace && def.Equal(st.Declared):
		return nil
	}
	p := s.newPlan(st, d.trigger, now)
	p.job.Definition, p.def, p.same = def, def, false
	if !replace {
		p.job.Declared = def
	}
	newRule := st.Removed || def.Trigger != same.Trigger || def.Trigger == "" || !slices.Equal(def.After, same.After)
	p.job.Removed = false
	if newRule && (st.Due.IsZero() || st.Due.After(now)) {
		p.job.Due = p.fromHere()
	}
	return p
}

// enter makes a job known to this process. The mutex is held.
func (s *Scheduler) enter(d *declaration) {
	j := d.job
	e := s.jobs[j.Name]
	added := e == nil
	if added {
		e = &entry{}
		s.jobs[j.Name] = e
	}
	e.run, e.own = j.Run, d.trigger
	s.act(e, d.def, nil)
	s.update(e, d.state)
	if len(j.After) > 0 && !slices.Contains(s.followers, j.Name) {
		s.followers = append(s.followers, j.Name)
	}
	if j.AtStart && added {
		s.asks = append(s.asks, j.Name)
	}
	if s.earlier(d.state.Wake) || len(s.asks) > 0 || len(j.After) > 0 {
		s.poke()
	}
	if d.plan != nil {
		s.plans = append(s.plans, d.plan)
	}
}

// earlier tells whether an instant comes before the loop's next look, and
// notes it.
func (s *Scheduler) earlier(t time.Time) bool {
	if t.IsZero() || !s.clock.next.IsZero() && !t.Before(s.clock.next) {
		return false
	}
	s.clock.next = t
	return true
}

// checkAfter refuses circles and returns up to where the jobs named in After
// have come.
func (s *Scheduler) checkAfter(ctx context.Context, j *Job) (time.Time, error) {
	var followed time.Time
	if len(j.After) == 0 {
		return followed, nil
	}
	seen := map[string]bool{}
	names := j.After
	for depth := 0; len(names) > 0; depth++ {
		if slices.Contains(names, j.Name) {
			return followed, ErrCircle
		}
		states, err := s.store.Jobs(ctx, names...)
		if err != nil {
			return followed, err
		}
		var further []string
		for _, st := range states {
			seen[st.Name] = true
			if r := st.Record; depth == 0 && r != nil && r.Due.After(followed) {
				followed = r.Due
			}
			for _, n := range st.Definition.After {
				if !seen[n] {
					further = append(further, n)
				}
			}
		}
		names = further
	}
	return followed, nil
}

// Remove takes a job out, for every process: what waits is cancelled, what
// runs is asked to stop, its history stays until its time. A program that
// declares the job again, at its next start, brings it back.
func (s *Scheduler) Remove(ctx context.Context, name string) error {
	err := s.edit(ctx, "remove", name, func(p *plan) error {
		p.cancel("the job is removed")
		p.job.Removed, p.job.Due = true, time.Time{}
		return nil
	})
	if err == nil {
		s.mu.Lock()
		if e := s.jobs[name]; e != nil {
			e.gone = true
			delete(s.jobs, name)
		}
		s.followers = slices.DeleteFunc(s.followers, func(n string) bool { return n == name })
		s.mu.Unlock()
	}
	return err
}

// Pause stops a job's trigger for every process until Resume; it can still be
// asked to run. Ticks that pass meanwhile are skipped, with that reason.
func (s *Scheduler) Pause(ctx context.Context, name string) error {
	return s.edit(ctx, "pause", name, func(p *plan) error {
		if p.job.Paused {
			return errNothing
		}
		p.job.Paused = true
		return nil
	})
}

// Resume ends a pause.
func (s *Scheduler) Resume(ctx context.Context, name string) error {
	return s.edit(ctx, "resume", name, func(p *plan) error {
		if !p.job.Paused {
			return errNothing
		}
		p.pass("the job was paused")
		p.job.Paused = false
		return nil
	})
}

// Reckon works out anew when a job is due next, which is called for when what its
// trigger depends on beside the job has changed, such as a calendar. A tick that
// is due already stays.
func (s *Scheduler) Reckon(ctx context.Context, name string) error {
	return s.edit(ctx, "reckon", name, func(p *plan) error {
		if !p.reckon() {
			return errNothing
		}
		return nil
	})
}

// Cancel ends the job's waiting ticks and asks its runs to stop, in whichever
// process they are.
func (s *Scheduler) Cancel(ctx context.Context, name string) error {
	return s.edit(ctx, "cancel", name, func(p *plan) error {
		if len(p.job.Open) == 0 {
			return errNothing
		}
		p.cancel("cancelled on request")
		return nil
	})
}

// errNothing ends an edit that has nothing to change.
var errNothing = errors.New("nothing to change")

// edit changes a stored job, as often as it takes.
func (s *Scheduler) edit(ctx context.Context, verb, name string, change func(*plan) error) error {
	for range maxTries {
		p, err := s.read(ctx, name)
		if err == nil {
			err = change(p)
		}
		if errors.Is(err, errNothing) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s job %s: %w", verb, name, err)
		}
		stood, err := s.store.Write(ctx, []Change{p.change()})
		if err != nil {
			return fmt.Errorf("%s job %s: %w", verb, name, err)
		}
		if stood[0] == nil {
			s.accepted(p)
			s.poke()
			return nil
		}
	}
	return fmt.Errorf("%s job %s: %w", verb, name, ErrStale)
}

// read begins a plan from what the store has, with the rows of all open ticks.
func (s *Scheduler) read(ctx context.Context, name string) (*plan, error) {
	due, err := s.store.Due(ctx, 0, nil)
	if err != nil {
		return nil, err
	}
	states, err := s.store.Jobs(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(states) == 0 || states[0].Removed {
		return nil, ErrUnknown
	}
	st := states[0]
	_, p := s.plan(st, due.Now)
	var keys []Key
	for _, o := range st.Open {
		keys = append(keys, Key{name, o.Due})
	}
	p.rows, err = s.rows(ctx, keys)
	return p, err
}

// rows reads rows of the ledger by key.
func (s *Scheduler) rows(ctx context.Context, keys []Key) (map[Key]*Tick, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	list, err := s.store.Ticks(ctx, Query{Keys: keys, Limit: -1})
	rows := make(map[Key]*Tick, len(list))
	for _, t := range list {
		rows[t.Key()] = t
	}
	return rows, err
}

// plan begins a plan from a state that was read, with this process's entry of
// the job, if it has one.
func (s *Scheduler) plan(st *State, now time.Time) (*entry, *plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.jobs[st.Name]
	if e == nil {
		return nil, s.newPlan(st, nil, now)
	}
	s.update(e, st)
	return e, s.newPlan(st, e.trigger(), now)
}

// accepted takes note of a plan that stands.
func (s *Scheduler) accepted(p *plan) {
	s.mu.Lock()
	if e := s.jobs[p.job.Name]; e != nil {
		s.update(e, &p.job)
	}
	s.cancelRuns(p)
	s.mu.Unlock()
	for _, t := range p.ticks {
		if passed(t) {
			s.emit(Event{Kind: Passed, Tick: *t})
		}
	}
	s.broadcast()
}
