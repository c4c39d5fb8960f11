package beforehand_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/trigger"
)

// replica is one of the processes that share a state.
type replica struct {
	*beforehand.Family[page, string]
	lost *atomic.Bool // whether it can put nothing into the state
	stop func()
}

func replicas(t *testing.T, n int, fn func(context.Context, page) (string, error), policy beforehand.FamilyPolicy[page]) []replica {
	state := memory.New()
	var list []replica
	for range n {
		lost := new(atomic.Bool)
		site, err := beforehand.Open(t.Context(), beforehand.Config{State: severable{state, lost}})
		if err != nil {
			t.Fatal(err)
		}
		f := beforehand.NewFamily(site, "page", parsePage, fn, policy)
		list = append(list, replica{f, lost, run(t, site)})
	}
	settle(time.Second)
	return list
}

func TestFamilyComputesOnceForAllReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Long enough to be claimed several times.
		p := &pages{took: time.Minute}
		policy := beforehand.FamilyPolicy[page]{Policy: beforehand.Policy{Wait: 2 * time.Minute}}
		list := replicas(t, 3, p.compute, policy)
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				if w := get(list[i%3], "/page.json?n=7"); w.Code != 200 || w.Body.String() != "\"7.1\"\n" {
					t.Errorf("%d %q", w.Code, w.Body)
				}
			})
		}
		wg.Wait()
		if p.count(7) != 1 {
			t.Errorf("%d computations, want 1", p.count(7))
		}
	})
}

// Those who wait for what fails in another process are told so, and do not try
// it themselves one after the other.
func TestFamilyThatFailsFailsOnceForAllReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{took: 2 * time.Second}
		p.fail.Store(true)
		list := replicas(t, 3, p.compute, beforehand.FamilyPolicy[page]{})
		began := time.Now()
		var wg sync.WaitGroup
		for _, f := range list {
			wg.Go(func() {
				if w := get(f, "/page.json?n=7"); w.Code != 503 {
					t.Errorf("%d %q", w.Code, w.Body)
				}
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("told after %v", took)
				}
			})
		}
		wg.Wait()
		if p.count(7) != 1 {
			t.Errorf("%d computations, want 1", p.count(7))
		}
		p.fail.Store(false)
		settle(time.Minute)
		if w := get(list[1], "/page.json?n=7"); w.Body.String() != "\"7.2\"\n" {
			t.Errorf("when it works again: %d %q", w.Code, w.Body)
		}
	})
}

// A process that dies while it computes, or loses the state, is waited for no
// longer than a lease; what it has in the end is refused.
func TestFamilyIsComputedByAnotherWhenItsHolderIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{took: 18 * time.Second}
		policy := beforehand.FamilyPolicy[page]{Policy: beforehand.Policy{Wait: time.Minute}}
		list := replicas(t, 2, p.compute, policy)
		list[0].Value(page{7})
		settle(time.Second)
		list[0].lost.Store(true)
		began := time.Now()
		// It has the state again before it could notice that its claim is lost.
		time.AfterFunc(16500*time.Millisecond, func() { list[0].lost.Store(false) })
		if w := get(list[1], "/page.json?n=7"); w.Body.String() != "\"7.2\"\n" {
			t.Errorf("%d %q", w.Code, w.Body)
		}
		if took := time.Since(began); took < 33*time.Second || took > 35*time.Second {
			t.Errorf("another computed it after %v, want a lease and its time", took)
		}
		settle(time.Minute)
		if w := get(list[0], "/page.json?n=7"); w.Body.String() != "\"7.2\"\n" || p.count(7) != 2 {
			t.Errorf("the first has %q after %d computations, want the second's", w.Body, p.count(7))
		}
	})
}

