package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	for i := range jobs {
		if err := jobs[i].Check(); err != nil {
			return err
		}
		if s.has(jobs[i].Name) || slices.ContainsFunc(jobs[:i], func(o Job) bool { return o.Name == jobs[i].Name }) {
			return fmt.Errorf("add job %s: %w", jobs[i].Name, ErrExists)
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
	known := map[string]*State{}
	left := jobs
	for range maxTries {
		states, now, err := s.lookUp(ctx, left)
		if err != nil {
			return fmt.Errorf("add jobs: %w", err)
		}
		var changes []Change
		var again []Job
		for i := range left {
			j := &left[i]
			followed, err := s.checkAfter(ctx, j)
			if err != nil {
				return fmt.Errorf("add job %s: %w", j.Name, err)
			}
			if p := s.declared(j, states[j.Name], now, replace, followed); p != nil {
				changes, again = append(changes, p.change()), append(again, *j)
			} else {
				known[j.Name] = states[j.Name]
			}
		}
		if len(changes) == 0 {
			break
		}
		stood, err := s.store.Write(ctx, changes)
		if err != nil {
			return fmt.Errorf("add jobs: %w", err)
		}
		left = nil
		for i, err := range stood {
			if err == nil {
				known[again[i].Name] = changes[i].Job
			} else {
				left = append(left, again[i])
			}
		}
		if len(left) == 0 {
			break
		}
	}
	if len(known) < len(jobs) {
		return fmt.Errorf("add jobs: %w", ErrStale)
	}
	for i := range jobs {
		s.enter(&jobs[i], known[jobs[i].Name])
	}
	return nil
}

// lookUp reads the stored states of jobs, and the store's clock.
func (s *Scheduler) lookUp(ctx context.Context, jobs []Job) (map[string]*State, time.Time, error) {
	due, err := s.store.Due(ctx, 0, s.mine)
	if err != nil {
		return nil, time.Time{}, err
	}
	names := make([]string, len(jobs))
	for i := range jobs {
		names[i] = jobs[i].Name
	}
	if len(names) == 0 {
		return nil, due.Now, nil
	}
	list, err := s.store.Jobs(ctx, names...)
	states := make(map[string]*State, len(list))
	for _, st := range list {
		states[st.Name] = st
	}
	return states, due.Now, err
}

// declared plans what a declaration changes; nil means nothing.
func (s *Scheduler) declared(j *Job, st *State, now time.Time, replace bool, followed time.Time) *plan {
	def := s.intern(define(*j))
	if st == nil {
		st = &State{Name: j.Name, Definition: def, Declared: def}
		if !followed.IsZero() {
			st.Record = &Record{Followed: followed}
		}
		p := newPlan(st, j.Trigger, now)
		p.job.Due = p.next(now, 0)
		return p
	}
	same := st.Definition
	switch {
	case st.Removed:
	case replace && def.Equal(st.Definition), !replace && def.Equal(st.Declared):
		return nil
	}
	p := newPlan(st, j.Trigger, now)
	p.job.Definition, p.def = def, def
	if !replace {
		p.job.Declared = def
	}
	newRule := st.Removed || def.Trigger != same.Trigger || def.Trigger == "" || !slices.Equal(def.After, same.After)
	p.job.Removed = false
	if newRule && (st.Due.IsZero() || st.Due.After(now)) {
		after := now
		if st.Last.After(after) {
			after = st.Last
		}
		p.job.Due = p.next(after, st.Count)
	}
	return p
}

// intern returns one shared copy of equal definitions, since most jobs of a
// program have the same policies.
func (s *Scheduler) intern(d Definition) *Definition {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || !s.last.Equal(&d) {
		s.last = &d
	}
	return s.last
}

// enter makes a job known to this process.
func (s *Scheduler) enter(j *Job, st *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.jobs[j.Name]
	added := e == nil
	if added {
		e = &entry{}
		s.jobs[j.Name] = e
	}
	e.run, e.own = j.Run, j.Trigger
	e.state = nil // so that follow looks at the definition
	s.follow(e, st)
	if len(j.After) > 0 && !slices.Contains(s.followers, j.Name) {
		s.followers = append(s.followers, j.Name)
	}
	if j.AtStart && added {
		s.asks = append(s.asks, j.Name)
	}
	if s.earlier(st.Wake) || len(s.asks) > 0 || len(j.After) > 0 {
		s.poke()
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
		delete(s.jobs, name)
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
	due, err := s.store.Due(ctx, 0, s.mine)
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
	s.learn(st)
	p := s.plan(st, due.Now)
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

// plan begins a plan with this process's trigger for the job.
func (s *Scheduler) plan(st *State, now time.Time) *plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := newPlan(st, nil, now)
	if e := s.jobs[st.Name]; e != nil {
		p.trigger = e.trigger
	}
	p.holder, p.lease = s.holder, s.cfg.Lease
	return p
}

// accepted takes note of a plan that stands.
func (s *Scheduler) accepted(p *plan) {
	s.learn(p.job)
	for _, t := range p.ticks {
		if t.Outcome == Running && t.Cancel != "" {
			s.cancelRun(t)
		}
		if !t.Outcome.Open() && t.Attempt == 0 {
			s.emitPassed(t)
		}
	}
	s.broadcast()
}
