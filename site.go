package beforehand

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// State is where a site keeps its jobs and its snapshots. memory.New,
// sqlite.Open, sqlite.New, postgres.Open and postgres.New each return one.
type State interface {
	Jobs() scheduler.Store
	Snapshots() snapshot.Store
	Close() error
}

// Config says what a site works with. Only State is needed.
type Config struct {
	// State keeps jobs and snapshots. Processes that share one share the
	// work. The site does not close it.
	State State
	// Logger gets what happens; nil means nothing is logged.
	Logger *slog.Logger
	// Encoders make content codings besides gzip, such as brotli. They are
	// called once for each changed format, never for a reader.
	Encoders []snapshot.Encoder
	// Publish is a folder to which every snapshot is written as a file,
	// for a site that serves files; empty means none. See [Site.Run].
	Publish string
	// Poll is how often the state is asked what other processes have
	// computed; zero means half a second.
	Poll time.Duration
	// Scheduler holds further settings, such as MaxRuns, Labels and Lease.
	// Its Store and Logger are not used.
	Scheduler scheduler.Config
}

// Site is the reports of one program and the scheduler that computes them.
type Site struct {
	state     State
	log       *slog.Logger
	encoders  []snapshot.Encoder
	poll      time.Duration
	publish   string                // folder of all reports
	folders   map[string]*publisher // used by the one that looks
	scheduler *scheduler.Scheduler
	wake      chan struct{} // asks the poller for a look
	waiting   *waiting
	running   atomic.Bool
	looking   sync.Mutex // held by the one that looks

	mu       sync.Mutex
	begun    bool
	ctx      context.Context // of Begin, while begun
	done     chan struct{}   // closed when that ends
	members  map[string]member
	order    []string // names in the order of New
	err      error    // what New could not return
	revision int64    // up to which changes were seen

	work sync.WaitGroup // computations that readers asked for
}

// member is what a site knows of a report, whatever its type.
type member interface {
	core() *core
	load(ctx context.Context) error // what the state has
	wanting() bool                  // what is in service must be computed at start
	keys() []snapshot.Key           // what is published
	run(ctx context.Context, run *scheduler.Run) error
	swap(ctx context.Context, head snapshot.Snapshot) error
	tell(ctx context.Context, job *scheduler.State, running time.Time) error
	succeed(before member)
}

// Open makes a site over a state. The context bounds the first look at it.
func Open(ctx context.Context, cfg Config) (*Site, error) {
	if cfg.State == nil {
		return nil, errors.New("open site: no state; memory.New() is one that lasts as long as the process")
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	sc := cfg.Scheduler
	sc.Store, sc.Logger = cfg.State.Jobs(), log
	s, err := scheduler.New(sc)
	if err != nil {
		return nil, fmt.Errorf("open site: %w", err)
	}
	if _, err := cfg.State.Snapshots().Versions(ctx, snapshot.Key{}); err != nil {
		return nil, fmt.Errorf("open site: %w", err)
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 500 * time.Millisecond
	}
	site := &Site{
		state: cfg.State, log: log, poll: cfg.Poll, scheduler: s,
		encoders: append(slices.Clone(cfg.Encoders), snapshot.Gzip()),
		members:  map[string]member{}, wake: make(chan struct{}, 1), done: make(chan struct{}),
		waiting: newWaiting(cfg.State.Snapshots()), publish: cfg.Publish, folders: map[string]*publisher{},
	}
	if err := site.waiting.load(ctx); err != nil {
		log.Error("waiting times begin anew", "error", err)
	}
	return site, nil
}

// Scheduler returns the scheduler, for jobs that are no reports and for what
// concerns all jobs: pause, cancel, history, health.
func (s *Site) Scheduler() *scheduler.Scheduler { return s.scheduler }

// Run computes reports as they become due and swaps to what other processes
// have computed, until the context ends; then it waits for runs under way as
// the scheduler's settings say. With a folder to publish to it keeps the files
// there equal to the snapshots in service.
//
// It returns at once with what New found wrong, and nil after a context ended.
func (s *Site) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := s.wrong(ctx); err != nil {
		return err
	}
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("run site: it is running already")
	}
	defer s.running.Store(false)
	wait := s.Begin(ctx)
	defer s.scheduler.Observe(s.observe)()
	err := s.scheduler.Run(ctx)
	stop()
	wait()
	// What the last runs left behind.
	if err := s.look(context.WithoutCancel(ctx)); err != nil {
		s.log.Warn("state not followed at the end", "error", err)
	}
	return err
}

