package schedulertest

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// State is where jobs and what their runs commit are kept.
type State interface {
	Jobs() scheduler.Store
	Snapshots() snapshot.Store
}

// Commit commits a snapshot that names the run's tick, of some size, on a line
// of its own, since runs of one job may end in another order than they began.
func Commit(r *scheduler.Run, size int) error {
	body := make([]byte, size) // of noise, which does not pack
	_, _ = rand.Read(body)     // it never fails
	body = append(body, r.Key()...)
	files, err := snapshot.Build([]snapshot.Format{{Name: "txt", Body: body}}, nil, nil, time.Now())
	if err != nil {
		return err
	}
	r.Commit(snapshot.Snapshot{
		Key: snapshot.Key{Report: r.Job, Params: r.Key()}, Keep: math.MaxInt32,
		Tick: r.Due, Fence: r.Fence, ComputedAt: time.Now(), Files: files,
	})
	return nil
}

// CheckEffects checks that each tick of jobs that call Commit, if it succeeded
// and else not, has left behind what its last run committed, once. It returns
// how many have.
func CheckEffects(t *testing.T, state State) int {
	t.Helper()
	rows, err := state.Jobs().Ticks(t.Context(), scheduler.Query{Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	wrong, n := checkEffects(t.Context(), rows, state.Snapshots())
	for _, w := range wrong {
		t.Error(w)
	}
	return n
}

func checkEffects(ctx context.Context, rows []*scheduler.Tick, store snapshot.Store) (wrong []string, n int) {
	list, err := store.Changes(ctx, 0)
	if err != nil {
		return []string{err.Error()}, 0
	}
	effects := map[scheduler.Key][]int64{}
	for _, s := range list {
		k := scheduler.Key{Job: s.Report, Due: s.Tick.UTC()}
		effects[k] = append(effects[k], s.Fence)
	}
	for _, t := range rows {
		fences := effects[t.Key()]
		delete(effects, t.Key())
		if once := len(fences) == 1 && fences[0] == t.Fence; t.Outcome == scheduler.Succeeded && !once || t.Outcome != scheduler.Succeeded && len(fences) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s %s under fence %d, and has the effects of fences %v", t.Key(), t.Outcome, t.Fence, fences))
		}
	}
	for k, fences := range effects {
		wrong = append(wrong, fmt.Sprintf("%s is not in the ledger, and has the effects of fences %v", k, fences))
	}
	return wrong, len(list)
}
