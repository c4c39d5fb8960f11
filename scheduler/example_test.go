package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// running starts a scheduler of some jobs for an example, and stops it.
func running(cfg scheduler.Config, jobs ...scheduler.Job) (s *scheduler.Scheduler, stop func()) {
	cfg.Store = memory.New().Jobs()
	s, err := scheduler.New(cfg)
	if err == nil {
		err = s.Add(context.Background(), jobs...)
	}
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			log.Fatal(err)
		}
	}
}

func sendDigest(context.Context, *scheduler.Run) error { return nil }

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	store := memory.New().Jobs()

	s, err := scheduler.New(scheduler.Config{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	err = s.Add(ctx, scheduler.Job{
		Name:    "digest",
		Trigger: trigger.Every(time.Hour),
		Run: func(ctx context.Context, run *scheduler.Run) error {
			fmt.Println("run", run.Job, "attempt", run.Attempt)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()

	if err := s.Refresh(ctx, "digest"); err != nil { // a run now, besides those of the trigger
		log.Fatal(err)
	}
	history, err := s.History(ctx, "digest", 10)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(history[0].Job, history[0].Outcome)
	stop()
	fmt.Println(<-done)
	// Output:
	// run digest attempt 1
	// digest succeeded
	// <nil>
}

func ExampleJob() {
	job := scheduler.Job{
		Name:    "digest",
		Trigger: trigger.Daily(trigger.Clock{Hour: 6}),
		Run:     sendDigest,
		Timeout: 10 * time.Minute,
		Overlap: scheduler.QueueOne,
		Misfire: scheduler.RunLatest,
		Grace:   2 * time.Hour,
		Retry:   scheduler.Retry{Attempts: 5, Backoff: time.Minute, Lost: 1},
		Alert:   scheduler.Alert{Failures: 3, Silence: 26 * time.Hour},
		Labels:  []string{"mail"},
	}
	s, stop := running(scheduler.Config{Labels: []string{"mail"}}, job)
	defer stop()
	list, err := s.List(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	d := list[0].Definition
	fmt.Printf("%s: %s, overlap: %s, misfire: %s\n", list[0].Name, d.Trigger, d.Overlap, d.Misfire)
	// Output:
	// digest: daily 06:00, overlap: queue one, misfire: run latest
}

// What a run does outside the state store happens at least once. Its key makes
// that harmless: it is the same at every attempt.
func ExampleRun_Key() {
	dir, err := os.MkdirTemp("", "outbox")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, stop := running(scheduler.Config{}, scheduler.Job{
		Name: "digest", Trigger: trigger.Never{}, Retry: scheduler.Retry{Attempts: 2, Backoff: time.Millisecond},
		Run: func(_ context.Context, run *scheduler.Run) error {
			name := filepath.Join(dir, fmt.Sprintf("%s-%d", run.Job, run.Due.UnixMicro()))
			letter, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if errors.Is(err, os.ErrExist) {
				return nil // an earlier attempt of this tick has sent it
			}
			if err != nil {
				return err
			}
			defer letter.Close()
			if _, err := fmt.Fprintln(letter, "the hot articles of", run.Key()); err != nil {
				return err
			}
			return errors.New("the connection was cut after it was sent")
		},
	})
	defer stop()
	if err := s.Refresh(context.Background(), "digest"); err != nil {
		log.Fatal(err)
	}
	letters, err := os.ReadDir(dir)
	fmt.Println(len(letters), err)
	// Output:
	// 1 <nil>
}

func ExamplePermanent() {
	s, stop := running(scheduler.Config{}, scheduler.Job{
		Name: "digest", Trigger: trigger.Never{}, Retry: scheduler.Retry{Attempts: 5},
		Run: func(context.Context, *scheduler.Run) error {
			return scheduler.Permanent(errors.New("the template does not parse"))
		},
	})
	defer stop()
	err := s.Refresh(context.Background(), "digest")
	var ended *scheduler.TickError
	if errors.As(err, &ended) {
		fmt.Println(ended.Tick.Outcome, "after", ended.Tick.Attempt, "attempt:", ended.Tick.Reason)
	}
	// Output:
	// failed after 1 attempt: the template does not parse
}

func ExampleRun_Progress() {
	half := make(chan bool)
	s, stop := running(scheduler.Config{}, scheduler.Job{
		Name: "rebuild", Trigger: trigger.Never{},
		Run: func(_ context.Context, run *scheduler.Run) error {
			for day := range int64(30) {
				run.Progress(day, 30, fmt.Sprintf("folding day %d", day))
				if day == 15 {
					half <- true
					<-half
				}
			}
			return nil
		},
	})
	defer stop()
	ctx := context.Background()
	if _, err := s.RunNow(ctx, "rebuild"); err != nil {
		log.Fatal(err)
	}
	<-half
	list, err := s.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range list[0].Running {
		fmt.Printf("%s: %d of %d, %s\n", t.Job, t.Progress.Done, t.Progress.Total, t.Progress.Line)
	}
	half <- true
	// Output:
	// rebuild: 15 of 30, folding day 15
}

func ExampleRun_Logger() {
	s, stop := running(scheduler.Config{}, scheduler.Job{
		Name: "rebuild", Trigger: trigger.Never{},
		Run: func(_ context.Context, run *scheduler.Run) error {
			for day := range 3 {
				run.Logger().Info("folded", "day", day)
			}
			return nil
		},
	})
	defer stop()
	ctx := context.Background()
	key, err := s.RunNow(ctx, "rebuild")
	if err == nil {
		_, err = s.Wait(ctx, key)
	}
	if err != nil {
		log.Fatal(err)
	}
	logs, err := s.Logs(ctx, key) // one for each run of the tick that logged something
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range logs[0].Lines {
		fmt.Println(line.Level, line.Text)
	}
	// Output:
	// INFO folded day=0
	// INFO folded day=1
	// INFO folded day=2
}

// One job runs after others: once each of them has ended a newer tick.
func ExampleJob_after() {
	s, stop := running(scheduler.Config{},
		scheduler.Job{Name: "import", Trigger: trigger.Never{}, Run: sendDigest},
		scheduler.Job{Name: "totals", After: []string{"import"}, Run: sendDigest},
		scheduler.Job{Name: "digest", After: []string{"import", "totals"}, Run: sendDigest},
	)
	defer stop()
	ctx := context.Background()
	err := s.Replace(ctx, scheduler.Job{Name: "import", After: []string{"digest"}, Run: sendDigest})
	fmt.Println(errors.Is(err, scheduler.ErrCircle))

	ended := make(chan string, 3)
	s.Observe(func(e scheduler.Event) {
		if e.Kind == scheduler.Ended {
			ended <- fmt.Sprint(e.Job, " ", e.Tick.Outcome)
		}
	})
	if _, err := s.RunNow(ctx, "import"); err != nil {
		log.Fatal(err)
	}
	for range 3 {
		fmt.Println(<-ended)
	}
	// Output:
	// true
	// import succeeded
	// totals succeeded
	// digest succeeded
}

func ExampleScheduler_Observe() {
	s, stop := running(scheduler.Config{}, scheduler.Job{
		Name: "digest", Trigger: trigger.Never{}, Alert: scheduler.Alert{Failures: 2},
		Run: func(context.Context, *scheduler.Run) error { return errors.New("no such table") },
	})
	defer s.Observe(func(e scheduler.Event) {
		switch e.Kind {
		case scheduler.Ended, scheduler.Passed:
			fmt.Println(e.Job, e.Tick.Outcome, "because", e.Tick.Reason)
		case scheduler.LostLease:
			fmt.Println(e.Job, "lost its holder:", e.Text)
		case scheduler.Alerted:
			fmt.Println("call somebody:", e.Job, e.Text)
		}
	})()
	for range 2 {
		_ = s.Refresh(context.Background(), "digest")
	}
	stop()
	// Output:
	// digest failed because no such table
	// digest failed because no such table
	// call somebody: digest 2 ticks in a row without success: no such table
}

func ExampleScheduler_Health() {
	s, stop := running(scheduler.Config{})
	defer stop()
	h := s.Health() // asks nobody: it is what the loop and its guard have noted
	if !h.OK {
		for _, reason := range h.Reasons {
			fmt.Println("degraded:", reason)
		}
	}
	fmt.Println(h.OK, h.Running, h.Waiting)
	// Output:
	// true 0 0
}

// What is changed at run time is kept in the store: it holds for every process,
// and outlives a restart, until the program declares something new.
func ExampleScheduler_Replace() {
	ctx := context.Background()
	s, stop := running(scheduler.Config{}, scheduler.Job{Name: "digest", Trigger: trigger.Every(time.Hour), Run: sendDigest})
	defer stop()
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	check(s.Replace(ctx, scheduler.Job{Name: "digest", Trigger: trigger.Every(2 * time.Hour), Run: sendDigest}))
	check(s.Pause(ctx, "digest"))  // its ticks are skipped, with that reason
	check(s.Resume(ctx, "digest")) // and it goes on with the next one
	check(s.Cancel(ctx, "digest")) // ends what waits or runs, in whichever process
	list, err := s.List(ctx)
	check(err)
	fmt.Println(list[0].Name, list[0].Definition.Trigger, "paused:", list[0].Paused)
	check(s.Remove(ctx, "digest"))
	fmt.Println(errors.Is(s.Pause(ctx, "digest"), scheduler.ErrUnknown))
	// Output:
	// digest every 2h paused: false
	// true
}
