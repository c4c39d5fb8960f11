package sqlite_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/sqlite"
)

func TestSaltStaysUntilItIsDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	salt := func(fresh string) string {
		t.Helper()
		s, err := sqlite.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		sealed, err := s.Salts().Salt(t.Context(), "blog", 20_000, []byte(fresh))
		if err != nil {
			t.Fatal(err)
		}
		return string(sealed)
	}
	if got := salt("a"); got != "a" {
		t.Errorf("first: %q", got)
	}
	if got := salt("b"); got != "a" {
		t.Errorf("again: %q", got)
	}
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		before time.Time
		want   string
	}{{time.Now().Add(-time.Hour), "a"}, {time.Now().Add(time.Hour), "c"}} {
		if err := s.Salts().Delete(t.Context(), c.before); err != nil {
			t.Fatal(err)
		}
		if got := salt("c"); got != c.want {
			t.Errorf("after deleting what was not used since %v: %q, want %q", c.before, got, c.want)
		}
	}
}

// TestVisitorsOfSeveralProcesses holds processes that share a file to the same
// numbers for the same visitors.
func TestVisitorsOfSeveralProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	ids := make([]uint64, 4)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s, err := sqlite.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			v, err := collect.NewVisitors(s.Salts(), collect.Key{7})
			if err != nil {
				t.Error(err)
				return
			}
			if ids[i], err = v.ID(t.Context(), "blog", 20_000, "203.0.113.1", "agent"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == 0 {
			t.Errorf("numbers %v", ids)
		}
	}
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other, err := collect.NewVisitors(s.Salts(), collect.Key{8})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ID(t.Context(), "blog", 20_000, "203.0.113.1", "agent"); err == nil {
		t.Error("another key opens the salt")
	}
}
