package beforehand_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
)

func TestRefreshWaitsForARunBegunAfterTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var data, calls atomic.Int64
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", func(context.Context) (int64, error) {
			n := data.Load()
			calls.Add(1)
			time.Sleep(time.Minute)
			return n, nil
		}, beforehand.Policy{})
		defer run(t, site)()
		settle(10 * time.Second) // the first run is under way
		data.Store(7)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := hot.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				if hot.Value() != 7 {
					t.Errorf("value %d after refresh, want 7", hot.Value())
				}
			})
		}
		wg.Wait()
		if calls.Load() != 2 {
			t.Errorf("%d runs for 20 refreshes during the first, want 2", calls.Load())
		}
	})
}

func TestRefreshReturnsTheRunsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", func(context.Context) (int, error) { return 0, errors.New("no such table") }, beforehand.Policy{})
		defer run(t, site)()
		err := hot.Refresh(t.Context())
		var tick *scheduler.TickError
		if !errors.As(err, &tick) || !strings.Contains(err.Error(), "no such table") {
			t.Errorf("got %v", err)
		}
	})
}

func TestFirstReadersWaitForOneComputation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		site := open(t, memory.New())
		slow := func(ctx context.Context) ([]article, error) {
			time.Sleep(3 * time.Second)
			return counter(&calls)(ctx)
		}
		hot := beforehand.New(site, "hot", slow, beforehand.Policy{Wait: 5 * time.Second})
		never := beforehand.New(site, "never", func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}, beforehand.Policy{Wait: 5 * time.Second})
		defer run(t, site)()
		began := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if w := get(hot, "/hot.json"); w.Code != 200 {
					t.Errorf("%d after %v", w.Code, time.Since(began))
				}
			})
		}
		wg.Go(func() {
			if w := get(never, "/never.json"); w.Code != 503 || time.Since(began) != 5*time.Second {
				t.Errorf("%d after %v, want 503 after 5s", w.Code, time.Since(began))
			}
		})
		wg.Wait()
		if calls.Load() != 1 {
			t.Errorf("%d computations, want 1", calls.Load())
		}
	})
}

func TestInvalidateRunsOnceMoreWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", func(ctx context.Context) ([]article, error) {
			time.Sleep(time.Minute)
			return counter(&calls)(ctx)
		}, beforehand.Policy{})
		defer run(t, site)()
		settle(10 * time.Second) // the first run is under way
		began := time.Now()
		for range 5 {
			if err := hot.Invalidate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(began) != 0 {
			t.Errorf("waited %v", time.Since(began))
		}
		changed := hot.Changed()
		settle(5 * time.Minute)
		<-changed
		if calls.Load() != 2 {
			t.Errorf("%d runs, want one more than the first", calls.Load())
		}
	})
}
