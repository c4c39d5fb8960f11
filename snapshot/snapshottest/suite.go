// Package snapshottest is the suite that every engine's snapshot.Store passes.
package snapshottest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/snapshot"
)

// Run holds a store to the contract of snapshot.Store. The store that open
// returns is empty; the function beside it opens the same data once more, as a
// restarted process or another replica would, and is nil where the engine keeps
// nothing beyond the process.
func Run(t *testing.T, open func(t *testing.T) (snapshot.Store, func() snapshot.Store)) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s snapshot.Store, again func() snapshot.Store)
	}{
		{"an empty store", emptyStore},
		{"what is put comes back", comesBack},
		{"versions and revisions count from one", counts},
		{"keys do not meet", keysApart},
		{"a late fence is refused", lateFence},
		{"an unfenced put needs its base", needsBase},
		{"a held version is not in service", held},
		{"old versions go, the one in service stays", keeps},
		{"changes come in the order of revisions", changes},
		{"deletion keeps the numbers and the fence", deletion},
		{"putting at the same time", together},
		{"a cancelled context", cancelled},
		{"a hint comes to others", hints},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, again := open(t)
			c.test(t, s, again)
		})
	}
}

var hot = snapshot.Key{Report: "default/hot"}

// Make returns a snapshot of a key with files of some kilobytes, to be put.
func Make(k snapshot.Key, text string) snapshot.Snapshot {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123e6, time.UTC)
	files, err := snapshot.Build([]snapshot.Format{
		{Name: "json", Body: []byte(`{"text":"` + strings.Repeat(text+" ", 200) + `"}`)},
		{Name: "csv", Body: nil},
		{Name: ".value", Body: []byte{0, 255, '\n'}},
	}, []snapshot.Encoder{snapshot.Gzip()}, nil, at)
	if err != nil {
		panic(err) // gzip into memory
	}
	return snapshot.Snapshot{
		Key: k, Definition: "d1", Tick: at.Truncate(time.Hour), ComputedAt: at, Took: 1234567890,
		Pageviews: snapshot.Pageviews{Through: 42, From: at.Add(-time.Hour), To: at}, Probe: "p", Files: files,
	}
}

func fenced(k snapshot.Key, text string, fence int64) snapshot.Snapshot {
	s := Make(k, text)
	s.Fence = fence
	return s
}

func put(t *testing.T, s snapshot.Store, snap snapshot.Snapshot) snapshot.Snapshot {
	t.Helper()
	got, err := s.Put(t.Context(), snap)
	if err != nil {
		t.Fatalf("put %s: %v", snap.Key, err)
	}
	return got
}

func get(t *testing.T, s snapshot.Store, k snapshot.Key, version int64) snapshot.Snapshot {
	t.Helper()
	got, err := s.Get(t.Context(), k, version)
	if err != nil {
		t.Fatalf("get %s version %d: %v", k, version, err)
	}
	return got
}