// Begin does for readers what Run does besides running jobs, until ctx ends: it
// computes what they ask for and is not held, and swaps to what is computed. It
// returns once that is under way; wait waits for its end. Run does it too unless
// it has begun before, so that it is for a site whose readers come before its jobs
// may run, or stay after they have ended. To begin twice does nothing.
func (s *Site) Begin(ctx context.Context) (wait func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun {
		return func() {}
	}
	s.begun, s.ctx = true, ctx
	select {
	case <-s.done:
		s.done = make(chan struct{})
	default: // streams may have come before
	}
	done := s.done
	context.AfterFunc(ctx, func() { close(done) }) // so that a server can shut down
	var following sync.WaitGroup
	following.Go(func() { s.follow(ctx) })
	following.Go(func() { s.keepWaiting(ctx) })
	return func() {
		following.Wait()
		<-done
		s.mu.Lock()
		s.begun = false
		s.mu.Unlock()
		s.work.Wait()
	}
}

// Load puts into service what the state has of each report, and what it tells of
// their jobs, so that readers are served before Run, which does the same. It
// returns what Run would return at once.
func (s *Site) Load(ctx context.Context) error {
	if err := s.wrong(ctx); err != nil {
		return err
	}
	s.looking.Lock()
	defer s.looking.Unlock()
	return errors.Join(s.swap(ctx), s.tell(ctx))
}

// Succeed takes over what readers of another site have, whose place this one takes:
// of the reports that both have, results that are newer, what is held with
// parameters, and what was told of their jobs. It asks no state.
func (s *Site) Succeed(before *Site) {
	for _, m := range s.list() {
		if was := before.member(m.core().name); was != nil {
			m.succeed(was)
		}
	}
}

// wrong tells what New found wrong, and of a report that runs after one nobody
// has: it would wait for ever.
func (s *Site) wrong(ctx context.Context) error {
	s.mu.Lock()
	err := s.err
	s.mu.Unlock()
	if err != nil {
		return err
	}
	for _, m := range s.list() {
		c := m.core()
		for _, name := range c.policy.After {
			if s.member(name) != nil {
				continue
			}
			jobs, err := s.state.Jobs().Jobs(ctx, name)
			if err == nil && len(jobs) == 0 {
				return fmt.Errorf("run site: report %s runs after %s, and there is no report of that name; make it before Run", c.name, name)
			}
		}
	}
	return nil
}

// background calls f on a goroutine that is waited for at the end, and tells
// whether the site has begun.
func (s *Site) background(f func(ctx context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun || s.ctx.Err() != nil {
		return false
	}
	ctx := s.ctx
	s.work.Go(func() { f(ctx) })
	return true
}

// stopped returns a channel that is closed when the site stops.
func (s *Site) stopped() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// follow looks at the state whenever something may have changed.
func (s *Site) follow(ctx context.Context) {
	changed := s.state.Snapshots().Changed()
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	last, hinted := "", false
	for {
		var err error
		if hinted { // of a snapshot, and maybe of many: no more than that is looked at
			err = s.swap(ctx)
		} else {
			err = errors.Join(s.addAll(ctx), s.look(ctx))
		}
		// What goes on going wrong is said once.
		text := ""
		if err != nil && ctx.Err() == nil {
			text = err.Error()
		}
		switch {
		case text != "" && text != last:
			s.log.Warn("state not followed; snapshots go on being served", "error", text)
		case text == "" && last != "":
			s.log.Info("state followed again")
		}
		last, hinted = text, false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-changed:
			hinted = true
		case <-s.wake:
		}
	}
}

// observe looks at once when something has happened here.
func (s *Site) observe(e scheduler.Event) {
	if e.Job != "" && s.member(e.Job) != nil {
		s.nudge()
	}
}

// nudge asks for a look soon.
func (s *Site) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// addAll hands the scheduler the reports it does not have yet.
func (s *Site) addAll(ctx context.Context) error {
	var err error
	for _, m := range s.list() {
		err = errors.Join(err, s.add(ctx, m))
	}
	return err
}

// add hands one report to the scheduler, and asks for a run if what is in
// service does not do.
func (s *Site) add(ctx context.Context, m member) error {
	c := m.core()
	c.adding.Lock()
	defer c.adding.Unlock()
	if c.added || c.refused != nil {
		return c.refused
	}
	if err := m.load(ctx); err != nil {
		return err
	}
	job := c.policy.job(c.name, m.run, c.policy.AtStart)
	if err := s.scheduler.Add(ctx, job); err != nil {
		return fmt.Errorf("start report %s: %w", c.name, err)
	}
	c.added = true
	if !c.policy.AtStart && m.wanting() && !s.following(c.policy.After) {
		if _, err := s.scheduler.RunNow(ctx, c.name); err != nil {
			return fmt.Errorf("start report %s: %w", c.name, err)
		}
	}
	return nil
}

// refresh waits for a run of a report begun after the call.
func (s *Site) refresh(ctx context.Context, m member) error {
	if err := s.add(ctx, m); err != nil {
		return err
	}
	if err := s.scheduler.Refresh(ctx, m.core().name); err != nil {
		return fmt.Errorf("refresh report %s: %w", m.core().name, err)
	}
	return nil
}

