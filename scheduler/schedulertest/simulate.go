package schedulertest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// A Simulation takes jobs through days in milliseconds.
type Simulation struct {
	// Open returns the store, new and empty; memory.New().Jobs() will do. It
	// is called inside the simulated time.
	Open func(t *testing.T) scheduler.Store
	// Jobs are the jobs, the same on every replica. Their functions may
	// sleep; they are given a context that ends, and are called for a
	// replica that has crashed no more than a real one would be.
	Jobs []scheduler.Job
	// For is how much time passes. Zero means a week.
	For time.Duration
	// Replicas is how many schedulers share the store. Zero means three.
	Replicas int
	// Faults are what goes wrong.
	Faults Faults
	// Seed makes the same faults again. Goroutines take turns as they like,
	// so a failure may need more than one try to show again.
	Seed uint64
	// Real lets real time pass, for stores with a clock of their own.
	Real bool
	// Config is what each scheduler gets, besides its store.
	Config scheduler.Config
	// Verify is called with the ledger, latest due first, when every
	// replica has stopped, inside the simulated time; nil checks nothing
	// more than Simulate does.
	Verify func(t *testing.T, rows []*scheduler.Tick)
}

// Simulate runs a simulation and fails the test if a tick is not accounted
// for, ended twice, succeeded without a run that did, or was run twice under
// one fence. It returns the ledger, latest due first, for checks of your own.
func Simulate(t *testing.T, sim Simulation) []*scheduler.Tick {
	t.Helper()
	var rows []*scheduler.Tick
	bubble := synctest.Test
	if sim.Real {
		bubble = func(t *testing.T, f func(*testing.T)) { f(t) }
	}
	bubble(t, func(t *testing.T) {
		sim.For = cmp.Or(sim.For, 7*24*time.Hour)
		sim.Replicas = cmp.Or(sim.Replicas, 3)
		if sim.Config.Retention == (scheduler.Retention{}) {
			sim.Config.Retention = scheduler.Retention{Age: -1, Count: -1} // the ledger is judged whole
		}
		w := &world{
			Simulation: sim, t: t, store: sim.Open(t), notes: newNotes(),
			rng: rand.New(rand.NewPCG(sim.Seed, 1)), replicas: make([]*replica, sim.Replicas),
		}
		rows = w.run()
		if sim.Verify != nil {
			sim.Verify(t, rows)
		}
	})
	return rows
}

// A world is a simulation under way.
type world struct {
	Simulation
	t        *testing.T
	store    scheduler.Store
	notes    *notes
	rng      *rand.Rand
	replicas []*replica
	started  int
	all      sync.WaitGroup
}

// A replica is one scheduler with its way to the store.
type replica struct {
	store *faulty
	stop  context.CancelFunc
}

func (w *world) run() []*scheduler.Tick {
	lease := cmp.Or(w.Config.Lease, 30*time.Second)
	first := w.declare()
	end := time.Now().Add(w.For)
	for i := range w.replicas {
		w.replicas[i] = w.start()
	}
	for w.Faults.Every > 0 && time.Now().Before(end) {
		time.Sleep(time.Duration(w.rng.Int64N(int64(2 * w.Faults.Every))))
		w.harm(w.rng.IntN(len(w.replicas)), lease)
	}
	time.Sleep(max(0, time.Until(end)))
	// Now all is well: whatever is left open must come to an end.
	for _, r := range w.replicas {
		r.store.soothe()
	}
	time.Sleep(20 * lease)
	if w.Real {
		settle(w.t, w.store, end)
	}
	for _, r := range w.replicas {
		r.stop()
	}
	w.all.Wait()
	return w.verify(first, end)
}

// declare puts the jobs into the store before anything goes wrong, and returns
// their first ticks.
func (w *world) declare() map[string]time.Time {
	cfg := w.Config
	cfg.Store = w.store
	s, err := scheduler.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := s.Add(w.t.Context(), w.Jobs...); err != nil {
		w.t.Fatal(err)
	}
	states, err := w.store.Jobs(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	first := map[string]time.Time{}
	for _, st := range states {
		first[st.Name] = st.Due
	}
	return first
}

// start starts a replica.
func (w *world) start() *replica {
	w.started++
	rng := rand.New(rand.NewPCG(w.Seed, uint64(1+w.started)))
	f := &faulty{inner: w.store, notes: w.notes, rates: w.Faults, rng: rng}
	if w.Faults.Skew > 0 {
		f.skew = time.Duration(rng.Int64N(int64(2*w.Faults.Skew))) - w.Faults.Skew
	}
	cfg := w.Config
	cfg.Store = f
	s, err := scheduler.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.all.Go(func() {
		jobs := make([]scheduler.Job, len(w.Jobs))
		for i, j := range w.Jobs {
			jobs[i] = w.watched(j, f)
		}
		for s.Add(ctx, jobs...) != nil {
			if ctx.Err() != nil {
				return
			}
			time.Sleep(max(w.Config.Lease/30, time.Millisecond))
		}
		_ = s.Run(ctx) // a replica that crashed says that its runs went on
	})
	return &replica{store: f, stop: stop}
}

// watched is a job whose calls are noted.
func (w *world) watched(j scheduler.Job, f *faulty) scheduler.Job {
	run := j.Run
	j.Run = func(ctx context.Context, r *scheduler.Run) error {
		if !f.alive() {
			return errFault
		}
		c := w.notes.begin(r)
		err := run(ctx, r)
		w.notes.end(c, err)
		return err
	}
	return j
}

// harm lets something happen to a replica.
func (w *world) harm(i int, lease time.Duration) {
	r := w.replicas[i]
	long := time.Duration(w.rng.Int64N(int64(3 * lease)))
	switch w.rng.IntN(4) {
	case 0: // it crashes, and another one starts in its place
		r.store.kill()
		r.stop()
		w.replicas[i] = w.start()
	case 1:
		r.store.pause(long)
	case 2:
		r.store.cutOff(long)
	case 3: // the store itself goes away
		for _, r := range w.replicas {
			r.store.cutOff(long / 3)
		}
	}
}

// verify checks the ledger against what was seen.
func (w *world) verify(first map[string]time.Time, calm time.Time) []*scheduler.Tick {
	ctx := w.t.Context()
	rows, err := w.store.Ticks(ctx, scheduler.Query{Limit: -1})
	if err != nil {
		w.t.Fatal(err)
	}
	states, err := w.store.Jobs(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	triggers := map[string]trigger.Trigger{}
	for _, j := range w.Jobs {
		triggers[j.Name] = j.Trigger
	}
	wrong := w.notes.check(rows, states, triggers, first, calm)
	for i, s := range wrong {
		if i == 20 {
			s = fmt.Sprintf("and %d more", len(wrong)-i)
		}
		w.t.Errorf("seed %d: %s", w.Seed, s)
		if i == 20 {
			break
		}
	}
	return rows
}