func versions(t *testing.T, s snapshot.Store, k snapshot.Key) string {
	t.Helper()
	list, err := s.Versions(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return numbers(t, list)
}

func numbers(t *testing.T, list []snapshot.Snapshot) string {
	t.Helper()
	var b strings.Builder
	for _, v := range list {
		fmt.Fprintf(&b, " %d", v.Version)
		for _, f := range v.Files {
			if f.Body != nil {
				t.Errorf("%s version %d is listed with bytes", v.Key, v.Version)
			}
		}
	}
	return strings.TrimSpace(b.String())
}

func emptyStore(t *testing.T, s snapshot.Store, _ func() snapshot.Store) {
	for _, version := range []int64{0, 1} {
		if _, err := s.Get(t.Context(), hot, version); !errors.Is(err, snapshot.ErrNone) {
			t.Errorf("get version %d: %v, want ErrNone", version, err)
		}
	}
	if got := versions(t, s, hot); got != "" {
		t.Errorf("versions %s, want none", got)
	}
	if list, err := s.Changes(t.Context(), 0); err != nil || len(list) > 0 {
		t.Errorf("changes %v, %v, want none", list, err)
	}
	if err := s.Delete(t.Context(), hot); err != nil {
		t.Errorf("delete of nothing: %v", err)
	}
}

func comesBack(t *testing.T, s snapshot.Store, again func() snapshot.Store) {
	want := put(t, s, fenced(hot, "a", 7))
	check := func(s snapshot.Store) {
		t.Helper()
		for _, version := range []int64{0, want.Version} {
			got := get(t, s, hot, version)
			same(t, got, want)
			if err := got.Verify(); err != nil {
				t.Error(err)
			}
		}
	}
	check(s)
	if again != nil {
		check(again())
	}
}

// same compares facts and bytes.
func same(t *testing.T, got, want snapshot.Snapshot) {
	t.Helper()
	gotHead, gotBody, err := snapshot.Encode(got)
	if err != nil {
		t.Fatal(err)
	}
	wantHead, wantBody, err := snapshot.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(gotHead, wantHead) || !bytes.Equal(gotBody, wantBody) {
		t.Errorf("got\n%s, %d bytes, want\n%s, %d bytes", gotHead, len(gotBody), wantHead, len(wantBody))
	}
}

func counts(t *testing.T, s snapshot.Store, _ func() snapshot.Store) {
	for i := int64(1); i <= 3; i++ {
		got := put(t, s, fenced(hot, fmt.Sprint(i), i))
		if got.Version != i || got.Revision != i {
			t.Fatalf("put %d: version %d revision %d", i, got.Version, got.Revision)
		}
	}
	if got := versions(t, s, hot); got != "3 2 1" {
		t.Errorf("versions %s, want 3 2 1", got)
	}
	if got := get(t, s, hot, 0).Version; got != 3 {
		t.Errorf("version %d is in service, want 3", got)
	}
	if _, err := s.Get(t.Context(), hot, 4); !errors.Is(err, snapshot.ErrNone) {
		t.Errorf("get version 4: %v, want ErrNone", err)
	}
}

func keysApart(t *testing.T, s snapshot.Store, _ func() snapshot.Store) {
	week := snapshot.Key{Report: hot.Report, Params: "period=week"}
	other := snapshot.Key{Report: "default/ho"}
	put(t, s, fenced(hot, "a", 9))
	put(t, s, fenced(week, "b", 1))
	put(t, s, fenced(other, "c", 2))
	for k, revision := range map[snapshot.Key]int64{hot: 1, week: 2, other: 3} {
		if got := get(t, s, k, 0); got.Key != k || got.Version != 1 || got.Revision != revision {
			t.Errorf("%s: got %s version %d revision %d, want revision %d", k, got.Key, got.Version, got.Revision, revision)
		}
	}
}

func lateFence(t *testing.T, s snapshot.Store, again func() snapshot.Store) {
	want := put(t, s, fenced(hot, "new", 5))
	if again != nil {
		s = again()
	}
	if _, err := s.Put(t.Context(), fenced(hot, "old", 4)); !errors.Is(err, snapshot.ErrLate) {
		t.Fatalf("put under an older fence: %v, want ErrLate", err)
	}
	same(t, get(t, s, hot, 0), want)
	if got := versions(t, s, hot); got != "1" {
		t.Errorf("versions %s, want 1", got)
	}
	if list, err := s.Changes(t.Context(), want.Revision); err != nil || len(list) > 0 {
		t.Errorf("a refused put shows as a change: %v, %v", list, err)
	}
	if got := put(t, s, fenced(hot, "same run", 5)); got.Version != 2 {
		t.Errorf("the same fence again: version %d, want 2", got.Version)
	}
}

func needsBase(t *testing.T, s snapshot.Store, _ func() snapshot.Store) {
	first := put(t, s, Make(hot, "a"))
	if _, err := s.Put(t.Context(), Make(hot, "b")); !errors.Is(err, snapshot.ErrLate) {
		t.Fatalf("put with base none: %v, want ErrLate", err)
	}
	b := Make(hot, "b")
	b.Base = first.Version
	put(t, s, b)
	put(t, s, fenced(hot, "run", 3))
	b.Base = 3
	if got := put(t, s, b); got.Version != 4 {
		t.Fatalf("version %d, want 4", got.Version)
	}
	// The unfenced one has not lowered the bar for late runs.
	if _, err := s.Put(t.Context(), fenced(hot, "late", 2)); !errors.Is(err, snapshot.ErrLate) {
		t.Fatalf("put under an older fence: %v, want ErrLate", err)
	}
}

func held(t *testing.T, s snapshot.Store, _ func() snapshot.Store) {
	h := fenced(hot, "small", 1)
	h.Held = "far smaller"
	put(t, s, h)
	if _, err := s.Get(t.Context(), hot, 0); !errors.Is(err, snapshot.ErrNone) {
		t.Fatalf("only a held version: %v, want ErrNone", err)
	}
	put(t, s, fenced(hot, "good", 2))
	h.Fence = 3
	put(t, s, h)
	if got := get(t, s, hot, 0); got.Version != 2 {
		t.Errorf("version %d is in service, want 2", got.Version)
	}
	if got := get(t, s, hot, 3); got.Held != "far smaller" {
		t.Errorf("held %q", got.Held)
	}
	if got := versions(t, s, hot); got != "3 2 1" {
		t.Errorf("versions %s, want 3 2 1", got)
	}
}

func keeps(t *testing.T, s snapshot.Store, _ func() snapshot.Store) {
	for i := range int64(5) {
		snap := fenced(hot, fmt.Sprint(i), i+1)
		snap.Keep = 2
		put(t, s, snap)
	}
	if got := versions(t, s, hot); got != "5 4" {
		t.Errorf("versions %s, want 5 4", got)
	}
	for i := range int64(3) {
		snap := fenced(hot, fmt.Sprint(i), i+6)
		snap.Keep, snap.Held = 2, "held"
		put(t, s, snap)
	}
	if got := versions(t, s, hot); got != "8 7 5" {
		t.Errorf("versions %s, want 8 7 and 5, which is in service", got)
	}
	for i := range int64(snapshot.DefaultKeep + 3) {
		put(t, s, fenced(hot, "x", i+9))
	}
	if list, err := s.Versions(t.Context(), hot); err != nil || len(list) != snapshot.DefaultKeep {
		t.Errorf("%d versions, %v, want %d", len(list), err, snapshot.DefaultKeep)
	}
}

func changes(t *testing.T, s snapshot.Store, again func() snapshot.Store) {
	week := snapshot.Key{Report: hot.Report, Params: "period=week"}
	put(t, s, fenced(hot, "a", 1))
	put(t, s, fenced(week, "b", 1))
	put(t, s, fenced(hot, "c", 2))
	if again != nil {
		s = again()
	}
	for since, want := range []string{"1 1 2", "1 2", "2", ""} {
		list, err := s.Changes(t.Context(), int64(since))
		if err != nil {
			t.Fatal(err)
		}
		if got := numbers(t, list); got != want {
			t.Errorf("since %d: versions %q, want %q", since, got, want)
		}
		for i, c := range list {
			if c.Revision != int64(since+i+1) {
				t.Errorf("since %d: revision %d at place %d", since, c.Revision, i)
			}
		}
	}
}

func deletion(t *testing.T, s snapshot.Store, _ func() snapshot.Store) {
	put(t, s, fenced(hot, "a", 5))
	if err := s.Delete(t.Context(), hot); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), hot, 0); !errors.Is(err, snapshot.ErrNone) {
		t.Errorf("get: %v, want ErrNone", err)
	}
	if _, err := s.Put(t.Context(), fenced(hot, "late", 4)); !errors.Is(err, snapshot.ErrLate) {
		t.Errorf("put under an older fence: %v, want ErrLate", err)
	}
	// Nothing is there, so base none is right again.
	if got := put(t, s, Make(hot, "b")); got.Version != 2 || got.Revision != 2 {
		t.Errorf("version %d revision %d, want 2 and 2", got.Version, got.Revision)
	}
}

