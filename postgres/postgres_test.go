package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/scheduler/schedulertest"
)

// open opens a new database for a test.
func open(t *testing.T, s *pgtest.Server) *postgres.State {
	t.Helper()
	state, err := postgres.Open(context.Background(), s.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	})
	return state
}

func TestJobs(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	schedulertest.Run(t, schedulertest.Engine{
		Open: func(t *testing.T) scheduler.Store { return open(t, server).Jobs() },
		Real: true,
	})
}

func TestSimulatedFaults(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	schedulertest.Seeds(t, 1, 50, 20*time.Second, func(t *testing.T) scheduler.Store { return open(t, server).Jobs() })
}
