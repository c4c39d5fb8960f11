package beforehand

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// Report is a function, a policy, and the last result of the function, for
// every reader: as an http.Handler and as a typed value. Make one with [New].
type Report[T any] struct {
	c     *core
	fn    func(context.Context) (T, error)
	value atomic.Pointer[kept[T]]
	maker maker[T]
}

// kept is a value with the snapshot it was decoded from.
type kept[T any] struct {
	value    T
	snapshot snapshot.Snapshot
}

// New adds a report to a site. The name is its own for ever: it names the job,
// the snapshots and the files. It is one or more words joined by slashes, such
// as "hot" or "blog/hot".
//
// The function is called by [Site.Run], never by a reader. Its result is kept
// as JSON, and readers get what is decoded from that, so a type that does not
// come back from JSON as it was fails its first run; a function that writes
// bytes itself returns [Files].
//
// What the state has of the report is served at once, before Run. A name that
// is bad or taken is an error of Run.
func New[T any](site *Site, name string, fn func(context.Context) (T, error), policy Policy) *Report[T] {
	policy.Rules.Tally = cmp.Or(policy.Rules.Tally, site.Tally(name))
	r := &Report[T]{fn: fn, maker: maker[T]{name: name, below: policy.HoldBelow, keep: policy.Formats}}
	r.c = &core{
		site: site, name: name, policy: policy,
		definition: definition(policy.Definition, reflect.TypeFor[T]()),
		decode:     r.decode, formats: r.maker.formats, changed: make(chan struct{}),
	}
	r.c.served.Store(snapshot.Prepare(snapshot.Snapshot{Key: r.c.key()}, snapshot.State{}, policy.Rules))
	r.value.Store(&kept[T]{})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := r.c.load(ctx); err != nil {
		site.log.Error("report begins without its snapshot", "report", name, "error", err)
	}
	site.enroll(r)
	return r
}

func (r *Report[T]) core() *core                    { return r.c }
func (r *Report[T]) load(ctx context.Context) error { return r.c.load(ctx) }
func (r *Report[T]) wanting() bool                  { return r.c.wanting() }
func (r *Report[T]) keys() []snapshot.Key           { return []snapshot.Key{r.c.key()} }

// swap follows what the store says of one of the report's versions.
func (r *Report[T]) swap(ctx context.Context, head snapshot.Snapshot) error {
	if head.Held != "" {
		r.c.hold(head)
		return nil
	}
	if r.c.has(head.Version) {
		return nil
	}
	return r.c.load(ctx)
}

func (r *Report[T]) succeed(before member) {
	if b, ok := before.(*Report[T]); ok {
		r.c.succeed(b.c)
	}
}

func (r *Report[T]) tell(ctx context.Context, job *scheduler.State, running time.Time) error {
	return r.c.tell(ctx, job, running)
}

// decode makes the value of a snapshot.
func (r *Report[T]) decode(s *snapshot.Snapshot) (func(), error) {
	v, err := decodeValue[T](s)
	if err != nil {
		return nil, err
	}
	h := &kept[T]{value: v, snapshot: *s}
	return func() { r.value.Store(h) }, nil
}

// Render adds a format, or takes the place of "json", "csv", "html" or "md", which
// every value has; what takes the place of "csv" is the table that "html" and
// "md" show. The format is the extension, such as "svg". It is called
// right after New, and its formats come in the order of the calls, behind the
// four.
func (r *Report[T]) Render(format string, write func(w io.Writer, v T) error) {
	r.maker.addRender(format, write)
}

// Check adds a look at a result before it goes into service; previous is the
// one that is there, zero at first. An error discards the result and fails the
// run, unless it is a [Hold]. It is called right after New.
func (r *Report[T]) Check(check func(previous, next T) error) { r.maker.addCheck(check) }

// Value returns the last result, the zero value before the first. All callers
// share it: it must not be changed. It never waits.
func (r *Report[T]) Value() T { return r.value.Load().value }

// ServeHTTP answers with the snapshot, as [snapshot.Served] describes. Before
// the first result it answers 503, after having waited as long as Policy.Wait
// allows.
func (r *Report[T]) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	served := r.c.served.Load()
	if served.Snapshot().Version == 0 && r.c.policy.Wait > 0 {
		served = r.c.first(req.Context())
	}
	served.ServeHTTP(w, req)
}

// Refresh computes the report and returns when readers of this process have
// the result: that of a run begun after the call. Everyone who asks while a run
// is under way shares the next one. It needs a [Site.Run] in some process, and
// returns the run's error.
func (r *Report[T]) Refresh(ctx context.Context) error {
	if err := r.c.site.refresh(ctx, r); err != nil {
		return err
	}
	return r.c.load(ctx)
}