func together(t *testing.T, s snapshot.Store, again func() snapshot.Store) {
	stores := []snapshot.Store{s, s}
	if again != nil {
		stores = append(stores, again(), again())
	}
	const each = 20
	var wg sync.WaitGroup
	for n, s := range stores {
		wg.Go(func() {
			k := snapshot.Key{Report: fmt.Sprint("r", n%2)}
			for range each {
				snap := fenced(k, "x", 1)
				snap.Keep = 1000
				if _, err := s.Put(t.Context(), snap); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
	}
	// A reader that asks for changes meanwhile sees each revision once, in
	// order, none missing.
	total := int64(each * len(stores))
	seen := int64(0)
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		list, err := stores[len(stores)-1].Changes(t.Context(), seen)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if c.Revision != seen+1 {
				t.Fatalf("revision %d after %d", c.Revision, seen)
			}
			seen = c.Revision
		}
	}
	if seen != total {
		t.Errorf("last revision %d, want %d", seen, total)
	}
}

func cancelled(t *testing.T, s snapshot.Store, _ func() snapshot.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, fenced(hot, "a", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want context.Canceled", err)
	}
	if _, err := s.Get(t.Context(), hot, 0); !errors.Is(err, snapshot.ErrNone) {
		t.Errorf("get: %v, want ErrNone", err)
	}
}

func hints(t *testing.T, s snapshot.Store, again func() snapshot.Store) {
	if again == nil {
		return
	}
	changed := again().Changed()
	if changed == nil {
		return // an engine whose users poll
	}
	for i := range int64(3) {
		put(t, s, fenced(hot, "a", i+1))
		since := time.Now()
		for seen := int64(0); seen <= i; { // one may still come for what was before
			select {
			case <-changed:
			case <-time.After(10 * time.Second):
				t.Fatalf("no hint %v after put %d", time.Since(since), i+1)
			}
			list, err := s.Changes(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			seen = int64(len(list))
		}
	}
}
