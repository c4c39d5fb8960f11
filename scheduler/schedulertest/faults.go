package schedulertest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

// errFault is what a store with faults answers.
var errFault = errors.New("simulated fault")

// A replica's store: the real one behind everything that goes wrong on the way
// to it. What the real one accepted is noted, also where the answer is lost.
type faulty struct {
	inner scheduler.Store
	notes *notes
	rates Faults
	skew  time.Duration

	mu   sync.Mutex
	rng  *rand.Rand
	dead bool
	cut  time.Time     // no answer until then
	thaw chan struct{} // closed when a pause ends; nil while there is none
	calm bool
}

// Faults are how often things go wrong; the zero value of a field means never.
type Faults struct {
	// ErrorBefore and ErrorAfter are the shares of calls that fail before
	// the store did anything, and after it did everything.
	ErrorBefore, ErrorAfter float64
	// Twice is the share of writes that arrive twice.
	Twice float64
	// Latency bounds how long a call takes.
	Latency time.Duration
	// Skew bounds how far the clock of a replica is off.
	Skew time.Duration
	// Every is how often, on average, a replica crashes, is paused beyond
	// its lease, or is cut off from the store.
	Every time.Duration
}

// Harsh are faults that leave hardly anything unharmed.
var Harsh = Faults{
	ErrorBefore: .02, ErrorAfter: .02, Twice: .02,
	Latency: 200 * time.Millisecond, Skew: 2 * time.Second, Every: time.Minute,
}

// enter is the way to the store; it tells whether the way back fails.
func (f *faulty) enter(ctx context.Context) (lost bool, err error) {
	f.mu.Lock()
	for f.thaw != nil {
		thaw := f.thaw
		f.mu.Unlock()
		<-thaw // a stopped process does not notice that its context ended
		f.mu.Lock()
	}
	dead, cut := f.dead, time.Now().Before(f.cut)
	before, after := f.chance(f.rates.ErrorBefore), f.chance(f.rates.ErrorAfter)
	var latency time.Duration
	if f.rates.Latency > 0 && !f.calm {
		latency = time.Duration(f.rng.Int64N(int64(f.rates.Latency)))
	}
	f.mu.Unlock()
	time.Sleep(latency)
	if dead || cut || before {
		return false, errFault
	}
	return after, ctx.Err()
}

func (f *faulty) chance(share float64) bool { return !f.calm && f.rng.Float64() < share }

// call runs one call of the store with what goes wrong around it.
func call[T any](ctx context.Context, f *faulty, do func() (T, error)) (T, error) {
	var zero T
	lost, err := f.enter(ctx)
	if err != nil {
		return zero, err
	}
	v, err := do()
	if err == nil && lost {
		return zero, errFault
	}
	return v, err
}

// Due looks at the store by the replica's own clock: one that is behind sees no
// job before its time has come by it.
func (f *faulty) Due(ctx context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	return call(ctx, f, func() (scheduler.Due, error) {
		var early time.Time
		here := time.Now().Add(min(f.skew, 0))
		due, err := f.inner.Due(ctx, limit, func(st *scheduler.State) bool {
			if !st.Wake.After(here) {
				return take(st)
			}
			if early.IsZero() {
				early = st.Wake // the earliest comes first
			}
			return false
		})
		if due.Now = due.Now.Add(f.skew); !early.IsZero() {
			due.Next = early
		} else if !due.Next.IsZero() && f.skew > 0 {
			due.Next = due.Next.Add(f.skew)
		}
		return due, err
	})
}

func (f *faulty) Jobs(ctx context.Context, names ...string) ([]*scheduler.State, error) {
	return call(ctx, f, func() ([]*scheduler.State, error) { return f.inner.Jobs(ctx, names...) })
}

func (f *faulty) Ticks(ctx context.Context, q scheduler.Query) ([]*scheduler.Tick, error) {
	return call(ctx, f, func() ([]*scheduler.Tick, error) { return f.inner.Ticks(ctx, q) })
}

func (f *faulty) Logs(ctx context.Context, k scheduler.Key) ([]*scheduler.Log, error) {
	return call(ctx, f, func() ([]*scheduler.Log, error) { return f.inner.Logs(ctx, k) })
}

func (f *faulty) Replicas(ctx context.Context) ([]scheduler.Replica, error) {
	return call(ctx, f, func() ([]scheduler.Replica, error) { return f.inner.Replicas(ctx) })
}

func (f *faulty) Purge(ctx context.Context, keep scheduler.Retention) (int, error) {
	return call(ctx, f, func() (int, error) { return f.inner.Purge(ctx, keep) })
}

func (f *faulty) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	return call(ctx, f, func() ([]error, error) {
		stood, err := f.inner.Write(ctx, changes)
		if err != nil {
			return nil, err
		}
		f.notes.accepted(changes, stood)
		f.mu.Lock()
		twice := f.chance(f.rates.Twice)
		f.mu.Unlock()
		if twice {
			again, err := f.inner.Write(ctx, changes)
			if err != nil {
				return nil, err
			}
			f.notes.accepted(changes, again)
		}
		return stood, nil
	})
}

func (f *faulty) Changed() <-chan struct{} { return f.inner.Changed() }

// kill, pause and cutOff are what happens to a replica.
func (f *faulty) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = true
	f.resume()
}

func (f *faulty) pause(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.thaw == nil && !f.dead {
		f.thaw = make(chan struct{})
		time.AfterFunc(d, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.resume()
		})
	}
}

func (f *faulty) resume() {
	if f.thaw != nil {
		close(f.thaw)
		f.thaw = nil
	}
}

func (f *faulty) cutOff(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut = time.Now().Add(d)
}

// soothe ends everything that goes wrong.
func (f *faulty) soothe() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calm, f.cut = true, time.Time{}
	f.resume()
}

func (f *faulty) alive() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.dead
}
