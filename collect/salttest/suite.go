// Package salttest holds every store of salts to the same contract.
package salttest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// Run runs the suite. Open makes an empty store and returns a function that
// opens it once more, as another process does.
func Run(t *testing.T, open func(t *testing.T) func() collect.KeptSalts) {
	t.Run("a salt stays as it was first", func(t *testing.T) { stays(t, open(t)) })
	t.Run("all processes have the same numbers", func(t *testing.T) { agree(t, open(t)) })
	t.Run("a salt is deleted when it is due to be", func(t *testing.T) { deleted(t, open(t)) })
}

// world is a store of salts in a test.
type world struct {
	*testing.T
	collect.KeptSalts
}

func (w world) salt(site string, day pageview.Day, fresh string) string {
	w.Helper()
	sealed, err := w.Salt(w.Context(), site, day, []byte(fresh))
	if err != nil {
		w.Fatal(err)
	}
	return string(sealed)
}

func (w world) renewed(site string) []pageview.Day {
	w.Helper()
	days, err := w.Renewed(w.Context(), site)
	if err != nil {
		w.Fatal(err)
	}
	return days
}

func stays(t *testing.T, open func() collect.KeptSalts) {
	if got := (world{t, open()}).salt("blog", 20_000, "a"); got != "a" {
		t.Errorf("first: %q", got)
	}
	again := world{t, open()}
	for _, c := range []struct {
		site string
		day  pageview.Day
		want string
	}{{"blog", 20_000, "a"}, {"blog", 20_001, "b"}, {"shop", 20_000, "b"}} {
		if got := again.salt(c.site, c.day, "b"); got != c.want {
			t.Errorf("%s on %s: %q, want %q", c.site, c.day, got, c.want)
		}
	}
	if days := again.renewed("blog"); len(days) > 0 {
		t.Errorf("renewed %v", days)
	}
}

// agree has several processes ask for a new salt at once.
func agree(t *testing.T, open func() collect.KeptSalts) {
	ids := make([]uint64, 4)
	var asking sync.WaitGroup
	for i := range ids {
		salts := open()
		asking.Go(func() {
			v, err := collect.NewVisitors(salts, collect.Key{7})
			if err != nil {
				t.Error(err)
				return
			}
			if ids[i], err = v.ID(t.Context(), "blog", 20_000, "203.0.113.1", "agent"); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	for _, id := range ids {
		if id != ids[0] || id == 0 {
			t.Errorf("numbers %v", ids)
		}
	}
	other, err := collect.NewVisitors(open(), collect.Key{8})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ID(t.Context(), "blog", 20_000, "203.0.113.1", "agent"); err == nil {
		t.Error("another key opens the salt")
	}
}

func deleted(t *testing.T, open func() collect.KeptSalts) {
	s := world{t, open()}
	now := time.Now()
	today := pageview.DayOf(now.UTC())
	s.salt("blog", today-3, "past")
	s.salt("blog", today, "present")
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{collect.SaltLife - time.Minute, "past"}, {collect.SaltLife + time.Minute, "new"}} {
		if err := s.Delete(t.Context(), now.Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if got := s.salt("blog", today-3, "new"); got != c.want {
			t.Errorf("%v after its last use: %q, want %q", c.after, got, c.want)
		}
	}
	if days := s.renewed("blog"); !slices.Equal(days, []pageview.Day{today - 3}) {
		t.Errorf("renewed %v, want %v", days, today-3)
	}
	// The salt of a day to come stays, though it was not used for long.
	if got := s.salt("blog", today+3, "ahead"); got != "ahead" {
		t.Errorf("ahead: %q", got)
	}
	if err := s.Delete(t.Context(), now.Add(collect.SaltLife+time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := s.salt("blog", today+3, "later"); got != "ahead" {
		t.Errorf("the salt of a day to come was deleted: %q", got)
	}
}
