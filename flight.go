package beforehand

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// ask sees to it that one is computed if it has to be, and returns a channel
// that is closed when that ends; nil if nothing is under way.
func (f *Family[P, T]) ask(o *one[P, T]) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flight != nil || !f.old(o.c.served.Load().Snapshot()) || time.Now().Before(o.retry) {
		return o.flight
	}
	flight := make(chan struct{})
	if !f.site.background(func(ctx context.Context) { f.take(ctx, o, flight) }) {
		return nil
	}
	o.flight = flight
	return flight
}

// take brings one to what the state has, which is better than nothing, and has
// it computed if that does not do. Whoever waits is told by the flight.
func (f *Family[P, T]) take(ctx context.Context, o *one[P, T], flight chan struct{}) {
	err := o.c.load(ctx)
	if err != nil || !f.old(o.c.served.Load().Snapshot()) {
		f.fit(o)
		o.land(flight, err)
		return
	}
	select {
	case f.slots <- struct{}{}:
		_ = f.fly(ctx, o, flight, nil) // logged
		<-f.slots
	case <-ctx.Done():
		o.land(flight, ctx.Err())
	}
}

// old tells whether a result does not do: there is none, it is of another
// definition, or it was there before the last tick.
func (f *Family[P, T]) old(s snapshot.Snapshot) bool {
	tick := time.Unix(0, f.tick.Load())
	return s.Version == 0 || s.Definition != f.job.definition || s.ComputedAt.Before(tick) && !s.Tick.Equal(tick)
}

// fly computes one and ends its flight.
func (f *Family[P, T]) fly(ctx context.Context, o *one[P, T], flight chan struct{}, run *scheduler.Run) error {
	err := f.compute(ctx, o, run)
	if err != nil && ctx.Err() == nil {
		f.site.log.Warn("parameters not computed", "report", f.maker.name, "params", o.c.params, "error", err)
	}
	o.land(flight, err)
	return err
}

// land ends a flight. What failed is left alone for a while, twice as long each
// time up to five minutes.
func (o *one[P, T]) land(flight chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.failures, o.retry = 0, time.Time{}
	} else {
		o.failures++
		o.retry = time.Now().Add(min(5*time.Minute, time.Second<<min(o.failures, 10)))
	}
	o.c.failed(err)
	o.flight = nil
	close(flight)
}

// compute brings one to a result that does: the store's, or a new one. The run
// is nil when a reader asked; a tick computes in any case.
func (f *Family[P, T]) compute(ctx context.Context, o *one[P, T], run *scheduler.Run) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n\n%s", v, debug.Stack())
		}
	}()
	if f.policy.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.policy.Timeout)
		defer cancel()
	}
	base, err := o.c.newestKept(ctx)
	if err != nil {
		return err
	}
	previous, err := o.c.previous(ctx)
	if err != nil {
		return err
	}
	if run == nil && !f.old(previous) { // by another process meanwhile
		o.c.swap(previous)
		f.fit(o)
		return nil
	}
	fn := func(ctx context.Context) (T, error) { return f.fn(ctx, o.params) }
	s, err := f.maker.make(ctx, fn, run, previous, f.site.encoders)
	if err != nil {
		return err
	}
	if s.Held != "" {
		return Hold(s.Held)
	}
	// Not under the run's fence: whoever has seen the newest version may put
	// the next one, and a late run has not.
	s.Key, s.Base, s.Fence = o.c.key(), base, 0
	s.Keep, s.Definition = cmp.Or(f.policy.Keep, 1), o.c.definition
	if _, err := f.site.state.Snapshots().Put(ctx, s); err != nil && !errors.Is(err, snapshot.ErrLate) {
		return err
	}
	if err := o.c.load(ctx); err != nil {
		return err
	}
	f.fit(o)
	if f.puts.Add(1) >= int64(f.policy.Max) {
		f.puts.Store(0)
		return f.sweep(ctx)
	}
	return nil
}

// run computes anew what is always held and what was read since the last tick.
func (f *Family[P, T]) run(ctx context.Context, run *scheduler.Run) error {
	if err := f.site.readable(ctx, f.policy.After); err != nil {
		return err
	}
	since := f.tick.Load()
	var errs []error
	for _, o := range f.all() {
		if !o.always && o.read.Load() < since {
			continue
		}
		if flight := o.start(); flight != nil {
			errs = append(errs, f.fly(ctx, o, flight, run))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(append(errs, f.sweep(ctx))...)
}

// start begins a flight; nil if one is under way already.
func (o *one[P, T]) start() chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flight != nil {
		return nil
	}
	o.flight = make(chan struct{})
	return o.flight
}
