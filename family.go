package beforehand

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// FamilyPolicy is the policy of a report with parameters.
type FamilyPolicy struct {
	// Policy holds for every one of the family. Its Wait is how long the
	// first reader of parameters that are not held waits; zero means five
	// seconds. When, AtStart and After are not used.
	Policy
	// Max is how many results are held at once; zero means 100. Ten times as
	// many are kept in the state.
	Max int
	// MaxBytes bounds the bytes held at once; zero means 64 MiB.
	MaxBytes int
}

// Family is one report for each of many parameters, such as a period and a
// page. P is what the function needs to know; its JSON is the canonical key, so
// equal parameters must have equal JSON.
//
// What was read since the last tick is computed anew on the tick. What was not
// is computed when a reader asks, once for all who ask, and let go after a
// while. A reader of what is held never waits: if it is older than the last
// tick it is served as it is, and computed anew behind the reader's back.
type Family[P, T any] struct {
	site   *Site
	job    *core // it has no snapshot of its own
	parse  func(*http.Request) (P, error)
	fn     func(context.Context, P) (T, error)
	policy FamilyPolicy
	maker  maker[T]
	slots  chan struct{} // bounds the computations readers ask for

	ones sync.Map     // canonical key to *one[P, T]
	tick atomic.Int64 // when the last successful run began, in nanoseconds; 0 for none
	puts atomic.Int64 // results put since the last sweep

	mu    sync.Mutex // orders who comes and who goes; no reader of what is held takes it
	count int
}

// one is a member of a family that is held here.
type one[P, T any] struct {
	c      *core
	params P
	value  atomic.Pointer[T]
	read   atomic.Int64 // when last read, in nanoseconds

	mu       sync.Mutex
	flight   chan struct{} // closed when the computation under way ends; nil without one
	failures int
	retry    time.Time // not to be tried again before
}

// NewFamily adds a report with parameters to a site. Parse reads them from a
// request; what it does not look at is ignored, and an error of it is answered
// with 404, so that out-of-range parameters cost nothing.
func NewFamily[P, T any](site *Site, name string, parse func(*http.Request) (P, error), fn func(context.Context, P) (T, error), policy FamilyPolicy) *Family[P, T] {
	policy.Wait = cmp.Or(policy.Wait, 5*time.Second)
	policy.Max = cmp.Or(policy.Max, 100)
	policy.MaxBytes = cmp.Or(policy.MaxBytes, 64<<20)
	policy.After, policy.AtStart, policy.When = nil, false, nil
	f := &Family[P, T]{
		site: site, parse: parse, fn: fn, policy: policy,
		maker: maker[T]{name: name}, slots: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	f.job = f.newCore("")
	site.enroll(f)
	return f
}

// newCore makes the core of one of the family.
func (f *Family[P, T]) newCore(params string) *core {
	c := &core{
		site: f.site, name: f.maker.name, params: params, policy: f.policy.Policy,
		definition: definition(f.policy.Definition, reflect.TypeFor[T]()),
		formats:    f.maker.formats, changed: make(chan struct{}),
	}
	c.served.Store(snapshot.Prepare(snapshot.Snapshot{Key: c.key()}, snapshot.State{}, f.policy.Rules))
	return c
}

func (f *Family[P, T]) core() *core { return f.job }

// Render adds a format to every one, as [Report.Render] does.
func (f *Family[P, T]) Render(format string, write func(w io.Writer, v T) error) {
	f.maker.addRender(format, write)
}

// Check adds a look at every result, as [Report.Check] does. A result that is
// held back is discarded: the last one stays.
func (f *Family[P, T]) Check(check func(previous, next T) error) { f.maker.addCheck(check) }

// Refresh computes what was read lately, by a run begun after the call.
func (f *Family[P, T]) Refresh(ctx context.Context) error {
	if err := f.site.add(ctx, f); err != nil {
		return err
	}
	if err := f.site.scheduler.Refresh(ctx, f.maker.name); err != nil {
		return fmt.Errorf("refresh report %s: %w", f.maker.name, err)
	}
	return nil
}

// Value returns the result for parameters that are held, and false for others,
// which it has computed for the next caller. It never waits.
func (f *Family[P, T]) Value(params P) (T, bool) {
	var zero T
	o, err := f.find(params)
	if err != nil || o == nil {
		return zero, false
	}
	f.ask(o)
	v := o.value.Load()
	if v == nil {
		return zero, false
	}
	return *v, true
}

// ServeHTTP answers for the parameters of a request.
func (f *Family[P, T]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	params, err := f.parse(r)
	if err != nil {
		f.job.refuse(w, r, http.StatusNotFound, "no such parameters")
		return
	}
	o, err := f.find(params)
	if err != nil {
		f.site.log.Error("parameters without a key", "report", f.maker.name, "error", err)
		f.job.refuse(w, r, http.StatusInternalServerError, "no key for these parameters")
		return
	}
	if o == nil { // all places are taken by computations under way
		f.job.served.Load().ServeHTTP(w, r)
		return
	}
	ended := f.ask(o)
	served := o.c.served.Load()
	if served.Snapshot().Version == 0 && ended != nil {
		timer := time.NewTimer(f.policy.Wait)
		defer timer.Stop()
		select {
		case <-ended:
		case <-timer.C:
		case <-r.Context().Done():
		}
		served = o.c.served.Load()
	}
	served.ServeHTTP(w, r)
}

// find returns the one for parameters, making a place for it if need be; nil if
// there is none to be had.
func (f *Family[P, T]) find(params P) (*one[P, T], error) {
	key, err := json.Marshal(&params)
	if err != nil {
		return nil, err
	}
	now := time.Now().UnixNano()
	if o, ok := f.ones.Load(string(key)); ok {
		o := o.(*one[P, T])
		o.read.Store(now)
		return o, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if o, ok := f.ones.Load(string(key)); ok {
		return o.(*one[P, T]), nil
	}
	if f.count >= f.policy.Max && !f.evict(nil) {
		return nil, nil
	}
	o := &one[P, T]{c: f.newCore(string(key)), params: params}
	o.c.decode = o.decode
	o.c.follow(f.state())
	o.read.Store(now)
	f.ones.Store(string(key), o)
	f.count++
	return o, nil
}

func (o *one[P, T]) decode(s *snapshot.Snapshot) (func(), error) {
	v, err := decodeValue[T](s)
	return func() { o.value.Store(&v) }, err
}

// all returns those held, the one read longest ago first.
func (f *Family[P, T]) all() []*one[P, T] {
	var list []*one[P, T]
	f.ones.Range(func(_, o any) bool {
		list = append(list, o.(*one[P, T]))
		return true
	})
	slices.SortFunc(list, func(a, b *one[P, T]) int { return cmp.Compare(a.read.Load(), b.read.Load()) })
	return list
}

// evict lets go of the one read longest ago that is not being computed, and is
// not the one to be spared. The caller holds mu.
func (f *Family[P, T]) evict(spare *one[P, T]) bool {
	for _, o := range f.all() {
		if o != spare && !o.busy() {
			f.ones.Delete(o.c.params)
			f.count--
			return true
		}
	}
	return false
}

func (o *one[P, T]) busy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.flight != nil
}

// fit lets go of what is beyond the bytes to be held.
func (f *Family[P, T]) fit(spare *one[P, T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		bytes := 0
		for _, o := range f.all() {
			s := o.c.served.Load().Snapshot()
			bytes += s.Size()
		}
		if bytes <= f.policy.MaxBytes || !f.evict(spare) {
			return
		}
	}
}

// ask sees to it that one is computed if it has to be, and returns a channel
// that is closed when that ends; nil if nothing is under way.
func (f *Family[P, T]) ask(o *one[P, T]) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flight != nil || !f.old(o.c.served.Load().Snapshot()) || time.Now().Before(o.retry) {
		return o.flight
	}
	flight := make(chan struct{})
	if !f.site.background(func(ctx context.Context) {
		select {
		case f.slots <- struct{}{}:
			_ = f.fly(ctx, o, flight, nil) // whoever waits is told by the flight
			<-f.slots
		case <-ctx.Done():
			o.land(flight, ctx.Err())
		}
	}) {
		return nil
	}
	o.flight = flight
	return flight
}