// invalidate asks for such a run and does not wait for it.
func (s *Site) invalidate(ctx context.Context, m member) error {
	if err := s.add(ctx, m); err != nil {
		return err
	}
	if _, err := s.scheduler.RunAfresh(ctx, m.core().name); err != nil {
		return fmt.Errorf("invalidate report %s: %w", m.core().name, err)
	}
	return nil
}

// following tells whether a report named is itself to be computed at start, so
// that the one behind it will be anyway.
func (s *Site) following(after []string) bool {
	return slices.ContainsFunc(after, func(name string) bool {
		m := s.member(name)
		return m != nil && m.wanting()
	})
}

// readable brings the reports that a run reads to what the state has.
func (s *Site) readable(ctx context.Context, after []string) error {
	for _, name := range after {
		if m := s.member(name); m != nil {
			if err := m.load(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// list returns the reports in the order of New.
func (s *Site) list() []member {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]member, len(s.order))
	for i, name := range s.order {
		list[i] = s.members[name]
	}
	return list
}

// look brings every report to what the state has, and the folder to that.
func (s *Site) look(ctx context.Context) error {
	s.looking.Lock()
	defer s.looking.Unlock()
	err := errors.Join(s.swap(ctx), s.tell(ctx))
	for dir, keys := range s.published() {
		if s.folders[dir] == nil {
			s.folders[dir] = &publisher{dir: dir, snapshots: s.state.Snapshots()}
		}
		err = errors.Join(err, s.folders[dir].publish(ctx, s.names(), keys))
	}
	return err
}

// swap puts new snapshots into service.
func (s *Site) swap(ctx context.Context) error {
	s.mu.Lock()
	since := s.revision
	s.mu.Unlock()
	list, err := s.state.Snapshots().Changes(ctx, since)
	if err != nil {
		return err
	}
	for _, head := range list {
		if m := s.member(head.Report); m != nil {
			err = errors.Join(err, m.swap(ctx, head))
		}
	}
	if err == nil && len(list) > 0 {
		s.mu.Lock()
		s.revision = max(s.revision, list[len(list)-1].Revision)
		s.mu.Unlock()
	}
	return err
}

func (s *Site) member(name string) member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members[name]
}

func (s *Site) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

// published are the keys of what is published, by folder.
func (s *Site) published() map[string][]snapshot.Key {
	folders := map[string][]snapshot.Key{}
	for _, m := range s.list() {
		keys := m.keys()
		for _, dir := range slices.Compact([]string{s.publish, m.core().policy.Publish}) {
			if dir != "" {
				folders[dir] = append(folders[dir], keys...)
			}
		}
	}
	return folders
}

// tell brings what readers are told of freshness up to what the ledger has.
func (s *Site) tell(ctx context.Context) error {
	list := s.list()
	if len(list) == 0 {
		return nil
	}
	jobs, err := s.state.Jobs().Jobs(ctx)
	if err != nil {
		return err
	}
	open, err := s.state.Jobs().Ticks(ctx, scheduler.Query{Outcome: scheduler.Running, Limit: -1})
	if err != nil {
		return err
	}
	for _, m := range list {
		c := m.core()
		i, ok := slices.BinarySearchFunc(jobs, c.name, func(j *scheduler.State, name string) int {
			switch {
			case j.Name < name:
				return -1
			case j.Name > name:
				return 1
			}
			return 0
		})
		if !ok {
			continue
		}
		var running time.Time
		for _, t := range open {
			if t.Job == c.name {
				running = t.Started
			}
		}
		err = errors.Join(err, m.tell(ctx, jobs[i], running))
	}
	return err
}

// fail notes what Run has to tell.
func (s *Site) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = errors.Join(s.err, err)
}

// circle returns the way from a report by those it runs after back to itself;
// nil if there is none. The caller holds mu.
func (s *Site) circle(name string, after []string) []string {
	for _, next := range after {
		if next == name {
			return []string{name, name}
		}
		if m := s.members[next]; m != nil {
			if way := s.circle(name, m.core().policy.After); way != nil {
				return slices.Insert(way, 1, next)
			}
		}
	}
	return nil
}

// enroll adds a report; what is wrong with it is told by Run.
func (s *Site) enroll(m member) {
	c := m.core()
	s.mu.Lock()
	defer s.mu.Unlock()
	err := checkName(c.name)
	if err == nil && s.members[c.name] != nil {
		err = fmt.Errorf("new report %s: there is one of that name", c.name)
	}
	job := c.policy.job(c.name, m.run, c.policy.AtStart)
	if bad := job.Check(); err == nil && bad != nil {
		err = fmt.Errorf("new report %s: %w", c.name, bad)
	}
	if circle := s.circle(c.name, c.policy.After); err == nil && circle != nil {
		err = fmt.Errorf("new report %s: it would run after itself: %s", c.name, strings.Join(circle, ", which runs after "))
	}
	if err != nil {
		s.err, c.refused = errors.Join(s.err, err), err
		s.log.Error("report refused", "report", c.name, "error", err)
		return
	}
	s.members[c.name] = m
	s.order = append(s.order, c.name)
	s.nudge()
}
