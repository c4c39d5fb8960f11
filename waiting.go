package beforehand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/snapshot"
)

const (
	// waitingEvery is how often what was counted is written to the state.
	waitingEvery = time.Minute
	// waitingTries is how often that is tried while other processes do it too.
	waitingTries = 10
)

// waitingKey is where the state keeps how long readers waited. No report can have
// its name.
var waitingKey = snapshot.Key{Report: "/waiting"}

// waiting is how long readers of each report waited, and would have. Readers only
// touch the tallies.
type waiting struct {
	snapshots snapshot.Store

	mu      sync.Mutex
	tallies map[string]*snapshot.Tally
	written map[string]snapshot.Waiting // what the state has of them
	kept    keptWaiting                 // what it has of every process
}

// keptWaiting is what the state keeps.
type keptWaiting struct {
	Since   time.Time                   `json:"since"`
	Reports map[string]snapshot.Waiting `json:"reports"`
}

func newWaiting(snapshots snapshot.Store) *waiting {
	return &waiting{
		snapshots: snapshots, tallies: map[string]*snapshot.Tally{}, written: map[string]snapshot.Waiting{},
		kept: keptWaiting{Since: time.Now().UTC().Truncate(time.Second)},
	}
}

// Tally returns the counters of a report's readers, for whoever serves a result
// in another way than by the report itself.
func (s *Site) Tally(report string) *snapshot.Tally {
	w := s.waiting
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.tallies[report]
	if !ok {
		t = &snapshot.Tally{}
		w.tallies[report] = t
	}
	return t
}

// Waiting tells how long readers of the reports that match have waited since an
// instant, in all processes that share the state, and how long they would have
// waited for computations. What other processes have counted is known a minute
// later. It takes no lock that a reader takes.
func (s *Site) Waiting(match func(report string) bool) (total snapshot.Waiting, since time.Time) {
	w := s.waiting
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, kept := range w.kept.Reports {
		if match(name) {
			total = total.Add(kept)
		}
	}
	for name, t := range w.tallies {
		if match(name) {
			total = total.Add(t.Sum().Less(w.written[name]))
		}
	}
	return total, w.kept.Since
}

// Served tells what readers of each report got from this process since it began,
// and how long they waited for it and would have.
func (s *Site) Served() map[string]snapshot.Waiting {
	sums, _ := s.waiting.sums()
	return sums
}

// keepWaiting writes what was counted to the state until ctx ends, and once
// after that.
func (s *Site) keepWaiting(ctx context.Context) {
	tick := time.NewTicker(waitingEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if err := s.waiting.write(context.WithoutCancel(ctx)); err != nil {
			s.log.Warn("waiting times not written; they are at the next time", "error", err)
		}
	}
}

// read takes over what the state has.
func (w *waiting) read(ctx context.Context) (version int64, kept keptWaiting, err error) {
	s, err := w.snapshots.Get(ctx, waitingKey, 0)
	if errors.Is(err, snapshot.ErrNone) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return 0, keptWaiting{Since: w.kept.Since}, nil
	}
	if err != nil {
		return 0, kept, err
	}
	f, _ := s.File("json", "")
	if err := json.Unmarshal(f.Body, &kept); err != nil {
		return 0, kept, fmt.Errorf("read waiting times: %w", err)
	}
	return s.Version, kept, nil
}

// load begins with what the state has.
func (w *waiting) load(ctx context.Context) error {
	_, kept, err := w.read(ctx)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.kept = kept
	}
	return err
}

// write adds what was counted since the last time to what the state has. A write
// whose answer is lost may be counted twice.
func (w *waiting) write(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := snapshot.ErrLate
	for range waitingTries {
		if err = w.add(ctx); !errors.Is(err, snapshot.ErrLate) {
			break
		}
	}
	return err
}

func (w *waiting) add(ctx context.Context) error {
	version, kept, err := w.read(ctx)
	if err != nil {
		return err
	}
	sums, news := w.sums()
	if len(news) > 0 {
		if kept.Reports == nil {
			kept.Reports = map[string]snapshot.Waiting{}
		}
		for name, n := range news {
			kept.Reports[name] = kept.Reports[name].Add(n)
		}
		if err := w.put(ctx, version, kept); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.Copy(w.written, sums)
	w.kept = kept
	return nil
}

// sums are what was counted, and what of it is new.
func (w *waiting) sums() (sums, news map[string]snapshot.Waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sums, news = map[string]snapshot.Waiting{}, map[string]snapshot.Waiting{}
	for name, t := range w.tallies {
		sums[name] = t.Sum()
		if n := sums[name].Less(w.written[name]); n != (snapshot.Waiting{}) {
			news[name] = n
		}
	}
	return sums, news
}

func (w *waiting) put(ctx context.Context, base int64, kept keptWaiting) error {
	body, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	s := snapshot.Snapshot{Key: waitingKey, Base: base, Keep: 1, ComputedAt: now}
	if s.Files, err = snapshot.Build([]snapshot.Format{{Name: "json", Body: body}}, nil, nil, now); err != nil {
		return err
	}
	_, err = w.snapshots.Put(ctx, s)
	return err
}
