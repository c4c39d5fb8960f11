package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// locked opens a file and stands still amid a write to it, as a process does
// that was stopped.
func locked(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	for _, q := range []string{"PRAGMA journal_mode = WAL", "BEGIN IMMEDIATE", "CREATE TABLE half (done)"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
}

// impatient opens a file and waits for nobody for long.
func impatient(path string) (*State, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, err
	}
	return open(db, path, fileSystem, 50*time.Millisecond)
}

func TestOpenDoesNotNeedAProcessThatStandsStillAmidAWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	first, err := impatient(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	locked(t, path)
	second, err := impatient(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := second.Jobs().Jobs(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpenOfALockedFileSaysWhatToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	locked(t, path) // before there are tables
	_, err := impatient(path)
	if err == nil || !strings.Contains(err.Error(), "let it go on if it is stopped, or end it") {
		t.Errorf("got %v", err)
	}
}
