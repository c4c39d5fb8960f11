package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// RunNow makes sure that a run of the job is under way and returns its tick:
// the one that runs or is due already, else a new one. It does not wait for
// the end; Wait does.
func (s *Scheduler) RunNow(ctx context.Context, name string) (Key, error) {
	return s.ask(ctx, "run", name, false)
}

// RunAfresh makes sure that a run of the job will begin after the call and
// returns its tick, without waiting for it. All who call it while a run is
// under way share the one that is queued behind it.
func (s *Scheduler) RunAfresh(ctx context.Context, name string) (Key, error) {
	return s.ask(ctx, "refresh", name, true)
}

// Refresh waits for a run of the job that begins after the call, and returns
// nil if it succeeded and a *TickError if not. All who call it while a run is
// under way share the one that is queued behind it.
func (s *Scheduler) Refresh(ctx context.Context, name string) error {
	k, err := s.RunAfresh(ctx, name)
	if err != nil {
		return err
	}
	t, err := s.Wait(ctx, k)
	if err != nil {
		return err
	}
	return t.Err()
}

func (s *Scheduler) ask(ctx context.Context, verb, name string, fresh bool) (Key, error) {
	k := Key{Job: name}
	err := s.edit(ctx, verb, name, func(p *plan) error {
		k.Due = p.ask(fresh)
		if len(p.ticks) == 0 {
			return errNothing
		}
		return nil
	})
	return k, err
}

// Wait waits until a tick has ended, wherever it runs, and returns its row.
func (s *Scheduler) Wait(ctx context.Context, k Key) (*Tick, error) {
	for {
		s.mu.Lock()
		moved := s.moved
		s.mu.Unlock()
		list, err := s.store.Ticks(ctx, Query{Keys: []Key{k}})
		switch {
		case err != nil:
			return nil, fmt.Errorf("wait for %s: %w", k, err)
		case len(list) == 0:
			return nil, fmt.Errorf("wait for %s: %w", k, errors.New("no such tick in the ledger"))
		case !list[0].Outcome.Open():
			return list[0], nil
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-moved:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// A TickError is a tick that ended without success.
type TickError struct{ Tick *Tick }

// Error tells the outcome and its reason.
func (e *TickError) Error() string {
	return fmt.Sprintf("run %s: %s: %s", e.Tick.Key(), e.Tick.Outcome, e.Tick.Reason)
}

// Err returns nil for a tick that is open or succeeded, else a *TickError.
func (t *Tick) Err() error {
	if t.Outcome.Open() || t.Outcome == Succeeded {
		return nil
	}
	return &TickError{t}
}

// broadcast tells those who wait that something has changed.
func (s *Scheduler) broadcast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.moved)
	s.moved = make(chan struct{})
}