// A holder that lost its claim is stopped, and gets what the other has.
func TestFamilyStopsTheHolderOfALostClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls, stopped atomic.Int64
		fn := func(ctx context.Context, q page) (string, error) {
			n := calls.Add(1)
			select {
			case <-time.After(40 * time.Second):
			case <-ctx.Done():
				stopped.Add(1)
			}
			return fmt.Sprint(n), ctx.Err()
		}
		list := replicas(t, 2, fn, beforehand.FamilyPolicy[page]{})
		list[0].Value(page{7})
		settle(time.Second)
		list[0].lost.Store(true)
		list[1].Value(page{7})
		settle(20 * time.Second) // the second computes by now
		list[0].lost.Store(false)
		settle(10 * time.Second)
		if c := list[0].Current(page{7}); c.Failures > 0 {
			t.Error("a lost claim counts as a failure: ", c.Error)
		}
		if stopped.Load() != 1 || calls.Load() != 2 {
			t.Errorf("%d of %d computations stopped, want the first of two", stopped.Load(), calls.Load())
		}
		settle(time.Minute)
		for i, f := range list {
			if c := f.Current(page{7}); c.Value != "2" || c.Failures > 0 {
				t.Errorf("replica %d has %q after %d failures, want the second's", i, c.Value, c.Failures)
			}
		}
	})
}

// A site that stops lets go of what it computes.
func TestFamilyIsComputedByAnotherAtOnceWhenItsHolderStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		fn := func(ctx context.Context, q page) (string, error) {
			calls.Add(1)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			return "done", ctx.Err()
		}
		list := replicas(t, 2, fn, beforehand.FamilyPolicy[page]{})
		list[0].Value(page{7})
		settle(100 * time.Millisecond)
		began := time.Now()
		time.AfterFunc(100*time.Millisecond, list[0].stop)
		if w := get(list[1], "/page.json?n=7"); w.Body.String() != "\"done\"\n" || time.Since(began) > 3*time.Second {
			t.Errorf("%d %q after %v", w.Code, w.Body, time.Since(began))
		}
		if calls.Load() != 2 {
			t.Errorf("%d computations", calls.Load())
		}
	})
}

// A refresh computes anew what is being computed for a reader, after that and
// not beside it.
func TestFamilyRefreshComputesWhatIsBeingComputed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls, running atomic.Int64
		fn := func(context.Context, page) (string, error) {
			if running.Add(1) > 1 {
				t.Error("computed twice at once")
			}
			defer running.Add(-1)
			time.Sleep(10 * time.Second)
			return fmt.Sprint(calls.Add(1)), nil
		}
		policy := beforehand.FamilyPolicy[page]{Policy: beforehand.Policy{Trigger: trigger.Every(time.Hour)}}
		f := replicas(t, 1, fn, policy)[0]
		f.Value(page{7})
		settle(time.Second)
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if v, _ := f.Value(page{7}); v != "2" {
			t.Errorf("%q after a refresh, want the second computation's", v)
		}
	})
}

// Whatever ends a computation lets its readers go, and others try.
func TestFamilyWhoseFunctionDoesNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		fn := func(ctx context.Context, _ page) (string, error) {
			switch calls.Add(1) {
			case 1:
				panic("broken")
			case 2:
				runtime.Goexit()
			case 3: // it ends by its timeout
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "done", nil
		}
		list := replicas(t, 2, fn, beforehand.FamilyPolicy[page]{Policy: beforehand.Policy{Timeout: 3 * time.Second}})
		for i := range 3 {
			began := time.Now()
			if w := get(list[i%2], "/page.json?n=7"); w.Code != 503 || time.Since(began) > 4*time.Second {
				t.Errorf("%d: %d %q after %v", i, w.Code, w.Body, time.Since(began))
			}
			settle(10 * time.Second) // what failed is left alone for a while
		}
		for i, f := range list {
			if w := get(f, "/page.json?n=7"); w.Body.String() != "\"done\"\n" {
				t.Errorf("replica %d: %d %q", i, w.Code, w.Body)
			}
		}
		if calls.Load() != 4 {
			t.Errorf("%d calls", calls.Load())
		}
	})
}
