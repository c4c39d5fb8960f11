package postgres_test

import (
	"context"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/scheduler/schedulertest"
)

// openState opens a database once more; the test closes it.
func openState(t *testing.T, dsn string) *postgres.State {
	t.Helper()
	state, err := postgres.Open(context.Background(), dsn)
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
		Open: func(t *testing.T) scheduler.Store { return openState(t, server.Database(t)).Jobs() },
		Real: true,
	})
}

// TestSimulatedFaults runs by the wall clock, since PostgreSQL has its own, and
// a machine that is busy with other tests gives it no time to be fair.
func TestSimulatedFaults(t *testing.T) {
	if os.Getenv("BEFOREHAND_PROVE") != "1" {
		t.Skip("left out: simulated faults on PostgreSQL take a quiet machine; BEFOREHAND_PROVE=1 runs them")
	}
	server := pgtest.Start(t, "fsync=off")
	schedulertest.Seeds(t, 1, 50, 20*time.Second, func(t *testing.T) schedulertest.State { return openState(t, server.Database(t)) })
}

func TestChaosProcess(t *testing.T) {
	schedulertest.ChaosProcess(t, func(dsn string) (scheduler.Store, error) {
		s, err := postgres.Open(context.Background(), dsn)
		if err != nil {
			return nil, err
		}
		return s.Jobs(), nil
	})
}

// TestChaos also restarts the database, as if it had crashed, and cuts
// connections, at COMMIT as well as elsewhere.
func TestChaos(t *testing.T) {
	server := pgtest.Start(t)
	dsn := server.Database(t)
	s, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	schedulertest.Chaos(t, dsn, s, func() {
		if rand.IntN(10) == 0 {
			server.Down(t, syscall.SIGQUIT)
			server.Up(t)
			return
		}
		server.Exec(t, `DO $$ BEGIN
			FOR i IN 1..20 LOOP
				PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%' AND random() < .5;
				PERFORM pg_stat_clear_snapshot(), pg_sleep(.02);
			END LOOP;
		END $$`)
	})
}
