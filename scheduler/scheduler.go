package scheduler

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// Config says how a Scheduler works. Only Store is needed.
type Config struct {
	// Store keeps jobs and ledger. Schedulers that share one run each tick
	// once between them.
	Store Store
	// Logger gets what happens; nil means nothing is logged.
	Logger *slog.Logger
	// Labels are what this process carries; jobs may ask for them.
	Labels []string
	// MaxRuns bounds the runs under way in this process at once; the rest
	// wait in order of due. Zero means the number of cores.
	MaxRuns int
	// Lease is how long a holder may be silent before its runs are given to
	// others. It is renewed at a third of that. Zero means 30 s.
	Lease time.Duration
	// Exclusive says that no other scheduler can be using the store, because
	// something else sees to that, such as a lock on the folder it lies in.
	// What is found running then was left by a process that died, and is
	// given up at once instead of after its lease.
	Exclusive bool
	// Poll is how often the store is asked what others changed. Zero means
	// one second, or 15 s, which is also the most, if the store tells.
	Poll time.Duration
	// Shutdown is how long runs may go on when Run is told to stop. Then
	// they are cancelled, and handed back if they do not finish within
	// another second. Zero means 10 s.
	Shutdown time.Duration
	// Stuck is how long a run may ignore the end of its context before it is
	// reported and given up. Zero means 30 s.
	Stuck time.Duration
	// Retention bounds the history. Zero means 30 days and 1000 ticks of
	// each job; negative means no bound.
	Retention Retention
	// Parse reads the text of a trigger that was changed at run time. Nil
	// means trigger.Parse.
	Parse func(text string) (trigger.Trigger, error)
}

// A Scheduler runs jobs once per tick, together with all others that share its
// store. Make one with New, give it jobs with Add and start it with Run.
// Every method may be called by many goroutines, before and while it runs.
type Scheduler struct {
	cfg    Config
	store  Store
	log    *slog.Logger
	holder string

	running atomic.Bool
	epoch   time.Time       // what runs count their times from
	started time.Time       // the store's clock when others were first told
	base    context.Context // that of all runs
	wake    chan struct{}   // asks the loop for a step
	changed <-chan struct{} // others have written

	mu        sync.Mutex
	jobs      map[string]*entry
	placed    []*entry          // those that were due, by State.Place
	followers []string          // names of jobs with After
	asks      []string          // jobs with AtStart still to be asked for
	blank     []Run             // to be filled in
	held      []*Run            // their ticks are held here
	strays    map[*Run]struct{} // their tick is lost, their function goes on
	queue     line              // held, not begun
	ended     []*Run            // returned, not written
	busy      int               // workers, each calling a function or about to
	hiring    bool              // one of them has not begun
	alone     bool              // the loop's goroutine is a worker, and hires no others
	stopping  bool
	last      declaration   // the one declared last
	plans     []*plan       // to be used again
	pace      time.Duration // how long runs took lately
	ahead     int           // how many ticks to claim at once beyond those there is room for
	moved     chan struct{} // closed and replaced when something has changed
	observers []*observer
	health    health
	clock     clock
}

// An entry is a job as this process has it. There may be very many, so it has
// nothing that is not needed while the job waits for its time.
type entry struct {
	run    func(context.Context, *Run) error
	own    trigger.Trigger  // as the program gave it
	other  *trigger.Trigger // as it holds, if that is another one
	def    *Definition      // as it holds
	last   int64            // State.Last in microseconds
	newest *plan            // has the newest known state, while there are runs and the end of none is written
	runs   int32            // how many are held
	usable bool             // the stored definition can be followed here
	gone   bool             // the job was removed
	taken  bool             // the loop's step has a change of it
}

// trigger is the one that holds; nil with After.
func (e *entry) trigger() trigger.Trigger {
	if e.other != nil {
		return *e.other
	}
	return e.own
}

// Errors for callers to decide on.
var (
	// ErrUnknown is returned for a job that the store does not have.
	ErrUnknown = errors.New("unknown job")
	// ErrExists is returned by Add for a job that this scheduler has.
	ErrExists = errors.New("job exists")
	// ErrCircle is returned for jobs that would run after themselves.
	ErrCircle = errors.New("jobs run after each other in a circle")
)

// Causes of a run's context having ended, as context.Cause tells them.
var (
	ErrTimeout   = errors.New("the run exceeded its timeout")
	ErrCancelled = errors.New("the run was cancelled")
	ErrLost      = errors.New("the lease was lost")
	ErrShutdown  = errors.New("the scheduler is shutting down")
)

