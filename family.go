package beforehand

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// FamilyPolicy is the policy of a report with parameters.
type FamilyPolicy[P any] struct {
	// Policy holds for every one of the family. Its Wait is how long the
	// first reader of parameters that are not held waits; zero means five
	// seconds. Its Timeout bounds each computation; who waits for one in
	// another process waits as long as that process lives and computes. When,
	// AtStart and Keep are not used.
	Policy
	// Always are parameters that are computed at start and on every tick,
	// whoever reads them. They are never let go, do not count as any of Max,
	// and are what is published.
	Always []P
	// Max is how many results are held at once for readers; zero means 100.
	// Ten times as many are kept in the state.
	Max int
	// MaxBytes bounds the bytes of all formats held at once; zero means
	// 64 MiB.
	MaxBytes int
}

// Family is one report for each of many parameters, such as a period and a
// page. P is what the function needs to know; its JSON is the canonical key, so
// equal parameters must have equal JSON.
//
// What was read since the last tick is computed anew on the tick. What was not
// is computed when a reader asks, once for all who ask in whichever of the
// processes that share a state, and let go after a while. A reader of what is held never waits: if it is older than the last
// tick it is served as it is, and computed anew behind the reader's back.
type Family[P, T any] struct {
	site   *Site
	job    *core // it has no snapshot of its own
	parse  func(*http.Request) (P, error)
	fn     func(context.Context, P) (T, error)
	policy FamilyPolicy[P]
	maker  maker[T]
	slots  chan struct{} // bounds the computations readers ask for

	ones sync.Map     // canonical key to *one[P, T]
	tick atomic.Int64 // the newest that has ended, in nanoseconds; 0 for none
	puts atomic.Int64 // results put since the last sweep

	mu    sync.Mutex // orders who comes and who goes; no reader of what is held takes it
	count int        // of those held for readers
}

