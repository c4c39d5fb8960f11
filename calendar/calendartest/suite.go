// Package calendartest holds every store of calendars to the same contract.
package calendartest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/calendar"
)

// Run runs the suite. New returns an empty store.
func Run(t *testing.T, newStore func(t *testing.T) calendar.Store) {
	t.Run("a calendar comes back as it was written", func(t *testing.T) { back(t, newStore(t)) })
	t.Run("what was worked out from an old version is refused", func(t *testing.T) { stale(t, newStore(t)) })
	t.Run("of many who write at once none is lost", func(t *testing.T) { race(t, newStore(t)) })
	t.Run("what a configuration declares goes before what was set only when it changes", func(t *testing.T) { declared(t, newStore(t)) })
}

func day(d int) time.Time {
	return time.Date(2026, 12, d, 15, 4, 5, 6, time.FixedZone("east", 9*3600))
}

func printed(t *testing.T, s calendar.Store) string {
	t.Helper()
	list, err := s.Calendars(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	versions, err := s.Versions(t.Context())
	if err != nil || len(versions) != len(list) {
		t.Errorf("%d calendars, versions %v, %v", len(list), versions, err)
	}
	var text strings.Builder
	for _, c := range list {
		if versions[c.Name] != c.Version {
			t.Errorf("%s has version %d, said to be %d", c.Name, c.Version, versions[c.Name])
		}
		fmt.Fprintf(&text, "%q %q %q %s %d\n", c.Name, c.Source, c.Text(), c.Changed.Format(time.RFC3339), c.Version)
	}
	return text.String()
}

func back(t *testing.T, s calendar.Store) {
	if got := printed(t, s); got != "" {
		t.Errorf("an empty store has %s", got)
	}
	changed := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"日本の祝日", "a b'c%"} {
		c := calendar.New(name, "a file", day(26), day(25), day(25))
		c.Version, c.Changed, c.Declared = 1, changed, "print"
		if err := s.Put(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	empty := calendar.New("none", "")
	empty.Version, empty.Changed = 1, changed
	if err := s.Put(t.Context(), empty); err != nil {
		t.Fatal(err)
	}
	const want = `"a b'c%" "a file" "2026-12-25\n2026-12-26\n" 2026-03-01T12:00:00Z 1
"none" "" "" 2026-03-01T12:00:00Z 1
"日本の祝日" "a file" "2026-12-25\n2026-12-26\n" 2026-03-01T12:00:00Z 1
`
	if got := printed(t, s); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := s.Remove(t.Context(), "none"); err != nil {
		t.Error(err)
	}
	if err := s.Remove(t.Context(), "none"); !errors.Is(err, calendar.ErrUnknown) {
		t.Errorf("removed twice: %v", err)
	}
}

func stale(t *testing.T, s calendar.Store) {
	c := calendar.New("a", "", day(1))
	for _, step := range []struct {
		version int64
		stands  bool
	}{{2, false}, {1, true}, {1, false}, {3, false}, {2, true}, {2, false}} {
		c.Version = step.version
		if err := s.Put(t.Context(), c); (err == nil) != step.stands || err != nil && !errors.Is(err, calendar.ErrStale) {
			t.Errorf("version %d: %v", step.version, err)
		}
	}
}

func race(t *testing.T, s calendar.Store) {
	const writers = 5
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			if err := calendar.Set(context.Background(), s, calendar.New("a", fmt.Sprint(i), day(i+1))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if v, err := s.Versions(t.Context()); err != nil || v["a"] != writers {
		t.Errorf("%v, %v", v, err)
	}
}

func declared(t *testing.T, s calendar.Store) {
	ctx := t.Context()
	source := func() string {
		list, err := s.Calendars(ctx)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return fmt.Sprint(list[0].Source, " ", list[0].Version)
	}
	old, changed := calendar.New("a", "file", day(1)), calendar.New("a", "new file", day(2))
	for _, step := range []struct {
		do   func(context.Context, calendar.Store, calendar.Calendar) error
		with calendar.Calendar
		want string
	}{
		{calendar.Declare, old, "file 1"},
		{calendar.Declare, old, "file 1"},
		{calendar.Set, calendar.New("a", "hand", day(3)), "hand 2"},
		{calendar.Declare, old, "hand 2"},
		{calendar.Declare, changed, "new file 3"},
		{calendar.Declare, changed, "new file 3"},
	} {
		if err := step.do(ctx, s, step.with); err != nil || source() != step.want {
			t.Errorf("%s, %v, want %s", source(), err, step.want)
		}
	}
}
