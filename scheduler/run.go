package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
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

	s       *Scheduler
	entry   *entry
	run     func(context.Context, *Run) error
	timeout time.Duration

	mu    sync.Mutex
	cause error                // why its context ended, or will when it is made
	said  atomic.Pointer[said] // nil if nothing was

	// The fields below belong to the scheduler and are guarded by its mutex.
	// Times are counted from its epoch, on this process's clock.
	at             int32         // place among those held
	begun          bool          // it does not wait for room any more
	abandoned      bool          // given up: what it returns does not matter
	lost           bool          // the tick is somebody else's by now
	since          time.Duration // when it began, or began to wait
	version        int64         // of the tick's row, as last written
	ready, started int64         // of the row, in microseconds
	rest           *rest         // of the row, nil for most
	held           time.Duration // when the lease was last renewed
	stopped        time.Duration // zero while nobody has ended its context
	result         *result       // nil while there is none
}

// rest is what the row of a run's tick has when it was tried before or is to
// stop.
type rest struct {
	cancel  string
	earlier []Attempt
}

// said is what a run's function has told or asked for.
type said struct {
	ctx      context.Context
	cancel   func(error) // ends it
	progress Progress
	effects  []any
	log      *runLog // nil if no logger was asked for
	logger   *slog.Logger
	logged   int // lines of the log that are written
}

// Key returns "job@due", the same in every process and at every attempt. It
// makes effects outside the state store harmless when done twice.
func (r *Run) Key() string { return Key{r.Job, r.Due}.String() }

// Commit adds an effect that is written in the same transaction as the run's
// success, and only if no other attempt has taken the tick meanwhile; if the
// run does not succeed it is dropped. Which types can be written is up to the
// store; another type fails the run.
func (r *Run) Commit(effect any) {
	r.say(func(s *said) { s.effects = append(s.effects, effect) })
}

// Progress tells how far the run is, for who looks at the list of jobs. It
// costs next to nothing: what was told last is written along with the lease.
// A total of zero means unknown.
func (r *Run) Progress(done, total int64, line string) {
	r.say(func(s *said) { s.progress = Progress{Done: done, Total: total, Line: clean(line)} })
}

func (r *Run) say(f func(*said)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said.Load() == nil {
		r.said.Store(new(said))
	}
	f(r.said.Load())
}

// told returns the progress.
func (r *Run) told() Progress {
	if r.said.Load() == nil {
		return Progress{}
	}
	s := r.heard()
	s.progress.Logged = s.log.count()
	return s.progress
}

// committed returns the effects.
func (r *Run) committed() []any {
	if r.said.Load() == nil {
		return nil
	}
	return r.heard().effects
}

func (r *Run) heard() said {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.said.Load()
}

// runsAtOnce is how many runs are made at once, to be filled in.
const runsAtOnce = 32

// newRun makes the run of a tick this scheduler holds. The mutex is held.
func newRun(s *Scheduler, e *entry, timeout time.Duration, t *Tick, held time.Time) *Run {
	if len(s.blank) == 0 {
		s.blank = make([]Run, runsAtOnce)
	}
	r := &s.blank[0]
	s.blank = s.blank[1:]
	r.Job, r.Due, r.Fence, r.Attempt, r.Asked = t.Job, t.Due, t.Fence, t.Attempt, t.Asked
	r.s, r.entry, r.run, r.timeout = s, e, e.run, timeout
	r.version, r.ready, r.started = t.Version, t.Ready.UnixMicro(), t.Started.UnixMicro()
	if t.Earlier != nil {
		r.rest = &rest{earlier: t.Earlier}
	}
	r.held = held.Sub(s.epoch)
	r.since = r.held
	return r
}

// row fills in the row of a run's tick as it is to be next. The mutex is held.
func (s *Scheduler) row(r *Run, t *Tick) {
	*t = Tick{
		Job: r.Job, Due: r.Due, Outcome: Running, Asked: r.Asked, Count: 1, Attempt: r.Attempt, Fence: r.Fence,
		Holder: s.holder, Lease: s.cfg.Lease, Ready: instant(r.ready), Started: instant(r.started),
		Progress: r.told(), Version: r.version + 1,
	}
	if r.rest != nil {
		t.Cancel, t.Earlier = r.rest.cancel, r.rest.earlier
	}
}

// rowOf returns the row of a run's tick as it is to be next.
func (s *Scheduler) rowOf(r *Run) (t Tick) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.row(r, &t)
	return t
}

// work is a worker: it calls the functions of runs until no more wait. It may
// begin with what became of a run.
func (s *Scheduler) work(r *Run, res *result) {
	inside := false
	defer func() {
		if inside { // runtime.Goexit takes this goroutine down
			go s.work(r, &result{outcome: Failed, reason: "the function called runtime.Goexit"})
		}
	}()
	for r = s.next(r, res); r != nil; r = s.next(r, res) {
		inside = true
		res = r.call()
		inside = false
	}
}

