package scheduler

import (
	"fmt"
	"time"
)

// Health tells how a scheduler is.
type Health struct {
	// OK is true while the store answers, the loop moves and no run is stuck.
	OK bool
	// Reasons say what is wrong, in words.
	Reasons []string
	// Running counts the functions being called, Waiting the ticks held
	// here until there is room.
	Running, Waiting int
	// LastStep is when the store last answered; zero before the first time.
	LastStep time.Time
}

// health is what the loop and its guard note.
type health struct {
	lastStep time.Time
	store    error
	since    time.Time // the store does not answer
	stalled  bool
	jumped   string
	jumpedAt time.Time
	stuck    int
	ahead    string
}

// clock compares the store's clock with this process's monotonic one.
type clock struct {
	now  time.Time // the store's, when last read
	read time.Time // this process's, at that moment
	next time.Time // when the loop next looks at a job
}

// Health tells how the scheduler is, without asking the store.
func (s *Scheduler) Health() Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := Health{Running: s.calling(), Waiting: s.queue.len(), LastStep: s.health.lastStep}
	if err := s.health.store; err != nil {
		h.Reasons = append(h.Reasons, fmt.Sprintf("the store does not answer since %s: %v", text(s.health.since), err))
	}
	if s.health.stalled {
		h.Reasons = append(h.Reasons, "the loop stands still since "+text(s.health.lastStep))
	}
	if s.health.jumped != "" && time.Since(s.health.jumpedAt) < 10*time.Minute {
		h.Reasons = append(h.Reasons, s.health.jumped)
	}
	if s.health.ahead != "" {
		h.Reasons = append(h.Reasons, s.health.ahead)
	}
	if s.health.stuck > 0 {
		h.Reasons = append(h.Reasons, fmt.Sprintf("%d runs ignored the end of their context and still go on", s.health.stuck))
	}
	h.OK = len(h.Reasons) == 0
	return h
}

// storeLost notes that a step failed.
func (s *Scheduler) storeLost(err error) {
	s.mu.Lock()
	first := s.health.store == nil
	s.health.store = err
	if first {
		s.health.since = time.Now()
	}
	s.mu.Unlock()
	if first {
		s.emit(Event{Kind: StoreDown, Text: err.Error()})
	}
}

// storeBack notes that a step was done.
func (s *Scheduler) storeBack() {
	s.mu.Lock()
	was := s.health.store
	s.health.store, s.health.lastStep, s.health.stalled = nil, time.Now(), false
	s.mu.Unlock()
	if was != nil {
		s.emit(Event{Kind: StoreUp})
	}
}

// sawClock notes the store's clock and reports a jump of over a minute against
// this process's monotonic one.
func (s *Scheduler) sawClock(now time.Time) {
	s.mu.Lock()
	here := time.Now()
	jump := now.Sub(s.clock.now) - here.Sub(s.clock.read)
	first := s.clock.read.IsZero()
	s.clock.now, s.clock.read = now, here
	if first || jump.Abs() <= time.Minute {
		s.mu.Unlock()
		return
	}
	how := "forward"
	if jump < 0 {
		how = "back"
	}
	s.health.jumped = fmt.Sprintf("the clock went %s by %s: it was set, or the machine slept", how, jump.Abs().Round(time.Second))
	s.health.jumpedAt = here
	e := Event{Kind: ClockJumped, Text: s.health.jumped}
	s.mu.Unlock()
	s.emit(e)
}

// watchLoop notices a loop that stands still: it looks at the store every 15 s
// at the latest and gives it a third of a lease to answer.
func (s *Scheduler) watchLoop() {
	s.mu.Lock()
	last := s.health.lastStep
	late := !last.IsZero() && s.health.store == nil && time.Since(last) > 2*maxSleep+max(s.cfg.Lease/3, time.Second)
	first := late && !s.health.stalled
	s.health.stalled = late
	s.mu.Unlock()
	if first {
		s.emit(Event{Kind: LoopStalled, Text: "no step since " + text(last)})
	}
}
