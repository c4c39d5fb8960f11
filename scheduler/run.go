package scheduler

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// A Run is one attempt to carry out a tick, as its function sees it.
type Run struct {
	// Job and Due name the tick.
	Job string
	Due time.Time
	// Fence grows with every attempt of the job. What is written outside the
	// state store can carry it, so that whoever keeps it refuses what comes
	// late from an older attempt.
	Fence int64
	// Attempt counts the runs of this tick from one.
	Attempt int
	// Asked is true if somebody asked for the run, false if it was due.
	Asked bool

	entry   *entry
	timeout time.Duration
	ctx     context.Context
	cancel  context.CancelCauseFunc

	mu       sync.Mutex
	progress Progress
	effects  []any

	// The fields below belong to the scheduler and are guarded by its mutex.
	tick      *Tick     // as last written
	held      time.Time // when the lease was last renewed, on this clock
	queued    time.Time
	begun     time.Time // zero while it waits for room
	stop      string    // why its context was ended; empty while it was not
	stopped   time.Time
	abandoned bool // given up: what it returns does not matter
	lost      bool // the tick is somebody else's by now
	result    result
}

// Key returns "job@due", the same in every process and at every attempt. It
// makes effects outside the state store harmless when done twice.
func (r *Run) Key() string { return Key{r.Job, r.Due}.String() }

// Commit adds an effect that is written in the same transaction as the run's
// success, and only if no other attempt has taken the tick meanwhile; if the
// run does not succeed it is dropped. Which types can be written is up to the
// store; another type fails the run.
func (r *Run) Commit(effect any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.effects = append(r.effects, effect)
}

// Progress tells how far the run is, for who looks at the list of jobs. It
// costs next to nothing: what was told last is written along with the lease.
// A total of zero means unknown.
func (r *Run) Progress(done, total int64, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = Progress{Done: done, Total: total, Line: clean(line)}
}

// told returns the progress.
func (r *Run) told() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress
}

// newRun makes the run of a tick this scheduler holds.
func newRun(base context.Context, e *entry, t *Tick, timeout time.Duration, held time.Time) *Run {
	r := &Run{
		Job: t.Job, Due: t.Due, Fence: t.Fence, Attempt: t.Attempt, Asked: t.Asked,
		entry: e, tick: t, timeout: timeout, held: held, queued: held,
	}
	r.ctx, r.cancel = context.WithCancelCause(base)
	return r
}

// work calls the functions of runs until no more wait.
func (s *Scheduler) work(r *Run) {
	for r != nil {
		r = s.workOne(r)
	}
}

// workOne calls one function and returns the run that gets its room.
func (s *Scheduler) workOne(r *Run) (next *Run) {
	returned := false
	defer func() {
		if !returned { // runtime.Goexit takes this goroutine down
			go s.work(s.returned(r, result{outcome: Failed, reason: "the function called runtime.Goexit"}))
		}
	}()
	res := r.call()
	returned = true
	return s.returned(r, res)
}

// call runs the function and tells how it ended; a panic becomes an error with
// its stack.
func (r *Run) call() (res result) {
	ctx := r.ctx
	if r.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.timeout, ErrTimeout)
		defer cancel()
	}
	defer func() {
		if v := recover(); v != nil {
			res = result{outcome: Failed, reason: fmt.Sprintf("panic: %v\n\n%s", v, debug.Stack())}
		}
	}()
	if err := r.entry.run(ctx, r); err != nil {
		return failure(err, context.Cause(ctx))
	}
	return result{outcome: Succeeded}
}

// failure tells how a run ended that returned an error, given why its context
// had ended, if it had.
func failure(err, cause error) result {
	res := result{outcome: Failed, reason: err.Error()}
	switch {
	case errors.Is(cause, ErrTimeout):
		res.outcome = TimedOut
	case errors.Is(cause, ErrCancelled):
		res.outcome, res.reason = Cancelled, cause.Error()
	case errors.Is(cause, ErrLost):
		res.outcome, res.reason = Lost, cause.Error()
	case errors.Is(cause, ErrShutdown):
		res.outcome, res.reason, res.back = Cancelled, "handed back: "+cause.Error(), true
	}
	res.permanent = errors.As(err, new(permanent))
	return res
}

// returned takes what a run returned and gives its room to the next in line,
// if there is one.
func (s *Scheduler) returned(r *Run, res result) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.cancel(nil)
	if r.abandoned {
		s.health.stuck-- // it did end after all
		return nil
	}
	took := time.Since(r.begun)
	s.pace += (took - s.pace) / 16
	res.started = r.tick.Started.Add(r.begun.Sub(r.queued))
	r.result = res
	if delete(s.strays, r); !r.lost {
		s.ended = append(s.ended, r)
	}
	if len(s.ended) <= 1 {
		s.poke()
	}
	if len(s.queue) == 0 || s.stopping {
		s.busy--
		return nil
	}
	next := s.queue[0]
	s.queue = s.queue[1:]
	next.begun = time.Now()
	return next
}

// hold takes a tick that this scheduler has claimed, and begins it if there is
// room.
func (s *Scheduler) hold(r *Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[Key{r.Job, r.Due}] = r
	if s.busy < s.cfg.MaxRuns && len(s.queue) == 0 {
		s.busy++
		r.begun = time.Now()
		go s.work(r)
		return
	}
	s.queue = append(s.queue, r)
}

// room is how many ticks to claim now: those there is room for, and as many
// more as would begin within moments at the pace runs had lately.
func (s *Scheduler) room() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return 0
	}
	ahead := min(1024, s.cfg.MaxRuns*int(20*time.Millisecond/max(s.pace, time.Microsecond)))
	return max(0, s.cfg.MaxRuns+ahead-s.busy-len(s.queue))
}

// stopRun ends a run's context with a cause, once.
func (s *Scheduler) stopRun(r *Run, cause error) {
	if r.stop != "" {
		return
	}
	r.stop, r.stopped = cause.Error(), time.Now()
	r.cancel(cause)
}
