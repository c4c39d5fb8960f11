package memory

import "github.com/beforehand-go/beforehand/scheduler"

// State is everything kept in memory. Make one with New.
type State struct {
	jobs *Jobs
}

// New returns an empty State.
func New() *State {
	s := &State{}
	s.jobs = newJobs(s)
	return s
}

// Jobs returns the scheduler's store.
func (s *State) Jobs() scheduler.Store { return s.jobs }

// Close does nothing.
func (s *State) Close() error { return nil }
