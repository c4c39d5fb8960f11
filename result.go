package beforehand

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// maker makes snapshots of values: it renders, checks, compresses and tags.
type maker[T any] struct {
	name  string
	below float64  // Policy.HoldBelow
	keep  []string // Policy.Formats

	mu      sync.Mutex
	renders []render[T]
	checks  []func(previous, next T) error
	proven  bool // a value of this type came back from JSON as it was
}

// render is a format made of the value.
type render[T any] struct {
	format string
	write  func(io.Writer, T) error
}

// addRender is Report.Render.
func (m *maker[T]) addRender(format string, write func(w io.Writer, v T) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.renders = append(slices.DeleteFunc(slices.Clone(m.renders), func(o render[T]) bool { return o.format == format }), render[T]{format, write})
}

// addCheck is Report.Check.
func (m *maker[T]) addCheck(check func(previous, next T) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checks = append(m.checks, check)
}

// formats names what Render has added and is kept.
func (m *maker[T]) formats() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, o := range m.renders {
		if m.keeps(o.format) {
			names = append(names, o.format)
		}
	}
	return names
}

// make calls the function and makes a snapshot of its value. The run is nil
// for one that no tick asked for.
func (m *maker[T]) make(ctx context.Context, fn func(context.Context) (T, error), run *scheduler.Run, previous snapshot.Snapshot, encoders []snapshot.Encoder) (snapshot.Snapshot, error) {
	var s snapshot.Snapshot
	if run != nil {
		s.Tick, s.Fence = run.Due, run.Fence
	}
	began, notes := time.Now(), &notes{run: run}
	v, err := fn(context.WithValue(ctx, notesKey{}, notes))
	if err != nil {
		return s, err
	}
	// A result that came after the run was cancelled is nobody's.
	if err := context.Cause(ctx); err != nil {
		return s, err
	}
	formats, err := m.render(v)
	if err != nil {
		return s, err
	}
	if s.Held, err = m.check(previous, v); err != nil {
		return s, err
	}
	if s.Held == "" {
		s.Held = m.shrunk(previous, formats)
	}
	s.ComputedAt = time.Now().UTC()
	s.Took = s.ComputedAt.Sub(began)
	s.Pageviews = notes.get()
	s.Files, err = snapshot.Build(formats, encoders, previous.Files, s.ComputedAt)
	return s, err
}

// render makes every format of a value.
func (m *maker[T]) render(v T) ([]snapshot.Format, error) {
	m.mu.Lock()
	renders, proven := slices.Clone(m.renders), m.proven
	m.mu.Unlock()
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
	var rendered []snapshot.Format
	for _, o := range renders {
		if !m.keeps(o.format) {
			continue
		}
		var b bytes.Buffer
		if err := o.write(&b, v); err != nil {
			return nil, fmt.Errorf("render %s: %w", o.format, err)
		}
		rendered = append(rendered, snapshot.Format{Name: o.format, Body: b.Bytes()})
	}
	// A CSV that was rendered is the table that the others are made of.
	if i := indexOf(rendered, "csv"); i >= 0 && indexOf(formats, "csv") < 0 {
		formats = append(formats, rendered[i])
	}
	formats, err := tables(formats, m.name)
	if err != nil {
		return nil, err
	}
	for _, f := range rendered {
		if i := indexOf(formats, f.Name); i >= 0 {
			formats[i] = f
		} else {
			formats = append(formats, f)
		}
	}
	m.mu.Lock()
	m.proven = true
	m.mu.Unlock()
	return slices.DeleteFunc(formats, func(f snapshot.Format) bool { return !m.keeps(f.Name) }), nil
}

// keeps tells whether a format is kept: what Policy.Formats names, and that
// which the value is read from.
func (m *maker[T]) keeps(format string) bool {
	if m.keep == nil || slices.Contains(m.keep, format) || format == valueFormat {
		return true
	}
	_, files := any(*new(T)).(Files)
	return format == "json" && !files
}

// indexOf is the place of a format, or -1.
func indexOf(formats []snapshot.Format, name string) int {
	return slices.IndexFunc(formats, func(f snapshot.Format) bool { return f.Name == name })
}

// check asks the owner's checks, and returns why the result is held.
func (m *maker[T]) check(previous snapshot.Snapshot, next T) (string, error) {
	m.mu.Lock()
	checks := slices.Clone(m.checks)
	m.mu.Unlock()
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

// shrunk tells why a result is held that is far smaller than the last; empty if
// it is not.
func (m *maker[T]) shrunk(previous snapshot.Snapshot, next []snapshot.Format) string {
	if len(next) == 0 {
		return ""
	}
	before, _ := previous.File(next[0].Name, "")
	if n := len(next[0].Body); float64(n) < m.below*float64(before.Size) {
		return fmt.Sprintf("%d bytes of %s after %d", n, next[0].Name, before.Size)
	}
	return ""
}

// tables adds CSV, HTML and Markdown, where the formats have none: made of the
// CSV where there is one, else of the JSON.
func tables(formats []snapshot.Format, title string) ([]snapshot.Format, error) {
	t, ok, err := tableOf(formats)
	if err != nil || !ok {
		return formats, err
	}
	t.Title = title
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{"csv", t.csv}, {"html", t.html}, {"md", t.markdown}} {
		if indexOf(formats, f.name) >= 0 {
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

// tableOf reads what there is of a table, if there is.
func tableOf(formats []snapshot.Format) (t table, ok bool, err error) {
	if i := indexOf(formats, "csv"); i >= 0 {
		if t, err = readCSV(formats[i].Body); err == nil {
			return t, true, nil
		}
	}
	i := indexOf(formats, "json")
	if i < 0 || !json.Valid(formats[i].Body) {
		return t, false, nil
	}
	t, err = tabulate(formats[i].Body)
	return t, true, err
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
