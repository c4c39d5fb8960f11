package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/trigger"
)

// BenchmarkDurable counts the ticks a second that are made, run and ended in a
// database with its default durability, when far more are due than there is
// time for, beside the jobs a second that River makes, runs and ends in a
// database of the same PostgreSQL.
func BenchmarkDurable(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		for b.Loop() {
			state, err := sqlite.Open(filepath.Join(b.TempDir(), "state.db"))
			if err != nil {
				b.Fatal(err)
			}
			measureStore(b, state.Jobs())
			if err := state.Close(); err != nil {
				b.Error(err)
			}
		}
	})
	server := pgtest.Start(b)
	b.Run("postgres", func(b *testing.B) {
		for b.Loop() {
			state, err := postgres.Open(b.Context(), server.Database(b))
			if err != nil {
				b.Fatal(err)
			}
			measureStore(b, state.Jobs())
			if err := state.Close(); err != nil {
				b.Error(err)
			}
		}
	})
	b.Run("river", func(b *testing.B) {
		for b.Loop() {
			measureRiver(b, server.Database(b))
		}
	})
}

// measured is how long runs are counted, after a second of warming up.
const measured = 5 * time.Second

// report counts for a while how often something was done.
func report(b *testing.B, n *atomic.Int64, unit string) {
	time.Sleep(time.Second)
	before, began := n.Load(), time.Now()
	time.Sleep(measured)
	b.ReportMetric(float64(n.Load()-before)/time.Since(began).Seconds(), unit)
}

func measureStore(b *testing.B, store scheduler.Store) {
	var n atomic.Int64
	s, err := scheduler.New(scheduler.Config{Store: store, MaxRuns: 64})
	if err != nil {
		b.Fatal(err)
	}
	jobs := make([]scheduler.Job, 20_000)
	for i := range jobs {
		jobs[i] = scheduler.Job{
			Name: fmt.Sprintf("job-%05d", i), Trigger: trigger.Every(time.Second),
			Run: func(context.Context, *scheduler.Run) error { n.Add(1); return nil },
		}
	}
	if err := s.Add(b.Context(), jobs...); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	report(b, &n, "ticks/s")
	stop()
	running.Wait()
}

// A nothing is the arguments of a job of River that does nothing.
type nothing struct{}

func (nothing) Kind() string { return "nothing" }

// A counter does nothing and counts it.
type counter struct {
	river.WorkerDefaults[nothing]
	n *atomic.Int64
}

func (c *counter) Work(context.Context, *river.Job[nothing]) error { c.n.Add(1); return nil }

// measureRiver lets River work with the settings of its own benchmark, while
// jobs are put in a thousand at a time, not many more than it gets done.
func measureRiver(b *testing.B, dsn string) {
	ctx := b.Context()
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	driver := riverpgxv5.New(pool)
	m, err := rivermigrate.New(driver, nil)
	if err == nil {
		_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
	var n atomic.Int64
	workers := river.NewWorkers()
	river.AddWorker(workers, &counter{n: &n})
	client, err := river.NewClient(driver, &river.Config{
		FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2000}}, Workers: workers,
	})
	if err == nil {
		err = client.Start(ctx)
	}
	if err != nil {
		b.Fatal(err)
	}
	feeding, stop := context.WithCancel(ctx)
	var feeder sync.WaitGroup
	feeder.Go(func() {
		if err := feed(feeding, client, &n); err != nil && feeding.Err() == nil {
			b.Error(err)
		}
	})
	report(b, &n, "jobs/s")
	stop()
	feeder.Wait()
	if err := client.StopAndCancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
		b.Error(err)
	}
}

func feed(ctx context.Context, client *river.Client[pgx.Tx], done *atomic.Int64) error {
	thousand := make([]river.InsertManyParams, 1000)
	for i := range thousand {
		thousand[i].Args = nothing{}
	}
	for put := int64(0); ctx.Err() == nil; {
		if put > done.Load()+10_000 {
			time.Sleep(time.Millisecond)
			continue
		}
		if _, err := client.InsertManyFast(ctx, thousand); err != nil {
			return err
		}
		put += 1000
	}
	return nil
}
