package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/snapshot/snapshottest"
	"github.com/beforehand-go/beforehand/sqlite"
)

func openState(t *testing.T, path string) *sqlite.State {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSnapshots(t *testing.T) {
	snapshottest.Run(t, func(t *testing.T) (snapshot.Store, func() snapshot.Store) {
		path := filepath.Join(t.TempDir(), "state.db")
		return openState(t, path).Snapshots(), func() snapshot.Store { return openState(t, path).Snapshots() }
	})
}

func TestGetFindsCorruptBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	store := openState(t, path).Snapshots()
	s := snapshottest.Make(snapshot.Key{Report: "hot"}, "a")
	if _, err := store.Put(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE beforehand_snapshots SET body = CAST(replace(CAST(body AS TEXT), 'a a', 'a b') AS BLOB)"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), s.Key, 0); !errors.Is(err, snapshot.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}
