package memory

import (
	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

var _ beforehand.State = (*State)(nil)

// State is everything kept in memory. Make one with New.
type State struct {
	jobs      *Jobs
	snapshots snapshots
	tokens    tokens
	calendars calendars
	messages  messages
	accounts  accounts
}

// New returns an empty State.
func New() *State {
	s := &State{}
	s.jobs = newJobs(s)
	return s
}

// Jobs returns the scheduler's store.
func (s *State) Jobs() scheduler.Store { return s.jobs }

// Snapshots returns the store of finished results.
func (s *State) Snapshots() snapshot.Store { return &s.snapshots }

// Close does nothing.
func (s *State) Close() error { return nil }
