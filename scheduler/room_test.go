package scheduler_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

func TestRunsBeyondTheRoomWaitInOrderOfDue(t *testing.T) {
	for _, most := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			running := make(chan bool, most)
			var mu sync.Mutex
			var began, want []string
			take := func() []string {
				mu.Lock()
				defer mu.Unlock()
				list := began
				began = nil
				return list
			}
			quick := scheduler.Job{
				Name: "quick", Trigger: trigger.Between(trigger.Every(time.Second), time.Now(), time.Now().Add(10*time.Minute)),
				Run: takes(0), // so that the scheduler holds more than it has room for
			}
			jobs := []scheduler.Job{quick}
			for i := range 12 {
				name := fmt.Sprintf("job-%02d", 99-i)
				want = append(want, name)
				jobs = append(jobs, scheduler.Job{
					Name: name, Trigger: trigger.Every(time.Hour).From(time.Unix(0, int64(i)*1000)),
					Run: func(_ context.Context, r *scheduler.Run) error {
						select {
						case running <- true:
						default:
							t.Errorf("%s is one more than %d", r.Key(), most)
						}
						mu.Lock()
						began = append(began, r.Job)
						mu.Unlock()
						time.Sleep(100 * time.Millisecond)
						<-running
						return nil
					},
				})
			}
			s := start(t, scheduler.Config{Store: memory.New().Jobs(), MaxRuns: most}, jobs...)
			time.Sleep(time.Hour - time.Minute)
			take()
			time.Sleep(time.Minute + 50*time.Millisecond)
			if h := s.Health(); most == 1 && (h.Running != 1 || h.Waiting < 5) {
				t.Errorf("health: %+v", h)
			}
			time.Sleep(time.Minute)
			if list := take(); len(list) != len(want) || most == 1 && !slices.Equal(list, want) {
				t.Errorf("at most %d: began %v, want %v", most, list, want)
			}
		})
	}
}

// TestWhatIsHeldInVainIsLeftToOthers: one process has claimed more than it has
// room for after all, another has room; one is told to stop; one that has room
// does not know the job.
func TestWhatIsHeldInVainIsLeftToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		var mu sync.Mutex
		began := map[string]time.Time{}
		var jobs []scheduler.Job
		for i := range 6 {
			jobs = append(jobs, scheduler.Job{
				Name: fmt.Sprint("job-", i), Trigger: trigger.Every(time.Hour).From(time.Unix(0, int64(i)*1000)),
				Run: func(ctx context.Context, r *scheduler.Run) error {
					mu.Lock()
					if r.Due.Hour() == 2 {
						began[r.Job] = time.Now()
					}
					mu.Unlock()
					if r.Job == "job-0" && r.Due.Hour() == 2 {
						return takes(time.Minute)(ctx, r)
					}
					return nil
				},
			})
		}
		quick := scheduler.Job{Name: "quick", Trigger: trigger.Between(trigger.Every(time.Second), time.Now(), time.Now().Add(90*time.Minute)), Run: takes(0)}
		first, err := scheduler.New(scheduler.Config{Store: store, MaxRuns: 1})
		if err == nil {
			err = first.Add(t.Context(), append(jobs, quick)...)
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- first.Run(ctx) }()
		time.Sleep(2*time.Hour + 100*time.Millisecond)
		if h := first.Health(); h.Running != 1 || h.Waiting != 5 {
			t.Fatalf("health: %+v", h)
		}
		start(t, scheduler.Config{Store: store, MaxRuns: 1}, quick)
		start(t, scheduler.Config{Store: store, MaxRuns: 1}, jobs...)
		time.Sleep(10 * time.Second)
		mu.Lock()
		if len(began) != 6 {
			t.Errorf("%d of 6 began while one process had room", len(began))
		}
		mu.Unlock()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if h := first.Health(); h.Running != 0 || h.Waiting != 0 {
			t.Errorf("health after the end: %+v", h)
		}
	})
}

func TestAnUnknownJobsRunIsNotTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		dying := &unplugged{Store: store}
		start(t, scheduler.Config{Store: dying}, hourly(10*time.Hour))
		time.Sleep(time.Hour + time.Minute)
		dying.dead.Store(true)
		start(t, scheduler.Config{Store: store}, scheduler.Job{Name: "cold", Trigger: trigger.Every(time.Hour), Run: takes(0)})
		time.Sleep(10 * time.Minute)
		row := latest(t, store, "hot")
		if row.Outcome != scheduler.Running || row.Attempt != 1 {
			t.Errorf("%s, attempt %d, by %s", row.Outcome, row.Attempt, row.Holder)
		}
	})
}
