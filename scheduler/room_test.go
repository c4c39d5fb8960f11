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
