package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// A weak store fails, or has a clock that is off, when it is told to.
type weak struct {
	scheduler.Store
	mu    sync.Mutex
	err   error // what every call answers
	after error // what a write answers after it was done
	shift time.Duration
}

func (w *weak) set(err, after error, shift time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err, w.after, w.shift = err, after, shift
}

func (w *weak) get() (shift time.Duration, err, after error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shift, w.err, w.after
}

func (w *weak) Due(ctx context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	shift, err, _ := w.get()
	if err != nil {
		return scheduler.Due{}, err
	}
	due, err := w.Store.Due(ctx, limit, func(st *scheduler.State) bool { return shift >= 0 && take(st) })
	due.Now = due.Now.Add(shift)
	return due, err
}

func (w *weak) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	_, err, after := w.get()
	if err != nil {
		return nil, err
	}
	stood, err := w.Store.Write(ctx, changes)
	if after != nil {
		return nil, after
	}
	return stood, err
}

var errGone = errors.New("connection refused")

func TestALostLeaseEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &weak{Store: memory.New().Jobs()}
		var cause error
		var ended time.Time
		job := hourly(0)
		job.Run = func(ctx context.Context, _ *scheduler.Run) error {
			<-ctx.Done()
			cause, ended = context.Cause(ctx), time.Now()
			return cause
		}
		s := start(t, scheduler.Config{Store: store}, job)
		time.Sleep(time.Hour + time.Minute)
		cut := time.Now()
		store.set(errGone, nil, 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		if !errors.Is(cause, scheduler.ErrLost) || ended.Sub(cut) > 30*time.Second {
			t.Errorf("the run ended after %v: %v", ended.Sub(cut), cause)
		}
		if h := s.Health(); h.OK || !strings.Contains(fmt.Sprint(h.Reasons), "connection refused") {
			t.Errorf("health without a store: %+v", h)
		}
		store.set(nil, nil, 0)
		time.Sleep(10 * time.Second)
		if h := s.Health(); !h.OK {
			t.Errorf("health with the store back: %+v", h)
		}
		row := latest(t, store, "hot")
		if row.Attempt != 2 || row.Earlier[0].Outcome != scheduler.Lost {
			t.Errorf("%+v", row)
		}
	})
}

func TestAClaimWhoseAnswerWasLostIsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &weak{Store: memory.New().Jobs()}
		start(t, scheduler.Config{Store: store}, hourly(0))
		time.Sleep(59 * time.Minute)
		store.set(nil, errGone, 0)
		time.Sleep(2 * time.Minute)
		store.set(nil, nil, 0)
		time.Sleep(time.Minute)
		row := latest(t, store, "hot")
		if row.Outcome != scheduler.Succeeded || row.Attempt != 1 || len(row.Earlier) != 0 {
			t.Errorf("%+v", row)
		}
	})
}

// mute takes no writes while it is down.
type mute struct {
	scheduler.Store
	down atomic.Bool
}

func (m *mute) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	if m.down.Load() {
		return nil, errGone
	}
	return m.Store.Write(ctx, changes)
}

func TestAnEndIsWrittenSoonAfterTheStoreTakesWritesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &mute{Store: memory.New().Jobs()}
		start(t, scheduler.Config{Store: store}, hourly(time.Minute))
		time.Sleep(time.Hour + 55*time.Second)
		store.down.Store(true)
		time.Sleep(6 * time.Second)
		store.down.Store(false)
		time.Sleep(2 * time.Second)
		if row := latest(t, store, "hot"); row.Outcome != scheduler.Succeeded || row.Attempt != 1 {
			t.Errorf("%+v", row)
		}
	})
}

func TestAnEndWhoseAnswerWasLostIsNotWrittenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &weak{Store: memory.New().Jobs()}
		s := start(t, scheduler.Config{Store: store}, hourly(time.Minute))
		var kinds []scheduler.Kind
		s.Observe(func(e scheduler.Event) { kinds = append(kinds, e.Kind) })
		time.Sleep(time.Hour + 50*time.Second)
		store.set(nil, errGone, 0)
		time.Sleep(20 * time.Second)
		store.set(nil, nil, 0)
		time.Sleep(10 * time.Second)
		row := latest(t, store, "hot")
		if row.Outcome != scheduler.Succeeded || row.Attempt != 1 {
			t.Errorf("%+v", row)
		}
		synctest.Wait()
		if got := fmt.Sprint(kinds); got != "[started store down ended store up]" && got != "[started store down store up ended]" {
			t.Errorf("events %s", got)
		}
	})
}

func TestAddCanBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &weak{Store: memory.New().Jobs()}
		declare(t, store, hourly(0))
		s, err := scheduler.New(scheduler.Config{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		both := []scheduler.Job{hourly(0), {Name: "cold", Trigger: trigger.Every(time.Hour), Run: takes(0)}}
		store.set(nil, errGone, 0)
		if err := s.Add(t.Context(), both...); !errors.Is(err, errGone) {
			t.Errorf("add without an answer: %v", err)
		}
		store.set(nil, nil, 0)
		if err := s.Add(t.Context(), both...); err != nil {
			t.Errorf("add again: %v", err)
		}
		if err := s.Add(t.Context(), both[1]); !errors.Is(err, scheduler.ErrExists) {
			t.Errorf("add what is there: %v", err)
		}
	})
}

func TestAClockSetBackRepeatsNoTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ctx := &weak{Store: memory.New().Jobs()}, t.Context()
		s := start(t, scheduler.Config{Store: store}, hourly(0))
		time.Sleep(5*time.Hour + 30*time.Minute)
		store.set(nil, nil, -3*time.Hour)
		time.Sleep(2 * time.Minute)
		if h := s.Health(); h.OK || !strings.Contains(fmt.Sprint(h.Reasons), "went back by 3h0m0s") || !strings.Contains(fmt.Sprint(h.Reasons), "due again only after") {
			t.Errorf("health: %q", h.Reasons)
		}
		if err := s.Replace(ctx, with(hourly(0), func(j *scheduler.Job) { j.Trigger = trigger.Every(30 * time.Minute) })); err != nil {
			t.Fatal(err)
		}
		states, err := store.Jobs(ctx, "hot")
		if err != nil || states[0].Due.Format("15:04") != "05:30" {
			t.Errorf("due at %s, %v", states[0].Due, err)
		}
		k, err := s.RunNow(ctx, "hot")
		if err != nil || !k.Due.After(states[0].Last) {
			t.Errorf("asked for %s, %v", k, err)
		}
	})
}

func TestAClockSetForwardMakesNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &weak{Store: memory.New().Jobs()}
		job := hourly(0)
		job.Trigger = trigger.Every(time.Second)
		declare(t, store, job)
		time.Sleep(10 * time.Minute)
		store.set(nil, nil, 10*365*24*time.Hour)
		start(t, scheduler.Config{Store: store}, job)
		time.Sleep(2500 * time.Millisecond)
		rows, err := store.Ticks(t.Context(), scheduler.Query{Limit: -1})
		if err != nil || len(rows) > 6 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
}
