package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// minPause keeps the loop from asking the store more often than pays.
	// Under load steps are fewer and larger: each change written makes the
	// next one wait a little longer, up to maxPause.
	minPause, changePause, maxPause = 2 * time.Millisecond, 100 * time.Microsecond, 10 * time.Millisecond
	// maxSleep is the longest the loop sleeps, so that it notices a clock
	// that was set and a machine that woke up.
	maxSleep = 15 * time.Second
	// purgeAfter is how many ended ticks, or how much time, lie between two
	// purges of the history, and purgeShare how many times as long as the
	// last one took; purgeRest they are apart in any case.
	purgeAfter, purgeEvery, purgeShare, purgeRest = 10_000, time.Hour, 100, 10 * time.Second
	// leastAhead and mostAhead bound how many ticks are claimed at once beyond
	// those there is room for. While more are due, ends wait to be written
	// until there are as many as the store takes within writeAhead.
	leastAhead, mostAhead, writeAhead = 1 << 10, 1 << 11, 50 * time.Millisecond
)

// Run runs the jobs until ctx ends, and owns every goroutine it starts. Then
// runs under way may finish for Config.Shutdown; what has not finished by then
// is cancelled and handed back, to be run by others. Run returns nil, or which
// runs ignored the end of their context and still go on.
func (s *Scheduler) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("run scheduler: it runs already")
	}
	defer s.running.Store(false)
	s.base = context.WithoutCancel(ctx)
	l := &loop{Scheduler: s, seen: map[Key]sight{}, over: make(chan struct{})}
	guarded, stopGuard := context.WithCancel(s.base)
	var guard sync.WaitGroup
	guard.Go(func() { s.guard(guarded) })
	defer guard.Wait()
	defer stopGuard()

	s.log.Info("scheduler started", "holder", s.holder)
	l.watch = time.AfterFunc(patience, func() { l.relieve(ctx) })
	go l.loop(ctx)
	<-l.over
	l.watch.Stop()
	err := l.drain()
	if !l.patrolAt.IsZero() {
		ending, cancel := context.WithTimeout(l.base, time.Second)
		l.tellOthers(ending, l.now(), true)
		cancel()
	}
	s.log.Info("scheduler stopped", "holder", s.holder)
	return err
}

// loop is what the scheduler's one loop keeps between its steps.
type loop struct {
	*Scheduler

	seen     map[Key]sight // running ticks of others, by how long they stand still
	renewAt  time.Time
	lookAt   time.Time // when to look after ticks others have written
	hint     bool      // others have written
	news     bool      // ticks may have ended that other jobs follow
	endings  int       // since the last purge
	purged   time.Time
	purging  time.Duration // how long it took
	failures int           // steps in a row that failed
	patrolAt time.Time
	began    time.Time // the store's clock at the first step
	batch    batch     // of the step under way
	full     bool      // it left due jobs behind for want of room
	affords  int       // how many changes the store takes within writeAhead
	most     int       // how many jobs it would be asked for at once; zero means any
	over     chan struct{}
	helm
}

// loop makes one step after the other until ctx ends, or another goroutine has
// the helm.
func (l *loop) loop(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		wait := l.step()
		took := time.Since(began)
		if !l.help(ctx) {
			return
		}
		pause := l.pause(took, wait)
		if pause <= 0 || sleep(ctx, pause) {
			l.await(ctx, wait-pause)
		}
	}
	close(l.over)
}

// past is a time that has come.
var past = func() chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// await waits for the time to come, or for news.
func (l *loop) await(ctx context.Context, d time.Duration) {
	due := (<-chan time.Time)(past) // a timer that is due crashes Go 1.26 under synctest with -race
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-due:
	case <-l.wake:
	case <-l.changed:
		l.hint = true
	case <-ctx.Done():
	}
}

// pause is how long to rest after a step that took some time, whatever asks for
// another one.
func (l *loop) pause(took, wait time.Duration) time.Duration {
	written := time.Duration(len(l.batch.items))
	switch {
	case l.failures > 0:
		return min(wait, time.Second)
	case l.full && l.waiting() == 0:
		return 0
	case l.full:
		return max(changePause, min(took/4, time.Millisecond)) // by then what was claimed has begun, and there is room
	case l.batch.again && written > 0:
		return min(max(took, changePause), minPause)
	}
	return max(minPause, min(written*changePause, maxPause)-took)
}

// sleep waits, and tells whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// step does what is to be done now and returns when to come again.
func (l *loop) step() time.Duration {
	ctx, cancel := context.WithTimeout(l.base, max(l.cfg.Lease/3, time.Second))
	defer cancel()
	wait, err := l.try(ctx)
	if err != nil {
		l.failures++
		l.storeLost(err)
		return min(50*time.Millisecond<<min(l.failures, 7), 5*time.Second)
	}
	if l.failures > 0 {
		l.failures = 0
	}
	l.storeBack()
	return wait
}

