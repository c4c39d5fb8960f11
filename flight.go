package beforehand

import (
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
	err := errClaimed
	for errors.Is(err, errClaimed) {
		var needed bool
		var newest int64
		if needed, newest, err = f.await(ctx, o); !needed {
			f.fit(o)
			break
		}
		select {
		case f.slots <- struct{}{}:
			err = f.compute(ctx, o, nil, newest)
			<-f.slots
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	f.land(ctx, o, flight, err)
}

// old tells whether a result does not do: there is none, it is of another
// definition, or it was there before the last tick.
func (f *Family[P, T]) old(s snapshot.Snapshot) bool {
	tick := time.Unix(0, f.tick.Load())
	return s.Version == 0 || s.Definition != f.job.definition || s.ComputedAt.Before(tick) && !s.Tick.Equal(tick)
}

// land ends a flight. What failed is left alone for a while, twice as long each
// time up to five minutes.
func (f *Family[P, T]) land(ctx context.Context, o *one[P, T], flight chan struct{}, err error) {
	if err != nil && ctx.Err() == nil {
		f.site.log.Warn("parameters not computed", "report", f.maker.name, "params", o.c.params, "error", err)
	}
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

// compute puts a new result of one over the newest version, under a claim, and
// into service. The run is nil when a reader asked.
func (f *Family[P, T]) compute(ctx context.Context, o *one[P, T], run *scheduler.Run, newest int64) error {
	held, end, err := o.c.claim(ctx, newest)
	if err != nil {
		return err
	}
	s, err := f.result(held, o, run)
	lost := errors.Is(context.Cause(held), errClaimed)
	newest = end()
	if lost {
		return errClaimed
	}
	if err == nil {
		// Not under the run's fence: whoever has the claim may put the next
		// version, and a late run has not.
		s.Key, s.Base, s.Fence = o.c.key(), newest, 0
		s.Keep, s.Definition = 1, o.c.definition
		_, err = f.site.state.Snapshots().Put(ctx, s)
	}
	if errors.Is(err, snapshot.ErrLate) {
		return errClaimed
	}
	if err != nil {
		o.c.unclaim(ctx, newest)
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

// result calls the function and makes a snapshot of what it returns, on a
// goroutine of its own, since a function can end that.
func (f *Family[P, T]) result(ctx context.Context, o *one[P, T], run *scheduler.Run) (s snapshot.Snapshot, err error) {
	if f.policy.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.policy.Timeout)
		defer cancel()
	}
	previous, err := o.c.previous(ctx)
	if err != nil {
		return s, err
	}
	fn := func(ctx context.Context) (T, error) { return f.fn(ctx, o.params) }
	err = errors.New("the function ended its goroutine")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n\n%s", v, debug.Stack())
			}
		}()
		s, err = f.maker.make(ctx, fn, run, previous, f.site.encoders)
	}()
	<-ended
	if err == nil && s.Held != "" {
		err = Hold(s.Held)
	}
	return s, err
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
		errs = append(errs, f.renew(ctx, o, run))
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(append(errs, f.sweep(ctx))...)
}

// renew computes one for a run, in any case: what was begun before the run does
// not do, here or in another process.
func (f *Family[P, T]) renew(ctx context.Context, o *one[P, T], run *scheduler.Run) error {
	flight, err := o.start(ctx)
	if err != nil {
		return err
	}
	head, err := o.c.newestKept(ctx)
	if err == nil {
		err = f.compute(ctx, o, run, head.Version)
	}
	for errors.Is(err, errClaimed) {
		var needed bool
		var newest int64
		if needed, newest, err = f.await(ctx, o); needed {
			err = f.compute(ctx, o, run, newest)
		}
	}
	f.land(ctx, o, flight, err)
	return err
}

// start begins a flight, once one that is under way has ended.
func (o *one[P, T]) start(ctx context.Context) (chan struct{}, error) {
	for {
		o.mu.Lock()
		before := o.flight
		if before == nil {
			o.flight = make(chan struct{})
			defer o.mu.Unlock()
			return o.flight, nil
		}
		o.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