// New returns a scheduler that does nothing until Run is called.
func New(cfg Config) (*Scheduler, error) {
	if cfg.Store == nil {
		return nil, errors.New("new scheduler: no store (memory.New() is one)")
	}
	changed := cfg.Store.Changed()
	if cfg.Lease == 0 {
		cfg.Lease = 30 * time.Second
	}
	if cfg.MaxRuns == 0 {
		cfg.MaxRuns = runtime.GOMAXPROCS(0)
	}
	if cfg.Poll == 0 {
		cfg.Poll = maxSleep
		if changed == nil {
			cfg.Poll = time.Second
		}
	}
	if cfg.Shutdown == 0 {
		cfg.Shutdown = 10 * time.Second
	}
	if cfg.Stuck == 0 {
		cfg.Stuck = 30 * time.Second
	}
	if cfg.Retention == (Retention{}) {
		cfg.Retention = Retention{Age: 30 * 24 * time.Hour, Count: 1000}
	}
	if cfg.Lease < 0 || cfg.MaxRuns < 0 || cfg.Poll < 0 || cfg.Poll > maxSleep {
		return nil, errors.New("new scheduler: lease, runs or poll out of range")
	}
	if cfg.Parse == nil {
		cfg.Parse = trigger.Parse
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	host, _ := os.Hostname()
	return &Scheduler{
		cfg: cfg, store: cfg.Store, log: cfg.Logger,
		holder: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:8]),
		epoch:  time.Now(),
		wake:   make(chan struct{}, 1), changed: changed,
		jobs:   map[string]*entry{},
		strays: map[*Run]struct{}{},
		pace:   time.Second,
		ahead:  leastAhead,
		moved:  make(chan struct{}),
	}, nil
}

// Holder returns the name this scheduler goes by in the ledger.
func (s *Scheduler) Holder() string { return s.holder }

// poke asks the loop for a step.
func (s *Scheduler) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// mine tells whether this process may run a job.
func (s *Scheduler) mine(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.jobs[name]
	return e != nil && e.usable
}

// entryOf returns the entry of a job by its state, nil if there is none. The mutex
// is held.
func (s *Scheduler) entryOf(st *State) *entry {
	if st.Place > 0 && st.Place < len(s.placed) {
		if e := s.placed[st.Place]; e != nil && !e.gone {
			return e
		}
	}
	e := s.jobs[st.Name]
	if e != nil && st.Place > 0 {
		for st.Place >= len(s.placed) {
			s.placed = append(s.placed, nil)
		}
		s.placed[st.Place] = e
	}
	return e
}

// learn takes over a state read from or accepted by the store, if it is newer
// than what is known.
func (s *Scheduler) learn(st *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.jobs[st.Name]; e != nil {
		s.update(e, st)
	}
}

// update is learn for an entry, with the mutex held.
func (s *Scheduler) update(e *entry, st *State) {
	switch {
	case e.newest != nil:
		if st.Version < e.newest.job.Version {
			return
		}
		e.newest.load(st)
	case e.runs > 0:
		e.newest = s.loaded(st)
	}
	e.last = st.Last.UnixMicro()
	s.follow(e, st.Definition)
}

// follow makes an entry act on a stored definition.
func (s *Scheduler) follow(e *entry, def *Definition) {
	if e.def.Equal(def) {
		return
	}
	if s.last.def.Equal(def) {
		def = s.last.def
	}
	s.act(e, def, s.other(e.own, def))
}

// act makes an entry act on a definition and its trigger.
func (s *Scheduler) act(e *entry, def *Definition, other *trigger.Trigger) {
	e.def, e.other = def, other
	e.usable = e.run != nil && def.known() && s.carries(def.Labels) && (e.trigger() != nil || len(def.After) > 0)
}

// other is the trigger a stored definition means, if that is not the program's
// own: nil within if there is none, or if it is not understood.
func (s *Scheduler) other(own trigger.Trigger, d *Definition) *trigger.Trigger {
	t := new(trigger.Trigger)
	if len(d.After) > 0 {
		return t
	}
	if own != nil && triggerText(own) == d.Trigger {
		return nil
	}
	if d.Trigger == "" {
		return t
	}
	var err error
	if *t, err = s.cfg.Parse(d.Trigger); err != nil {
		*t = nil
		s.log.Warn("trigger not understood: the job is left to others", "trigger", d.Trigger, "error", err)
	}
	return t
}

// triggerText is what the store keeps of a trigger.
func triggerText(t trigger.Trigger) string {
	if s, ok := t.(fmt.Stringer); ok {
		return s.String()
	}
	return ""
}

// carries tells whether this process has all of the labels.
func (s *Scheduler) carries(labels []string) bool {
	for _, l := range labels {
		if !slices.Contains(s.cfg.Labels, l) {
			return false
		}
	}
	return true
}
