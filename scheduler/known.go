package scheduler

import (
	"context"
	"fmt"
)

// Job returns a job as it holds here, with its function, to be changed and
// given to Replace. It returns false for one that this process was not given,
// or whose stored policies it does not understand.
func (s *Scheduler) Job(name string) (Job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.jobs[name]
	if e == nil || !e.def.known() {
		return Job{}, false
	}
	d := e.def
	return Job{
		Name: name, Trigger: e.trigger(), After: d.After, Run: e.run, Timeout: d.Timeout,
		Overlap: d.Overlap, Misfire: d.Misfire, Grace: d.Grace, Retry: d.Retry, Alert: d.Alert,
		Labels: d.Labels, AtStart: d.AtStart,
	}, true
}

// Status returns one job as the list shows it, or ErrUnknown.
func (s *Scheduler) Status(ctx context.Context, name string) (Status, error) {
	states, err := s.store.Jobs(ctx, name)
	if err == nil && (len(states) == 0 || states[0].Removed) {
		err = ErrUnknown
	}
	var list []Status
	if err == nil {
		list, err = s.statuses(ctx, states, Query{Job: name, Outcome: Running, Limit: -1})
	}
	if err != nil {
		return Status{}, fmt.Errorf("look at job %s: %w", name, err)
	}
	return list[0], nil
}
