package postgres_test

import (
	"os"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/collect/salttest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/scheduler/schedulertest"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/snapshot/snapshottest"
	"github.com/beforehand-go/beforehand/statetest"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/token/tokentest"
)

// TestBehindAPooler holds a state to all that it promises, behind PgBouncer,
// where one connection may lead to another one of the database after each
// transaction. What waits for nothing but the pooler is left to the long form.
func TestBehindAPooler(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	through := server.Bouncer(t, "transaction")
	t.Run("jobs", func(t *testing.T) {
		schedulertest.Run(t, schedulertest.Engine{
			Open: func(t *testing.T) scheduler.Store { return connect(t, through(server.Database(t))).Jobs() },
			Real: true,
		})
	})
	t.Run("replicas", func(t *testing.T) {
		statetest.RunPolled(t, func(t *testing.T) func() beforehand.State {
			dsn := through(server.Database(t))
			return func() beforehand.State { return connect(t, dsn) }
		})
	})
	t.Run("what is only polled is said", func(t *testing.T) { testPolled(t, server) })
	if os.Getenv("BEFOREHAND_PROVE") != "1" {
		return
	}
	t.Run("snapshots", func(t *testing.T) {
		snapshottest.Run(t, func(t *testing.T) (snapshot.Store, func() snapshot.Store) {
			dsn := through(server.Database(t))
			return connect(t, dsn).Snapshots(), func() snapshot.Store { return connect(t, dsn).Snapshots() }
		})
	})
	t.Run("salts and tokens", func(t *testing.T) {
		salttest.Run(t, func(t *testing.T) func() collect.KeptSalts {
			dsn := through(server.Database(t))
			return func() collect.KeptSalts { return connect(t, dsn).Salts() }
		})
		tokentest.Run(t, func(t *testing.T) token.Store { return connect(t, through(server.Database(t))).Tokens() })
	})
}

func testPolled(t *testing.T, server *pgtest.Server) {
	for _, c := range []struct {
		mode   string
		polled bool
	}{{"", false}, {"session", false}, {"transaction", true}} {
		dsn := server.Database(t)
		if c.mode != "" {
			dsn = server.Bouncer(t, c.mode)(dsn)
		}
		began := time.Now()
		s := connect(t, dsn)
		if s.Polled() != c.polled || (s.Jobs().Changed() == nil) != c.polled {
			t.Errorf("pool mode %q: polled %v, a channel %v", c.mode, s.Polled(), s.Jobs().Changed())
		}
		t.Logf("pool mode %q: known after %v", c.mode, time.Since(began))
	}
}