// next takes what a run returned, if there was one, and gives its room to the
// one that is first in line. Nil ends the worker.
func (s *Scheduler) next(r *Run, res *result) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.elapsed()
	if r == nil {
		s.hiring = false
	} else if !s.returned(r, res, now) {
		return nil
	}
	if s.queue.len() == 0 || s.stopping {
		s.busy--
		return nil
	}
	r = s.queue.take()
	r.started += (now - r.since).Microseconds()
	r.begun, r.since = true, now
	if !s.alone {
		s.hire()
	}
	return r
}

// hire adds a worker if runs wait and there is room. Each one that has begun
// sees to the next, so that a few do when functions are short, and no function
// waits for another while there is room, or for no longer than helm.relieve takes
// to notice. The mutex is held.
func (s *Scheduler) hire() {
	if s.queue.len() > 0 && s.busy < s.cfg.MaxRuns && !s.hiring && !s.stopping {
		s.busy++
		s.hiring = true
		go s.work(nil, nil)
	}
}

// calling is how many functions are being called. The mutex is held.
func (s *Scheduler) calling() int {
	if s.hiring {
		return s.busy - 1
	}
	return s.busy
}

// call runs the function and tells how it ended; a panic becomes an error with
// its stack.
func (r *Run) call() (res *result) {
	defer func() {
		if v := recover(); v != nil {
			res = &result{outcome: Failed, reason: fmt.Sprintf("panic: %v\n\n%s", v, debug.Stack())}
		}
	}()
	if err := r.run((*runContext)(r), r); err != nil {
		return failure(err, r.endedBy())
	}
	return succeeded
}

// succeeded is the result of most runs.
var succeeded = &result{outcome: Succeeded}

// failure tells how a run ended that returned an error, given why its context
// had ended, if it had.
func failure(err, cause error) *result {
	res := &result{outcome: Failed, reason: err.Error()}
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

// returned takes what a run returned, and tells whether its room is free. The
// mutex is held.
func (s *Scheduler) returned(r *Run, res *result, now time.Duration) bool {
	r.end(context.Canceled)
	if r.abandoned {
		s.health.stuck-- // it did end after all
		return false
	}
	s.pace += (now - r.since - s.pace) / 16
	r.result = res
	if delete(s.strays, r); !r.lost {
		s.ended = append(s.ended, r)
	}
	if len(s.ended) <= 1 {
		s.poke()
	}
	return true
}

// room is how many ticks to claim now: those there is room for, and as many
// more as would begin within moments at the pace runs had lately, if the store
// is as fast. The mutex is held.
func (s *Scheduler) room() int {
	if s.stopping {
		return 0
	}
	ahead := min(s.ahead, s.cfg.MaxRuns*int(20*time.Millisecond/max(s.pace, time.Microsecond)))
	return max(0, s.cfg.MaxRuns+ahead-s.calling()-s.queue.len())
}

// hold keeps the run of a tick that this scheduler has claimed. The mutex is
// held.
func (s *Scheduler) hold(r *Run) {
	r.at = int32(len(s.held))
	s.held = append(s.held, r)
	s.queue.add(r)
	r.entry.runs++
}

// elapsed is the time since the scheduler was made.
func (s *Scheduler) elapsed() time.Duration { return time.Since(s.epoch) }

// release lets go of a run whose tick is no longer held. The mutex is held.
func (s *Scheduler) release(r *Run) {
	end := len(s.held) - 1
	last := s.held[end]
	s.held[r.at], last.at = last, r.at
	s.held[end] = nil
	s.held = s.held[:end]
	e := r.entry
	if e.runs--; e.runs == 0 && e.newest != nil {
		s.plans = append(s.plans, e.newest)
		e.newest = nil
	}
}

// adopt takes note of a plan that stands: it has the newest state of its job,
// from which the ends of runs are worked out. The mutex is held.
func (s *Scheduler) adopt(e *entry, p *plan) {
	e.last = p.job.Last.UnixMicro()
	s.follow(e, p.job.Definition)
	old := e.newest
	if e.runs == 0 || old != nil && old.job.Version > p.job.Version {
		return
	}
	if e.newest = p; old != nil {
		s.plans = append(s.plans, old)
	}
}

// heldByKey returns the runs whose ticks are held, by the names of these.
func (s *Scheduler) heldByKey() map[Key]*Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := make(map[Key]*Run, len(s.held))
	for _, r := range s.held {
		m[Key{r.Job, r.Due}] = r
	}
	return m
}

// stopRun ends a run's context with a cause, once.
func (s *Scheduler) stopRun(r *Run, cause error) {
	if r.stopped == 0 {
		r.stopped = s.elapsed()
		r.end(cause)
	}
}
