package schedulertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// Seeds runs Mixed with few seeds from 1 on, or with many from a random one on
// when BEFOREHAND_PROVE=1. BEFOREHAND_SEED=n tries that one alone, and n-m all
// from n to m.
func Seeds(t *testing.T, few, many int, wall time.Duration, open func(*testing.T) State) {
	first := uint64(1)
	if os.Getenv("BEFOREHAND_PROVE") == "1" {
		first, few = rand.Uint64N(1<<32), many
	}
	if text := os.Getenv("BEFOREHAND_SEED"); text != "" {
		from, to, more := strings.Cut(text, "-")
		if !more {
			to = from
		}
		a, err := strconv.ParseUint(from, 10, 64)
		b, err2 := strconv.ParseUint(to, 10, 64)
		if err := errors.Join(err, err2); err != nil || b < a {
			t.Fatalf("BEFOREHAND_SEED=%s is no seed n and no range n-m: %v", text, err)
		}
		first, few = a, int(b-a)+1
	}
	rows := 0
	for i := range few {
		seed := first + uint64(i)
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			rows += len(Simulate(t, Mixed(seed, wall, open)))
		})
	}
	t.Logf("%d seeds from %d on, %d ticks in their ledgers", few, first, rows)
}

// logging is the job of Mixed whose runs log.
const logging = "queue"

// checkLogs checks that every run of that job which succeeded has its log, and
// that no log is of a run that the ledger does not know.
func checkLogs(t *testing.T, store scheduler.Store, rows []*scheduler.Tick) {
	t.Helper()
	for _, row := range rows {
		if row.Job != logging {
			continue
		}
		logs, err := store.Logs(t.Context(), row.Key())
		if err != nil {
			t.Fatal(err)
		}
		has := false
		for _, l := range logs {
			if !tried(row, l.Fence) || len(l.Lines) != 1 || l.Lines[0].Text != fmt.Sprint("begun fence=", l.Fence) {
				t.Errorf("%s has the log %+v", row.Key(), *l)
			}
			has = has || l.Fence == row.Fence && row.Progress.Logged == 1
		}
		if row.Outcome == scheduler.Succeeded && !has {
			t.Errorf("%s succeeded under fence %d, logged %d lines, and has the logs %+v", row.Key(), row.Fence, row.Progress.Logged, logs)
		}
	}
}

// Mixed is the simulation engines are tried with: jobs of each policy, whose
// runs commit what they did, under harsh faults for half an hour. For a store whose clock cannot be simulated
// every hour takes as long as wall says, and everything in proportion;
// zero means that time is simulated.
func Mixed(seed uint64, wall time.Duration, open func(*testing.T) State) Simulation {
	unit := time.Second
	if wall > 0 {
		unit = (wall / 3600).Truncate(time.Microsecond)
	}
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 0))
	work := func(longest time.Duration, failing float64) func(context.Context, *scheduler.Run) error {
		return func(ctx context.Context, run *scheduler.Run) error {
			if run.Job == logging {
				run.Logger().Info("begun", "fence", run.Fence)
			}
			mu.Lock()
			d, fails := time.Duration(rng.Int64N(int64(longest))), rng.Float64() < failing
			mu.Unlock()
			select {
			case <-time.After(d):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			if err := Commit(run, 0); err != nil {
				return err
			}
			if fails {
				return errors.New("simulated failure")
			}
			return nil
		}
	}
	every := func(n time.Duration) trigger.Trigger { return trigger.Every(n * unit) }
	faults := Harsh
	poll := 5 * unit
	if seed%4 == 0 {
		poll = unit // which the engines that do not tell take by default, and costs most
	}
	faults.Latency, faults.Skew, faults.Every = unit/5, 2*unit, 60*unit
	var state State
	return Simulation{
		Open: func(t *testing.T) scheduler.Store {
			state = open(t)
			return state.Jobs()
		},
		Verify: func(t *testing.T, rows []*scheduler.Tick) {
			CheckEffects(t, state)
			checkLogs(t, state.Jobs(), rows)
		},
		Seed: seed, For: 1800 * unit, Replicas: 3, Faults: faults, Real: wall > 0,
		Config: scheduler.Config{Poll: poll, MaxRuns: 4, Lease: 30 * unit, Stuck: 30 * unit, Shutdown: 10 * unit},
		Jobs: []scheduler.Job{
			{Name: "skip", Trigger: every(30), Run: work(50*unit, .1)},
			{Name: "queue", Trigger: every(45), Overlap: scheduler.QueueOne, Run: work(90*unit, .1), Retry: scheduler.Retry{Attempts: 3, Backoff: unit}},
			{Name: "allow", Trigger: every(20), Overlap: scheduler.Allow(3), Run: work(50*unit, 0)},
			{Name: "cancel", Trigger: every(60), Overlap: scheduler.CancelOlder, Run: work(120*unit, 0)},
			{Name: "all", Trigger: every(40), Misfire: scheduler.RunAll(3), Run: work(20*unit, 0)},
			{Name: "grace", Trigger: every(50), Misfire: scheduler.SkipMissed, Grace: 5 * unit, Run: work(unit, 0)},
			{Name: "timeout", Trigger: every(60), Timeout: 20 * unit, Run: work(40*unit, 0), Retry: scheduler.Retry{Attempts: 2, Lost: 1, Backoff: unit}},
			{Name: "after", After: []string{"skip", "all"}, Run: work(10*unit, .1)},
		},
	}
}
