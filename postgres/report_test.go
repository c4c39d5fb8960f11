package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/postgres"
)

// Two replicas on one database: whichever computes, the other swaps within a
// second.
func TestReplicasSwapWithinASecond(t *testing.T) {
	dsn := pgtest.Start(t, "fsync=off").Database(t)
	var n atomic.Int64
	var reports []*beforehand.Report[int64]
	for range 2 {
		state, err := postgres.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		site, err := beforehand.Open(t.Context(), beforehand.Config{State: state})
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, beforehand.New(site, "n", func(context.Context) (int64, error) { return n.Add(1), nil }, beforehand.Policy{}))
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- site.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if err := state.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	var slowest time.Duration
	for i := range 6 {
		asked, other := reports[i%2], reports[1-i%2]
		if err := asked.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		want, began := asked.Value(), time.Now()
		for time.Since(began) < 5*time.Second {
			changed := other.Changed()
			if other.Value() >= want {
				break
			}
			select {
			case <-changed:
			case <-time.After(5 * time.Second):
			}
		}
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("slowest swap %v", slowest)
	if slowest > time.Second {
		t.Errorf("a swap took %v, want at most a second", slowest)
	}
}