// old tells whether a result does not do: there is none, it is of another
// definition, or it was there before the last tick.
func (f *Family[P, T]) old(s snapshot.Snapshot) bool {
	return s.Version == 0 || s.Definition != f.job.definition || s.ComputedAt.UnixNano() < f.tick.Load()
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
	if run == nil && !f.old(previous) {
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

// run computes anew what was read since the last tick, and lets go of the rest.
func (f *Family[P, T]) run(ctx context.Context, run *scheduler.Run) error {
	since := f.tick.Load()
	var errs []error
	for _, o := range f.all() {
		if o.read.Load() < since {
			f.drop(o)
			continue
		}
		o.mu.Lock()
		flight := o.flight
		if flight == nil {
			flight = make(chan struct{})
			o.flight = flight
		} else {
			flight = nil // it is being computed already
		}
		o.mu.Unlock()
		if flight != nil {
			errs = append(errs, f.fly(ctx, o, flight, run))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(append(errs, f.sweep(ctx))...)
}

// drop lets go of one that nobody reads.
func (f *Family[P, T]) drop(o *one[P, T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.ones.Load(o.c.params); ok && !o.busy() {
		f.ones.Delete(o.c.params)
		f.count--
	}
}

// sweep deletes from the state what is beyond ten times what may be held, the
// results computed longest ago first.
func (f *Family[P, T]) sweep(ctx context.Context) error {
	store := f.site.state.Snapshots()
	list, err := store.Changes(ctx, 0)
	if err != nil {
		return err
	}
	newest := map[snapshot.Key]int64{}
	for _, head := range list {
		if head.Report == f.maker.name && head.Params != "" {
			newest[head.Key] = head.Revision
		}
	}
	for _, head := range list { // in the order of revisions
		if len(newest) <= 10*f.policy.Max {
			break
		}
		if newest[head.Key] == head.Revision {
			if err := store.Delete(ctx, head.Key); err != nil {
				return err
			}
			delete(newest, head.Key)
		}
	}
	return nil
}

// swap follows what another process has computed of those held here.
func (f *Family[P, T]) swap(ctx context.Context, head snapshot.Snapshot) error {
	if o, ok := f.ones.Load(head.Params); ok {
		return o.(*one[P, T]).c.load(ctx)
	}
	return nil
}

// tell takes over what the ledger says, for every one that is held.
func (f *Family[P, T]) tell(ctx context.Context, job *scheduler.State, running time.Time) error {
	err := f.job.tell(ctx, job, running)
	if r := job.Record; r != nil && !r.Success.IsZero() && len(r.Took) > 0 {
		f.tick.Store(r.Success.Add(-r.Took[0]).UnixNano())
	}
	state := f.state()
	for _, o := range f.all() {
		o.c.follow(state)
	}
	return err
}

// state is what readers are told of the family's job.
func (f *Family[P, T]) state() snapshot.State {
	f.job.mu.Lock()
	defer f.job.mu.Unlock()
	return f.job.told.state
}