// try is a step that may fail.
func (l *loop) try(ctx context.Context) (time.Duration, error) {
	b := l.collect()
	defer b.end()
	due, err := l.store.Due(ctx, b.limit, b.found)
	if err != nil {
		return 0, err
	}
	l.most = due.Most
	now := micro(due.Now)
	l.sawClock(now)
	b.now, b.sent = now, time.Now()
	if l.began.IsZero() {
		l.began = now
	}
	if l.hint || !b.sent.Before(l.lookAt) {
		if err := b.look(ctx); err != nil {
			return 0, err
		}
	}
	if err := b.workOut(ctx); err != nil {
		return 0, err
	}
	if err := b.patrol(ctx); err != nil {
		return 0, err
	}
	if err := b.follow(ctx); err != nil {
		return 0, err
	}
	if err := b.write(ctx); err != nil {
		return 0, err
	}
	if err := l.askAll(ctx); err != nil {
		return 0, err
	}
	if err := l.purge(ctx); err != nil {
		return 0, err
	}
	if b.again {
		return 0, nil
	}
	return l.sleepUntil(now.Add(time.Since(b.sent)), due.Next), nil
}

// sleepUntil is how long the loop may sleep from now on, given the next instant
// at which a job wants to be looked at.
func (l *loop) sleepUntil(now, next time.Time) time.Duration {
	l.mu.Lock()
	l.earlier(next)
	next = l.clock.next
	l.mu.Unlock()
	wait := min(maxSleep, l.cfg.Poll, time.Until(l.renewAt), time.Until(l.lookAt))
	if !next.IsZero() {
		wait = min(wait, next.Sub(now))
	}
	return max(wait, 0)
}

// purge takes old rows out of the ledger now and then.
func (l *loop) purge(ctx context.Context) error {
	began := time.Now()
	since := began.Sub(l.purged)
	if since < purgeEvery && (l.endings < purgeAfter || since < max(purgeRest, purgeShare*l.purging)) {
		return nil
	}
	n, err := l.store.Purge(ctx, l.cfg.Retention)
	if err != nil {
		return fmt.Errorf("purge history: %w", err)
	}
	if n > 0 {
		l.log.Debug("history purged", "ticks", n)
	}
	l.endings, l.purged, l.purging = 0, began, time.Since(began)
	return nil
}

// askAll asks for the runs of jobs that want one when the scheduler starts.
func (l *loop) askAll(ctx context.Context) error {
	for {
		l.mu.Lock()
		if len(l.asks) == 0 {
			l.mu.Unlock()
			return nil
		}
		name := l.asks[0]
		l.mu.Unlock()
		if _, err := l.RunNow(ctx, name); err != nil && !errors.Is(err, ErrUnknown) {
			return err
		}
		l.mu.Lock()
		l.asks = l.asks[1:]
		l.mu.Unlock()
	}
}

// drain lets runs finish, then cancels them, then hands them back.
func (l *loop) drain() error {
	l.mu.Lock()
	l.stopping = true
	for l.queue.len() > 0 {
		r := l.queue.take()
		r.result = &result{unbegun: true}
		l.ended = append(l.ended, r)
	}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.stopping = false
		l.mu.Unlock()
	}()
	patience := time.Now().Add(l.cfg.Shutdown)
	l.drainUntil(patience)
	l.mu.Lock()
	for _, r := range l.held {
		l.stopRun(r, ErrShutdown)
	}
	l.mu.Unlock()
	l.drainUntil(time.Now().Add(time.Second))
	stuck := l.abandonAll()
	l.drainUntil(time.Now().Add(time.Second))
	if stuck > 0 {
		return fmt.Errorf("stop scheduler: %d runs ignore the end of their context", stuck)
	}
	return nil
}

// drainUntil writes what ends until nothing is held or the time is up.
func (l *loop) drainUntil(end time.Time) {
	for {
		wait := l.step()
		l.mu.Lock()
		left := len(l.held) + len(l.strays)
		l.mu.Unlock()
		if left == 0 || !time.Now().Before(end) {
			return
		}
		t := time.NewTimer(max(min(wait, time.Until(end)), minPause))
		select {
		case <-t.C:
		case <-l.wake:
			t.Stop()
		}
	}
}

// abandonAll gives up the runs that did not return.
func (l *loop) abandonAll() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, r := range l.held {
		if r.begun && r.result == nil {
			n++
			l.abandon(r, &result{outcome: Cancelled, reason: "handed back: the function ignored the shutdown", back: true})
		}
	}
	n += len(l.strays)
	clear(l.strays)
	return n
}

// abandon gives a run's tick up while its function still goes on.
func (s *Scheduler) abandon(r *Run, res *result) {
	r.abandoned, r.result = true, res
	s.ended = append(s.ended, r)
	s.busy--
	s.health.stuck++
	s.poke()
}
