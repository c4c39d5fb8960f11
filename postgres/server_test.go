package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// TestServer shares one database server between its cases.
func TestServer(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	t.Run("a connection is cut at commit", func(t *testing.T) { testCut(t, server) })
	t.Run("the database is restarted in the middle of a run", func(t *testing.T) { testRestart(t, server) })
	t.Run("many bring one database up to date at once", func(t *testing.T) { testMigrateAtOnce(t, server) })
	t.Run("only a schema that says so refuses an older program", func(t *testing.T) { testOlder(t, server) })
	t.Run("a cancel reaches the holder before it looks", func(t *testing.T) { testNotify(t, server) })
}

func testMigrateAtOnce(t *testing.T, server *pgtest.Server) {
	dsn := server.Database(t)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			s, err := postgres.Open(context.Background(), dsn)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Jobs().Jobs(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func testOlder(t *testing.T, server *pgtest.Server) {
	pool, err := pgxpool.New(t.Context(), server.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, c := range []struct {
		set     string
		refused bool
	}{
		{"UPDATE beforehand.schema SET version = version", false},
		{"UPDATE beforehand.schema SET version = 99", false}, // newer, and this program may use it
		{"UPDATE beforehand.schema SET oldest = 99", true},
	} {
		s, err := postgres.New(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := pool.Exec(t.Context(), c.set); err != nil {
			t.Fatal(err)
		}
		s, err = postgres.New(t.Context(), pool)
		if (err != nil) != c.refused {
			t.Errorf("%s: %v", c.set, err)
		}
		if err == nil {
			s.Close()
		}
	}
}

// testNotify cancels a run from another process. Its holder would look for that
// after ten seconds, a third of its lease.
func testNotify(t *testing.T, server *pgtest.Server) {
	dsn := server.Database(t)
	began, ended := make(chan bool, 1), make(chan error, 1)
	s, err := scheduler.New(scheduler.Config{Store: connect(t, dsn).Jobs()})
	if err != nil {
		t.Fatal(err)
	}
	other, err := scheduler.New(scheduler.Config{Store: connect(t, dsn).Jobs()})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Add(t.Context(), scheduler.Job{Name: "hot", Trigger: trigger.Never{}, AtStart: true, Run: func(ctx context.Context, _ *scheduler.Run) error {
		began <- true
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return context.Cause(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	<-began
	if err := other.Cancel(t.Context(), "hot"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, scheduler.ErrCancelled) {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("nobody told the holder")
	}
}
