package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/scheduler/schedulertest"
	"github.com/beforehand-go/beforehand/sqlite"
)

// open opens a new file for a test.
func open(t *testing.T) *sqlite.State {
	t.Helper()
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "site ü?#.db"))
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

func TestJobs(t *testing.T) {
	schedulertest.Run(t, schedulertest.Engine{
		Open: func(t *testing.T) scheduler.Store { return open(t).Jobs() },
	})
}

func TestSimulatedFaults(t *testing.T) {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm") // what fsync costs is measured elsewhere
	}
	schedulertest.Seeds(t, 1, 500, 0, func(t *testing.T) schedulertest.State { return open(t) })
}

func TestChaosProcess(t *testing.T) {
	schedulertest.ChaosProcess(t, func(dsn string) (scheduler.Store, error) {
		s, err := sqlite.Open(dsn)
		if err != nil {
			return nil, err
		}
		return s.Jobs(), nil
	})
}

func TestChaos(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chaos.db")
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	schedulertest.Chaos(t, path, s, nil)
}
