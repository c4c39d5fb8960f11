package beforehand

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"sync"
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

	mu      sync.Mutex // guards what is set before the first run
	renders []render[T]
	checks  []func(previous, next T) error
	proven  bool // a value of this type came back from JSON as it was
}

// kept is a value with the snapshot it was decoded from.
type kept[T any] struct {
	value    T
	snapshot snapshot.Snapshot
}

// render is a format made of the value.
type render[T any] struct {
	format string
	write  func(io.Writer, T) error
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
	r := &Report[T]{fn: fn}
	r.c = &core{
		site: site, name: name, policy: policy,
		definition: definition(policy.Definition, reflect.TypeFor[T]()),
		decode:     r.decode, changed: make(chan struct{}),
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

func (r *Report[T]) core() *core { return r.c }

// decode makes the value of a snapshot.
func (r *Report[T]) decode(s *snapshot.Snapshot) (func(), error) {
	v, err := decodeValue[T](s)
	if err != nil {
		return nil, err
	}
	h := &kept[T]{value: v, snapshot: *s}
	return func() { r.value.Store(h) }, nil
}

// Render adds a format, or takes the place of "json", "csv" or "html", which
// every value has. The format is the extension, such as "svg". It is called
// right after New, and its formats come in the order of the calls, behind the
// three.
func (r *Report[T]) Render(format string, write func(w io.Writer, v T) error) {
	r.mu.Lock()
	r.renders = append(slices.DeleteFunc(slices.Clone(r.renders), func(o render[T]) bool { return o.format == format }), render[T]{format, write})
	r.mu.Unlock()
	r.c.mu.Lock()
	r.c.wanted = append(r.c.wanted, format)
	r.c.mu.Unlock()
}

// Check adds a look at a result before it goes into service; previous is the
// one that is there, zero at first. An error discards the result and fails the
// run, unless it is a [Hold]. It is called right after New.
func (r *Report[T]) Check(check func(previous, next T) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks = append(r.checks, check)
}

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
	if err := r.c.site.add(ctx, r); err != nil {
		return err
	}
	if err := r.c.site.scheduler.Refresh(ctx, r.c.name); err != nil {
		return fmt.Errorf("refresh report %s: %w", r.c.name, err)
	}
	return r.c.load(ctx)
}

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
	began := time.Now()
	notes := &notes{run: run}
	v, err := r.fn(context.WithValue(ctx, notesKey{}, notes))
	if err != nil {
		return err
	}
	// A result that came after the run was cancelled is nobody's.
	if err := context.Cause(ctx); err != nil {
		return err
	}
	s := snapshot.Snapshot{
		Key: c.key(), Keep: c.policy.Keep, Definition: c.definition,
		Tick: run.Due, Fence: run.Fence, Probe: probe,
	}
	formats, err := r.render(v)
	if err != nil {
		return err
	}
	if s.Held, err = r.check(previous, v); err != nil {
		return err
	}
	s.ComputedAt = time.Now().UTC()
	s.Took = s.ComputedAt.Sub(began)
	s.Pageviews = notes.get()
	if s.Files, err = snapshot.Build(formats, c.site.encoders, previous.Files, s.ComputedAt); err != nil {
		return err
	}
	run.Commit(s)
	return nil
}

// render makes every format of a value.
func (r *Report[T]) render(v T) ([]snapshot.Format, error) {
	r.mu.Lock()
	renders, proven := slices.Clone(r.renders), r.proven
	r.mu.Unlock()
	if !proven {
		if err := survives(v); err != nil {
			return nil, err
		}
	}
	var formats []snapshot.Format
	if files, ok := any(v).(Files); ok {
		formats = files.formats()
	} else {
		doc, err := encodeValue(v)
		if err != nil {
			return nil, err
		}
		formats = []snapshot.Format{{Name: "json", Body: doc}}
		if slices.ContainsFunc(renders, func(o render[T]) bool { return o.format == "json" }) {
			formats = append(formats, snapshot.Format{Name: valueFormat, Body: doc})
		}
	}
	formats, err := tables(formats, r.c.name)
	if err != nil {
		return nil, err
	}
	for _, o := range renders {
		var b bytes.Buffer
		if err := o.write(&b, v); err != nil {
			return nil, fmt.Errorf("render %s: %w", o.format, err)
		}
		f := snapshot.Format{Name: o.format, Body: b.Bytes()}
		if i := slices.IndexFunc(formats, func(g snapshot.Format) bool { return g.Name == f.Name }); i >= 0 {
			formats[i] = f
		} else {
			formats = append(formats, f)
		}
	}
	r.mu.Lock()
	r.proven = true
	r.mu.Unlock()
	return formats, nil
}

// check asks the owner's checks, and returns why the result is held.
func (r *Report[T]) check(previous snapshot.Snapshot, next T) (string, error) {
	r.mu.Lock()
	checks := slices.Clone(r.checks)
	r.mu.Unlock()
	if len(checks) == 0 {
		return "", nil
	}
	var before T
	if previous.Version > 0 {
		// What another definition left behind may not be of this type.
		if v, err := decodeValue[T](&previous); err == nil {
			before = v
		}
	}
	for _, check := range checks {
		err := check(before, next)
		if reason, ok := heldFor(err); ok {
			return reason, nil
		} else if err != nil {
			return "", fmt.Errorf("check: %w", err)
		}
	}
	return "", nil
}

// tables adds CSV and HTML made of the JSON, where the formats have none.
func tables(formats []snapshot.Format, title string) ([]snapshot.Format, error) {
	has := func(name string) int {
		return slices.IndexFunc(formats, func(f snapshot.Format) bool { return f.Name == name })
	}
	i := has("json")
	if i < 0 || !json.Valid(formats[i].Body) {
		return formats, nil
	}
	t, err := tabulate(formats[i].Body)
	if err != nil {
		return nil, err
	}
	t.Title = title
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{"csv", t.csv}, {"html", t.html}} {
		if has(f.name) >= 0 {
			continue
		}
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			return nil, fmt.Errorf("render %s: %w", f.name, err)
		}
		formats = append(formats, snapshot.Format{Name: f.name, Body: b.Bytes()})
	}
	return formats, nil
}

// formats returns the files in order of name, "json" first.
func (f Files) formats() []snapshot.Format {
	var formats []snapshot.Format
	for name, body := range f {
		formats = append(formats, snapshot.Format{Name: name, Body: body})
	}
	slices.SortFunc(formats, func(a, b snapshot.Format) int {
		switch {
		case a.Name == b.Name:
			return 0
		case a.Name == "json", b.Name != "json" && a.Name < b.Name:
			return -1
		}
		return 1
	})
	return formats
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
	if err != nil {
		return fmt.Errorf("restore report %s: %w", c.name, err)
	}
	list, err := store.Versions(ctx, c.key())
	if err != nil {
		return fmt.Errorf("restore report %s: %w", c.name, err)
	}
	s.Base, s.Fence, s.Held, s.Keep = list[0].Version, 0, "", c.policy.Keep
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i := range s.Files {
		s.Files[i].ChangedAt = now
	}
	if _, err := store.Put(ctx, s); err != nil {
		return fmt.Errorf("restore report %s: %w", c.name, err)
	}
	return c.load(ctx)
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
