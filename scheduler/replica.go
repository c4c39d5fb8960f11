package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// A Replica is a scheduler among those that share a store.
type Replica struct {
	Holder  string    `json:"holder"` // its name in the ledger
	Labels  []string  `json:"labels,omitzero"`
	Started time.Time `json:"started"` // zero where it is known from the ledger only
	Seen    time.Time `json:"seen"`    // when it last told that it is there
	// Stopped is true for one that has ended in good order.
	Stopped bool `json:"stopped,omitzero"`
	// Running are the ticks it holds.
	Running []*Tick `json:"-"`
}

// ReplicaGone is how long a replica has been silent that is no longer listed.
const ReplicaGone = 24 * time.Hour

// Replicas returns the schedulers that share the store, in order of name, as
// far as they were heard of within a day. Each tells once a minute that it is
// there; one that is Exclusive tells nobody, and knows of itself only.
func (s *Scheduler) Replicas(ctx context.Context) ([]Replica, error) {
	list, err := s.store.Replicas(ctx)
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	running, err := s.store.Ticks(ctx, Query{Outcome: Running, Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	s.freshen(running)
	if s.running.Load() {
		self := s.replica(s.now())
		list = slices.DeleteFunc(list, func(r Replica) bool { return r.Holder == self.Holder })
		list = append(list, self)
	}
	for _, t := range running {
		i := slices.IndexFunc(list, func(r Replica) bool { return r.Holder == t.Holder })
		if i < 0 { // one of an older version
			i = len(list)
			list = append(list, Replica{Holder: t.Holder})
		}
		list[i].Running = append(list[i].Running, t)
	}
	slices.SortFunc(list, func(a, b Replica) int { return cmp.Compare(a.Holder, b.Holder) })
	return list, nil
}

// replica is this scheduler at an instant.
func (s *Scheduler) replica(now time.Time) Replica {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Replica{Holder: s.holder, Labels: s.cfg.Labels, Started: s.started, Seen: now}
}

// now is the store's clock, as far as it is known.
func (s *Scheduler) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock.read.IsZero() {
		return micro(time.Now())
	}
	return micro(s.clock.now.Add(time.Since(s.clock.read)))
}

// tellOthers tells those who share the store that this replica is there, or that
// it has ended. Nothing depends on it, so that a failure is left at that.
func (l *loop) tellOthers(ctx context.Context, now time.Time, stopped bool) {
	l.mu.Lock()
	if l.started.IsZero() {
		l.started = now
	}
	l.mu.Unlock()
	if l.cfg.Exclusive {
		return
	}
	r := l.replica(now)
	r.Stopped = stopped
	if _, err := l.store.Write(ctx, []Change{{Replica: &r}}); err != nil {
		l.log.Debug("others were not told of this replica", "error", err)
	}
}