// NewFamily adds a report with parameters to a site. Parse reads them from a
// request; what it does not look at is ignored, and an error of it is answered
// with 404, so that out-of-range parameters cost nothing.
func NewFamily[P, T any](site *Site, name string, parse func(*http.Request) (P, error), fn func(context.Context, P) (T, error), policy FamilyPolicy[P]) *Family[P, T] {
	policy.Wait = cmp.Or(policy.Wait, 5*time.Second)
	policy.Max = cmp.Or(policy.Max, 100)
	policy.MaxBytes = cmp.Or(policy.MaxBytes, 64<<20)
	policy.AtStart, policy.When = false, nil
	policy.Rules.Tally = cmp.Or(policy.Rules.Tally, site.Tally(name))
	f := &Family[P, T]{
		site: site, parse: parse, fn: fn, policy: policy,
		maker: maker[T]{name: name, below: policy.HoldBelow, keep: policy.Formats}, slots: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	f.job = f.newCore("")
	for _, p := range policy.Always {
		key, err := json.Marshal(&p)
		if err != nil {
			site.fail(fmt.Errorf("new report %s: parameters without a key: %w", name, err))
			continue
		}
		if o, held := f.hold(string(key), p); !held {
			o.always = true
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := f.load(ctx); err != nil {
		site.log.Error("report begins without its snapshots", "report", name, "error", err)
	}
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

// load brings those that are always held, and what is known of the last tick,
// to what the state has.
func (f *Family[P, T]) load(ctx context.Context) error {
	for _, o := range f.all() {
		if o.always {
			if err := o.c.load(ctx); err != nil {
				return err
			}
		}
	}
	jobs, err := f.site.state.Jobs().Jobs(ctx, f.job.name)
	if err == nil && len(jobs) == 1 {
		f.note(jobs[0])
	}
	return err
}

// wanting tells whether the job must run at start: it never has, or what is
// always held does not do.
func (f *Family[P, T]) wanting() bool {
	return f.tick.Load() == 0 ||
		slices.ContainsFunc(f.all(), func(o *one[P, T]) bool { return o.always && o.c.wanting() })
}

// keys are those of what is always held.
func (f *Family[P, T]) keys() []snapshot.Key {
	var keys []snapshot.Key
	for _, o := range f.all() {
		if o.always {
			keys = append(keys, o.c.key())
		}
	}
	return keys
}

// Render adds a format to every one, as [Report.Render] does.
func (f *Family[P, T]) Render(format string, write func(w io.Writer, v T) error) {
	f.maker.addRender(format, write)
}

// Check adds a look at every result, as [Report.Check] does. A result that is
// held back is discarded: the last one stays.
func (f *Family[P, T]) Check(check func(previous, next T) error) { f.maker.addCheck(check) }

// Refresh computes what is always held and what was read lately, by a run begun
// after the call.
func (f *Family[P, T]) Refresh(ctx context.Context) error {
	return f.site.refresh(ctx, f)
}

// Invalidate says that no result is right any more, as [Report.Invalidate]
// does.
func (f *Family[P, T]) Invalidate(ctx context.Context) error { return f.site.invalidate(ctx, f) }

// Value returns the result for parameters that are held, and false for others,
// which it has computed for the next caller. It never waits.
func (f *Family[P, T]) Value(params P) (T, bool) {
	c := f.Current(params)
	return c.Value, c.Version > 0
}

// Current returns the result for parameters with its status, of version zero
// for what is not held. Like Value it never waits and has computed what it
// lacks.
func (f *Family[P, T]) Current(params P) Current[T] {
	return f.current(params, func(o *one[P, T]) { f.ask(o) })
}

// Await is Current, but for parameters without a result it waits until there is
// one, computing it has failed, or ctx ends.
func (f *Family[P, T]) Await(ctx context.Context, params P) Current[T] {
	return f.current(params, func(o *one[P, T]) { f.first(ctx, o) })
}

func (f *Family[P, T]) current(params P, ask func(o *one[P, T])) Current[T] {
	o, err := f.find(params)
	if err != nil || o == nil {
		return Current[T]{Status: f.job.status(snapshot.Snapshot{})}
	}
	ask(o)
	k := o.value.Load()
	return Current[T]{Value: k.value, Status: o.c.status(k.snapshot)}
}

// ServeHTTP answers for the parameters of a request.
func (f *Family[P, T]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o := f.asked(w, r)
	if o == nil {
		return
	}
	if o.c.served.Load().Snapshot().Version > 0 {
		f.ask(o)
	} else {
		ctx, cancel := context.WithTimeout(r.Context(), f.policy.Wait)
		defer cancel()
		f.first(ctx, o)
	}
	o.c.served.Load().ServeHTTP(w, r)
}

// first waits for the first result of one, until computing it ends or ctx does.
func (f *Family[P, T]) first(ctx context.Context, o *one[P, T]) {
	changed := o.c.wait()
	ended := f.ask(o)
	if ended == nil || o.c.served.Load().Snapshot().Version > 0 {
		return
	}
	select {
	case <-ended:
	case <-changed: // also to what the state has, while a newer one is computed
	case <-ctx.Done():
	}
}

// ServeStatus answers with the [Status] for the parameters of a request.
func (f *Family[P, T]) ServeStatus(w http.ResponseWriter, r *http.Request) {
	if o := f.asked(w, r); o != nil {
		f.ask(o)
		o.c.serveStatus(w, r)
	}
}

// Subscribe answers with the events for the parameters of a request, as
// [Report.Subscribe] does. A stream reads its result at every heartbeat, and so
// keeps it warm.
func (f *Family[P, T]) Subscribe(w http.ResponseWriter, r *http.Request) {
	o := f.asked(w, r)
	if o == nil {
		return
	}
	stream(w, r, func() *core {
		if again, err := f.find(o.params); err == nil && again != nil {
			o = again
			f.ask(o)
		}
		return o.c
	})
}

// asked returns the one for the parameters of a request; nil if there is none,
// which it has then answered.
func (f *Family[P, T]) asked(w http.ResponseWriter, r *http.Request) *one[P, T] {
	params, err := f.parse(r)
	if err != nil {
		f.job.refuse(w, r, http.StatusNotFound, "no such parameters")
		return nil
	}
	o, err := f.find(params)
	if err != nil {
		f.site.log.Error("parameters without a key", "report", f.maker.name, "error", err)
		f.job.refuse(w, r, http.StatusInternalServerError, "no key for these parameters")
		return nil
	}
	if o == nil { // all places are taken by computations under way
		f.job.served.Load().ServeHTTP(w, r)
	}
	return o
}

// swap follows what another process has computed of those held here.
func (f *Family[P, T]) swap(ctx context.Context, head snapshot.Snapshot) error {
	if head.Held != "" {
		return nil
	}
	if o, ok := f.ones.Load(head.Params); ok && !o.(*one[P, T]).c.has(head.Version) {
		return o.(*one[P, T]).c.load(ctx)
	}
	return nil
}

// succeed takes over those that are held, as if they had been read here.
func (f *Family[P, T]) succeed(before member) {
	b, ok := before.(*Family[P, T])
	if !ok {
		return
	}
	f.job.succeed(b.job)
	for _, was := range b.all() {
		if o, err := f.find(was.params); err == nil && o != nil {
			o.read.Store(was.read.Load())
			o.c.succeed(was.c)
		}
	}
}

// tell takes over what the ledger says, for every one that is held. After a tick
// it lets go of what nobody has read since the one before; what was read here
// and not computed by the run, which another process has made, is computed now.
func (f *Family[P, T]) tell(ctx context.Context, job *scheduler.State, running time.Time) error {
	err := f.job.tell(ctx, job, running)
	before := f.note(job)
	news, state := f.tick.Load() != before, f.state()
	for _, o := range f.all() {
		o.c.follow(state)
		switch {
		case !news:
		case o.always || o.read.Load() >= before:
			f.ask(o)
		default:
			f.drop(o)
		}
	}
	return err
}

// note takes over which tick is the newest that has ended, and returns the one
// that was.
func (f *Family[P, T]) note(job *scheduler.State) (before int64) {
	if r := job.Record; r != nil && !r.Due.IsZero() {
		return f.tick.Swap(r.Due.UnixNano())
	}
	return f.tick.Load()
}

// state is what readers are told of the family's job.
func (f *Family[P, T]) state() snapshot.State {
	f.job.mu.Lock()
	defer f.job.mu.Unlock()
	return f.job.told.state
}
