package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/statetest"
)

// TestBackupAndForget backs up a state, deletes a site from it, and looks into
// both.
func TestBackupAndForget(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, site := range []string{"blog", "blog2"} {
		if _, err := s.Salts().Salt(t.Context(), site, 20_000, []byte("first")); err != nil {
			t.Fatal(err)
		}
		snap := snapshot.Snapshot{Key: snapshot.Key{Report: site + "/hot"}}
		if _, err := s.Snapshots().Put(t.Context(), snap); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "copy.db")
	if err := s.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path); err == nil {
		t.Error("a backup over another")
	}
	if err := s.Forget(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, want := range []struct {
		name  string
		state *sqlite.State
		site  string
		salt  string
		there bool
	}{{"copy", c, "blog", "first", true}, {"copy", c, "blog2", "first", true}, {"state", s, "blog", "second", false}, {"state", s, "blog2", "first", true}} {
		salt, err := want.state.Salts().Salt(t.Context(), want.site, 20_000, []byte("second"))
		if err != nil || string(salt) != want.salt {
			t.Errorf("%s: salt of %s %q, error %v", want.name, want.site, salt, err)
		}
		_, err = want.state.Snapshots().Get(t.Context(), snapshot.Key{Report: want.site + "/hot"}, 0)
		if (err == nil) != want.there {
			t.Errorf("%s: snapshot of %s: %v", want.name, want.site, err)
		}
	}
	if days, err := s.Salts().Renewed(t.Context(), "blog"); err != nil || len(days) > 0 {
		t.Errorf("renewed %v, error %v", days, err)
	}
}

func TestForget(t *testing.T) {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	statetest.RunForget(t, s)
}
