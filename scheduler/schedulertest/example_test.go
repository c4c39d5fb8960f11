package schedulertest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/scheduler/schedulertest"
	"github.com/beforehand-go/beforehand/trigger"
)

// A provider sends letters. It drops one that it was given before.
type provider struct {
	mu      sync.Mutex
	letters map[string]int // how often it was given each, by its id
}

func (p *provider) send(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letters[id]++
}

// newsletter takes half an hour, and sends a letter each day.
func newsletter(p *provider) scheduler.Job {
	return scheduler.Job{
		Name: "newsletter", Trigger: trigger.Daily(trigger.Clock{Hour: 6}),
		Retry: scheduler.Retry{Lost: 20},
		Run: func(ctx context.Context, run *scheduler.Run) error {
			select {
			case <-time.After(30 * time.Minute):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			p.send(run.Key())
			return nil
		},
	}
}

func TestNewsletter(t *testing.T) {
	p := &provider{letters: map[string]int{}}
	faults := schedulertest.Harsh   // errors, lost answers, slow calls, clocks that are off
	faults.Every = 20 * time.Minute // a crash, a pause beyond the lease, or a partition
	ledger := schedulertest.Simulate(t, schedulertest.Simulation{
		Open:     func(*testing.T) scheduler.Store { return memory.New().Jobs() },
		Jobs:     []scheduler.Job{newsletter(p)},
		For:      7 * 24 * time.Hour,
		Replicas: 3,
		Faults:   faults,
		Seed:     2,
	})
	if len(ledger) != 7 || len(p.letters) != 7 {
		t.Errorf("%d days in the ledger, letters %v", len(ledger), p.letters)
	}
	for _, tick := range ledger {
		if tick.Outcome != scheduler.Succeeded || p.letters[tick.Key().String()] == 0 {
			t.Errorf("%s %s: %s", tick.Key(), tick.Outcome, tick.Reason)
		}
		t.Logf("%s: attempt %d, given to the provider %d times", tick.Key(), tick.Attempt, p.letters[tick.Key().String()])
	}
}
