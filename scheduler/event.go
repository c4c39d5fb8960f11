package scheduler

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
)

// Kind is what an Event tells.
type Kind string

// The kinds of events.
const (
	Started     Kind = "started"      // a run began, or is about to
	Ended       Kind = "ended"        // a run ended, its tick with it or not
	Passed      Kind = "passed"       // a tick ended without a run: its outcome tells how
	LostLease   Kind = "lost"         // the holder of a run is gone, or lost its lease
	Stuck       Kind = "stuck"        // a run ignores the end of its context
	Alerted     Kind = "alerted"      // a job failed too often or was silent too long
	StoreDown   Kind = "store down"   // the store does not answer
	StoreUp     Kind = "store up"     // it does again
	ClockJumped Kind = "clock jumped" // the wall clock was set by more than a minute, or the machine slept
	LoopStalled Kind = "loop stalled" // the scheduler's loop stands still
)

// An Event is something that happened in this scheduler.
type Event struct {
	Kind Kind
	// Tick is the row it is about, if it is about one. At the end of a run
	// it is the row as written: an outcome of Waiting means another attempt.
	Tick Tick
	// Job is the job it is about.
	Job string
	// Text says it in words.
	Text string
}

// An observer is a function to be told of events.
type observer struct{ f func(Event) }

// Observe calls f for each event from now on, in the order they happen for
// each run, until stop is called. It is called on the scheduler's own
// goroutines: it must return soon.
func (s *Scheduler) Observe(f func(Event)) (stop func()) {
	o := &observer{f}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observers = append(slices.Clone(s.observers), o)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.observers = slices.DeleteFunc(slices.Clone(s.observers), func(x *observer) bool { return x == o })
	}
}

// emit logs an event and tells the observers.
func (s *Scheduler) emit(e Event) {
	if e.Job == "" {
		e.Job = e.Tick.Job
	}
	s.mu.Lock()
	list := s.observers
	s.mu.Unlock()
	for _, o := range list {
		o.f(e)
	}
	s.logEvent(e)
}

func (s *Scheduler) logEvent(e Event) {
	level, t := slog.LevelDebug, &e.Tick
	switch e.Kind {
	case Started:
	case Ended, Passed:
		if o := t.Outcome; o == Failed || o == TimedOut || o == Missed {
			level = slog.LevelWarn
		}
	case StoreUp:
		level = slog.LevelInfo
	default:
		level = slog.LevelWarn
	}
	if !s.log.Enabled(context.Background(), level) {
		return
	}
	attrs := []slog.Attr{slog.String("job", e.Job)}
	if t.Job != "" {
		attrs = append(attrs, slog.Time("due", t.Due), slog.Int64("fence", t.Fence), slog.Int("attempt", t.Attempt))
	}
	if e.Kind == Ended || e.Kind == Passed {
		attrs = append(attrs, slog.String("outcome", string(t.Outcome)), slog.String("reason", t.Reason))
	}
	if e.Kind == Ended {
		attrs = append(attrs, slog.Duration("took", t.Ended.Sub(t.Started)))
	}
	if e.Text != "" {
		attrs = append(attrs, slog.String("text", e.Text))
	}
	attrs = append(attrs, slog.String("event", string(e.Kind)))
	s.log.LogAttrs(context.Background(), level, "scheduler event", attrs...)
}

// endOf are the events of a run's end, by its job and its row as written. The
// alarm is raised when the tick is the n-th in a row without success.
func endOf(st *State, row *Tick) []Event {
	list := []Event{{Kind: Ended, Tick: *row}}
	if n := st.Definition.Alert.Failures; n > 0 && !row.Outcome.Open() && st.Record != nil && st.Record.Failures == n {
		list = append(list, Event{Kind: Alerted, Tick: *row, Text: fmt.Sprintf("%d ticks in a row without success: %s", n, row.Reason)})
	}
	return list
}

// passed tells whether a row was written of a tick that ended without a run.
func passed(t *Tick) bool { return !t.Outcome.Open() && t.Attempt == 0 }

// isHeard tells whether anybody wants to know of what goes well.
func (s *Scheduler) isHeard() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.observers) > 0 || s.log.Enabled(context.Background(), slog.LevelWarn)
}