// Invalidate says that the snapshot is no longer right: a run begun after the
// call will be made, as soon as there is room, by whichever process has it. It
// does not wait for it; until it is done the snapshot stays in service.
func (r *Report[T]) Invalidate(ctx context.Context) error { return r.c.site.invalidate(ctx, r) }

// Changed returns a channel that is closed at the next swap. Who asks for it
// before looking at the value misses none.
func (r *Report[T]) Changed() <-chan struct{} { return r.c.wait() }

// Versions lists the snapshots that are kept, newest first, without bytes.
func (r *Report[T]) Versions(ctx context.Context) ([]snapshot.Snapshot, error) {
	return r.c.site.state.Snapshots().Versions(ctx, r.c.key())
}

// Restore puts a kept version into service again, as a new version: one from
// before, or one that was held. It stays until the next run has a result.
func (r *Report[T]) Restore(ctx context.Context, version int64) error {
	return r.c.restore(ctx, version)
}

// run is what the scheduler calls.
func (r *Report[T]) run(ctx context.Context, run *scheduler.Run) error {
	c := r.c
	if err := c.site.readable(ctx, c.policy.After); err != nil {
		return err
	}
	previous, err := c.previous(ctx)
	if err != nil {
		return err
	}
	probe, same, err := c.probe(ctx, previous)
	if err != nil {
		return err
	}
	if same && !run.Asked {
		return nil
	}
	s, err := r.maker.make(ctx, r.fn, run, previous, c.site.encoders)
	if err != nil {
		return err
	}
	if s.Held != "" {
		run.Logger().Warn("result held for approval", "reason", s.Held)
	}
	s.Key, s.Keep, s.Definition, s.Probe = c.key(), c.policy.Keep, c.definition, probe
	run.Commit(s)
	return nil
}

// previous returns the snapshot in service by the store, an empty one if there
// is none.
func (c *core) previous(ctx context.Context) (snapshot.Snapshot, error) {
	s, err := c.site.state.Snapshots().Get(ctx, c.key(), 0)
	if errors.Is(err, snapshot.ErrNone) || errors.Is(err, snapshot.ErrCorrupt) {
		return snapshot.Snapshot{}, nil
	}
	return s, err
}

// probe asks Policy.When and tells whether nothing has changed since the
// snapshot, which must be of our definition and have our formats.
func (c *core) probe(ctx context.Context, s snapshot.Snapshot) (string, bool, error) {
	if c.policy.When == nil {
		return "", false, nil
	}
	answer, err := c.policy.When(ctx)
	if err != nil {
		return "", false, fmt.Errorf("probe: %w", err)
	}
	return answer, s.Version > 0 && s.Probe == answer && s.Definition == c.definition && !c.wanting(), nil
}

// restore puts a kept version into service as a new one.
func (c *core) restore(ctx context.Context, version int64) error {
	store := c.site.state.Snapshots()
	s, err := store.Get(ctx, c.key(), version)
	if err == nil {
		_, err = c.decode(&s)
	}
	if err == nil {
		var newest snapshot.Snapshot
		newest, err = c.newestKept(ctx)
		s.Base = newest.Version
	}
	if err != nil {
		return fmt.Errorf("restore report %s: %w", c.name, err)
	}
	s.Fence, s.Held, s.Keep, s.Definition = 0, "", c.policy.Keep, c.definition
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i := range s.Files {
		s.Files[i].ChangedAt = now
	}
	if _, err := store.Put(ctx, s); err != nil {
		return fmt.Errorf("restore report %s: %w", c.name, err)
	}
	return c.load(ctx)
}

// newestKept is the newest version in the state, held ones included, without
// bytes; an empty one if there is none.
func (c *core) newestKept(ctx context.Context) (snapshot.Snapshot, error) {
	list, err := c.site.state.Snapshots().Versions(ctx, c.key())
	if err != nil || len(list) == 0 {
		return snapshot.Snapshot{}, err
	}
	return list[0], nil
}

// first waits for the first result, asking for it, as long as the policy and
// the reader allow.
func (c *core) first(ctx context.Context) *snapshot.Served {
	ctx, cancel := context.WithTimeout(ctx, c.policy.Wait)
	defer cancel()
	for {
		changed := c.wait()
		served := c.served.Load()
		if served.Snapshot().Version > 0 {
			return served
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return served
		}
	}
}
