package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// takes is a function that takes a while, or until its context ends.
func takes(d time.Duration) func(context.Context, *scheduler.Run) error {
	return func(ctx context.Context, _ *scheduler.Run) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// hourly is a job on the full hour with a function that takes a while.
func hourly(d time.Duration) scheduler.Job {
	return scheduler.Job{Name: "hot", Trigger: trigger.Every(time.Hour), Run: takes(d)}
}

// A policyCase lets a job work for some time, and says what the ledger tells
// afterwards, and why. Simulated time begins at midnight.
type policyCase struct {
	name  string
	job   scheduler.Job
	down  time.Duration // nobody runs it until then
	after time.Duration
	want  string
	why   string // the reasons, of those rows that have one
}

func with(j scheduler.Job, change func(*scheduler.Job)) scheduler.Job {
	change(&j)
	return j
}

var policyCases = []policyCase{
	{
		"a tick due while another runs is skipped", hourly(90 * time.Minute), 0, 4*time.Hour + time.Minute,
		"01:00:00 succeeded\n02:00:00 skipped\n03:00:00 running\n04:00:00 skipped\n",
		"the tick of 2000-01-01T01:00:00Z is still running\nthe tick of 2000-01-01T03:00:00Z is still running\n",
	},
	{
		"queue one: one waits, the next is coalesced into it",
		with(hourly(150*time.Minute), func(j *scheduler.Job) { j.Overlap = scheduler.QueueOne }), 0, 3*time.Hour + 40*time.Minute,
		"01:00:00 succeeded\n02:00:00 running\n03:00:00 coalesced\n",
		"the tick of 2000-01-01T02:00:00Z is waiting already\n",
	},
	{
		"allow two: the third is skipped",
		with(hourly(150*time.Minute), func(j *scheduler.Job) { j.Overlap = scheduler.Allow(2) }), 0, 3*time.Hour + 40*time.Minute,
		"01:00:00 succeeded\n02:00:00 running\n03:00:00 skipped\n",
		"the tick of 2000-01-01T01:00:00Z is still running\n",
	},
	{
		"cancel older: what runs makes room",
		with(hourly(90*time.Minute), func(j *scheduler.Job) { j.Overlap = scheduler.CancelOlder }), 0, 2*time.Hour + time.Minute,
		"01:00:00 cancelled\n02:00:00 running\n",
		"the run was cancelled: the tick of 2000-01-01T02:00:00Z is due\n",
	},
	{
		"after being down the latest tick stands for those before it", hourly(time.Minute), 5*time.Hour + 30*time.Minute, time.Hour,
		"01:00:00 coalesced ×4 to 04:00:00\n05:00:00 succeeded\n06:00:00 succeeded\n",
		"4 passed unrun; the one after them stands for them\n",
	},
	{
		"the latest may be too late as well",
		with(hourly(time.Minute), func(j *scheduler.Job) { j.Grace = 10 * time.Minute }), 5*time.Hour + 30*time.Minute, time.Hour,
		"01:00:00 coalesced ×4 to 04:00:00\n05:00:00 missed\n06:00:00 succeeded\n",
		"4 passed unrun; the one after them stands for them\n30m0s late, more than the grace of 10m0s\n",
	},
	{
		"run all: each in turn up to the bound",
		with(hourly(time.Minute), func(j *scheduler.Job) { j.Misfire = scheduler.RunAll(3) }), 5*time.Hour + 30*time.Minute, 20 * time.Minute,
		"01:00:00 missed ×2 to 02:00:00\n03:00:00 succeeded\n04:00:00 succeeded\n05:00:00 succeeded\n",
		"2 passed unrun, more than the job catches up with\n",
	},
	{
		"skip missed: none that is late",
		with(hourly(time.Minute), func(j *scheduler.Job) { j.Misfire = scheduler.SkipMissed }), 5*time.Hour + 30*time.Minute, time.Hour,
		"01:00:00 missed ×4 to 04:00:00\n05:00:00 missed\n06:00:00 succeeded\n",
		"4 passed unrun, and the job does not catch up\n30m0s late, more than the grace of 1m0s\n",
	},
	{
		"a run beyond its timeout is ended",
		with(hourly(time.Minute), func(j *scheduler.Job) { j.Timeout = time.Second }), 0, time.Hour + time.Minute,
		"01:00:00 timed out\n",
		"the run exceeded its timeout\n",
	},
	{
		"a run that ignores its timeout is given up, and does not block the job",
		with(hourly(0), func(j *scheduler.Job) {
			j.Timeout = time.Second
			j.Run = func(context.Context, *scheduler.Run) error { time.Sleep(10 * time.Minute); return nil }
		}), 0, 2*time.Hour + 15*time.Minute,
		"01:00:00 timed out\n02:00:00 timed out\n",
		"the run exceeded its timeout; the function ignored it for 30s\nthe run exceeded its timeout; the function ignored it for 30s\n",
	},
	{
		"a panic is a failed run",
		with(hourly(0), func(j *scheduler.Job) {
			j.Run = func(context.Context, *scheduler.Run) error { panic("no such table") }
		}), 0, 2*time.Hour + time.Minute,
		"01:00:00 failed\n02:00:00 failed\n",
		"panic: no such table\npanic: no such table\n",
	},
	{
		"a function that ends its goroutine is a failed run",
		with(hourly(0), func(j *scheduler.Job) {
			j.Run = func(context.Context, *scheduler.Run) error { runtime.Goexit(); return nil }
		}), 0, 2*time.Hour + time.Minute,
		"01:00:00 failed\n02:00:00 failed\n",
		"the function called runtime.Goexit\nthe function called runtime.Goexit\n",
	},
	{
		"a job due only when told to has no ticks",
		with(hourly(0), func(j *scheduler.Job) { j.Trigger = trigger.Never{} }), 0, 10 * time.Hour, "",
		"",
	},
	{
		"run at start, besides the trigger's ticks",
		with(hourly(0), func(j *scheduler.Job) { j.AtStart = true }), 0, 90 * time.Minute,
		"00:00:00 succeeded\n01:00:00 succeeded\n",
		"",
	},
	{
		"a count ends with its last tick",
		with(hourly(0), func(j *scheduler.Job) { j.Trigger = trigger.Limit(trigger.Every(time.Hour), 2) }), 0, 10 * time.Hour,
		"01:00:00 succeeded\n02:00:00 succeeded\n",
		"",
	},
	{
		"the pause after a run counts from its end",
		with(hourly(20*time.Minute), func(j *scheduler.Job) { j.Trigger = trigger.EveryAfter(time.Hour) }), 0, 3 * time.Hour,
		"01:00:00 succeeded\n02:20:00 succeeded\n",
		"",
	},
}

func TestPolicies(t *testing.T) {
	for _, c := range policyCases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New().Jobs()
				if c.down > 0 {
					declare(t, store, c.job)
					time.Sleep(c.down)
				}
				start(t, scheduler.Config{Store: store, MaxRuns: 4}, c.job)
				time.Sleep(c.after)
				if got := ledger(t, store, "hot"); got != c.want {
					t.Errorf("ledger:\n%swant:\n%s", got, c.want)
				}
				if got := reasons(t, store, "hot"); got != c.why {
					t.Errorf("reasons:\n%swant:\n%s", got, c.why)
				}
			})
		})
	}
}

// reasons are those of a job's rows that have one, earliest first, one a line,
// without the stack of a panic.
func reasons(t *testing.T, store scheduler.Store, job string) string {
	t.Helper()
	rows, err := store.Ticks(t.Context(), scheduler.Query{Job: job, Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range slices.Backward(rows) {
		if r.Reason != "" {
			line, _, _ := strings.Cut(r.Reason, "\n")
			fmt.Fprintln(&b, line)
		}
	}
	return b.String()
}

// declare adds jobs from a process that then ends.
func declare(t *testing.T, store scheduler.Store, jobs ...scheduler.Job) *scheduler.Scheduler {
	t.Helper()
	s, err := scheduler.New(scheduler.Config{Store: store})
	if err == nil {
		err = s.Add(t.Context(), jobs...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func latest(t *testing.T, store scheduler.Store, job string) *scheduler.Tick {
	t.Helper()
	rows, err := store.Ticks(t.Context(), scheduler.Query{Job: job, Limit: 1})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows[0]
}

func TestRetries(t *testing.T) {
	down := errors.New("the database of the site is down")
	for _, c := range []struct {
		name     string
		errs     []error // of the attempts; the last stands for those after it
		attempts int
		outcome  scheduler.Outcome
		want     int
	}{
		{"none unless asked for", []error{down}, 0, scheduler.Failed, 1},
		{"until it succeeds", []error{down, down, nil}, 5, scheduler.Succeeded, 3},
		{"up to the bound", []error{down}, 3, scheduler.Failed, 3},
		{"not of what trying again does not mend", []error{scheduler.Permanent(down)}, 3, scheduler.Failed, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New().Jobs()
				var fences []int64
				start(t, scheduler.Config{Store: store}, scheduler.Job{
					Name: "hot", Trigger: trigger.Every(time.Hour), Retry: scheduler.Retry{Attempts: c.attempts, Backoff: time.Minute},
					Run: func(_ context.Context, r *scheduler.Run) error {
						fences = append(fences, r.Fence)
						return c.errs[min(r.Attempt, len(c.errs))-1]
					},
				})
				time.Sleep(time.Hour + 30*time.Minute)
				row := latest(t, store, "hot")
				if row.Outcome != c.outcome || row.Attempt != c.want || len(fences) != c.want || len(row.Earlier) != c.want-1 {
					t.Errorf("%s after %d attempts, %d calls, %d earlier", row.Outcome, row.Attempt, len(fences), len(row.Earlier))
				}
				for i := 1; i < len(fences); i++ {
					if fences[i] <= fences[i-1] {
						t.Errorf("fences do not grow: %v", fences)
					}
					if gap := row.Earlier[i-1].Ended; i < len(row.Earlier) && row.Earlier[i].Started.Sub(gap) < time.Minute {
						t.Errorf("attempt %d began %v after the one before", i+1, row.Earlier[i].Started.Sub(gap))
					}
				}
			})
		})
	}
}

func TestBackoffDoublesUpToItsBoundWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		var jobs []scheduler.Job
		for i := range 10 {
			jobs = append(jobs, scheduler.Job{
				Name: fmt.Sprint("job-", i), Trigger: trigger.Every(24 * time.Hour),
				Retry: scheduler.Retry{Attempts: 6, Backoff: time.Minute, MaxBackoff: 5 * time.Minute},
				Run:   func(context.Context, *scheduler.Run) error { return errors.New("no such table") },
			})
		}
		start(t, scheduler.Config{Store: store, MaxRuns: 10}, jobs...)
		time.Sleep(25 * time.Hour)
		waits := map[time.Duration]bool{}
		for _, j := range jobs {
			row := latest(t, store, j.Name)
			row.Earlier = append(row.Earlier, scheduler.Attempt{Started: row.Started})
			for i, least := range []time.Duration{1, 2, 4, 5, 5} {
				wait := row.Earlier[i+1].Started.Sub(row.Earlier[i].Ended)
				waits[wait] = true
				if least *= time.Minute; wait < least || wait > least*6/5+time.Second {
					t.Errorf("%s waited %v before attempt %d, want %v and up to a fifth more", j.Name, wait, i+2, least)
				}
			}
		}
		if len(waits) < 25 {
			t.Errorf("%d waits of 50 differ", len(waits))
		}
	})
}

func TestPauseSkipsAndResumeGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ctx := memory.New().Jobs(), t.Context()
		s := start(t, scheduler.Config{Store: store}, hourly(0))
		time.Sleep(90 * time.Minute)
		if err := s.Pause(ctx, "hot"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		if _, err := s.RunNow(ctx, "hot"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if err := s.Resume(ctx, "hot"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		want := "01:00:00 succeeded\n02:00:00 skipped ×3 to 04:00:00\n04:30:00 succeeded\n05:00:00 skipped\n06:00:00 succeeded\n"
		if got := ledger(t, store, "hot"); got != want {
			t.Errorf("ledger:\n%swant:\n%s", got, want)
		}
		if err := s.Pause(ctx, "cold"); !errors.Is(err, scheduler.ErrUnknown) {
			t.Errorf("pausing an unknown job: %v", err)
		}
	})
}

func TestAChangeAtRunTimeOutlivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ctx := memory.New().Jobs(), t.Context()
		s := declare(t, store, hourly(0))
		if err := s.Replace(ctx, with(hourly(0), func(j *scheduler.Job) { j.Trigger = trigger.Every(2 * time.Hour) })); err != nil {
			t.Fatal(err)
		}
		start(t, scheduler.Config{Store: store}, hourly(0)) // as the program has it
		time.Sleep(5 * time.Hour)
		if got, want := ledger(t, store, "hot"), "02:00:00 succeeded\n04:00:00 succeeded\n"; got != want {
			t.Errorf("ledger:\n%swant:\n%s", got, want)
		}
		// The program says something new: that holds.
		start(t, scheduler.Config{Store: store}, with(hourly(0), func(j *scheduler.Job) { j.Trigger = trigger.Every(30 * time.Minute) }))
		time.Sleep(50 * time.Minute)
		if got := latest(t, store, "hot").Due.Format("15:04"); got != "05:30" {
			t.Errorf("latest tick at %s", got)
		}
		if err := s.Remove(ctx, "hot"); err != nil {
			t.Fatal(err)
		}
		before := ledger(t, store, "hot")
		time.Sleep(5 * time.Hour)
		if got := ledger(t, store, "hot"); got != before {
			t.Errorf("a removed job went on:\n%s", got)
		}
		if list, err := s.List(ctx); err != nil || len(list) != 0 {
			t.Errorf("%d jobs listed, %v", len(list), err)
		}
	})
}

func TestAJobUnknownHereIsLeftToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		declare(t, store, hourly(0), scheduler.Job{Name: "gpu", Trigger: trigger.Every(time.Hour), Labels: []string{"gpu"}, Run: takes(0)})
		start(t, scheduler.Config{Store: store}, scheduler.Job{Name: "gpu", Trigger: trigger.Every(time.Hour), Labels: []string{"gpu"}, Run: takes(0)})
		time.Sleep(2*time.Hour + time.Minute)
		if got := ledger(t, store, ""); got != "" {
			t.Errorf("jobs that are unknown here or lack a label were touched:\n%s", got)
		}
		start(t, scheduler.Config{Store: store, Labels: []string{"gpu", "big"}}, scheduler.Job{Name: "gpu", Trigger: trigger.Every(time.Hour), Labels: []string{"gpu"}, Run: takes(0)})
		time.Sleep(time.Minute)
		if got, want := ledger(t, store, ""), "01:00:00 coalesced\n02:00:00 succeeded\n"; got != want {
			t.Errorf("ledger:\n%swant:\n%s", got, want)
		}
	})
}

func TestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		after := func(name string, names ...string) scheduler.Job {
			return scheduler.Job{Name: name, After: names, Run: takes(time.Minute)}
		}
		a := scheduler.Job{Name: "a", Trigger: trigger.Every(time.Hour), Run: takes(5 * time.Minute)}
		b := scheduler.Job{Name: "b", Trigger: trigger.Every(time.Hour), Run: func(_ context.Context, r *scheduler.Run) error {
			if r.Due.Hour() == 2 {
				return errors.New("no such table")
			}
			return nil
		}}
		s := start(t, scheduler.Config{Store: store, MaxRuns: 2}, a, b)
		start(t, scheduler.Config{Store: store, MaxRuns: 2}, after("joined", "a", "b"), after("last", "joined"))
		time.Sleep(3*time.Hour + 30*time.Minute)
		for job, want := range map[string]string{
			"joined": "01:00:00 succeeded\n02:00:00 skipped\n03:00:00 succeeded\n",
			"last":   "01:00:00 succeeded\n02:00:00 skipped\n03:00:00 succeeded\n",
		} {
			if got := ledger(t, store, job); got != want {
				t.Errorf("%s:\n%swant:\n%s", job, got, want)
			}
		}
		if rows, err := s.History(t.Context(), "joined", 2); err != nil || rows[1].Reason != "b has failed" {
			t.Errorf("reason %q, %v", rows[1].Reason, err)
		}
		if err := s.Replace(t.Context(), after("a", "last")); !errors.Is(err, scheduler.ErrCircle) {
			t.Errorf("a circle: %v", err)
		}
	})
}

func TestRunNowJoinsWhatRunsOrIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ctx := memory.New().Jobs(), t.Context()
		s := start(t, scheduler.Config{Store: store}, hourly(10*time.Minute))
		time.Sleep(time.Hour + time.Minute)
		k, err := s.RunNow(ctx, "hot")
		if err != nil || k.String() != "hot@2000-01-01T01:00:00Z" {
			t.Errorf("joined %s, %v", k, err)
		}
		time.Sleep(30 * time.Minute)
		if k, err = s.RunNow(ctx, "hot"); err != nil || k.Due.Format("15:04") != "01:31" {
			t.Errorf("asked for %s, %v", k, err)
		}
		row, err := s.Wait(ctx, k)
		if err != nil || row.Outcome != scheduler.Succeeded || !row.Asked {
			t.Errorf("%+v, %v", row, err)
		}
		if _, err := s.RunNow(ctx, "cold"); !errors.Is(err, scheduler.ErrUnknown) {
			t.Errorf("an unknown job: %v", err)
		}
	})
	// Due, and nobody has begun it: another process asks.
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		s := declare(t, store, hourly(0))
		time.Sleep(time.Hour + time.Minute)
		if k, err := s.RunNow(t.Context(), "hot"); err != nil || k.Due.Format("15:04") != "01:00" {
			t.Errorf("joined %s, %v", k, err)
		}
	})
}

func TestCancelFromAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		start(t, scheduler.Config{Store: store}, hourly(50*time.Minute))
		other := declare(t, store, hourly(0))
		time.Sleep(time.Hour + time.Minute)
		if err := other.Cancel(t.Context(), "hot"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		row := latest(t, store, "hot")
		if row.Outcome != scheduler.Cancelled || !strings.Contains(row.Reason, "on request") || row.Ended.Sub(row.Started) > time.Minute+time.Second {
			t.Errorf("%s (%s) after %v", row.Outcome, row.Reason, row.Ended.Sub(row.Started))
		}
	})
}

func TestShutdownLetsRunsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		s := declare(t, store, hourly(time.Minute))
		ctx, stop := context.WithTimeout(t.Context(), time.Hour+55*time.Second) // five seconds short
		defer stop()
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
		if row := latest(t, store, "hot"); row.Outcome != scheduler.Succeeded || len(row.Earlier) != 0 {
			t.Errorf("%+v", row)
		}
	})
}

func TestShutdownHandsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		s := declare(t, store, hourly(20*time.Minute))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(time.Hour + time.Minute)
		stop()
		began := time.Now()
		if err := <-done; err != nil || time.Since(began) > 12*time.Second {
			t.Errorf("stopped after %v: %v", time.Since(began), err)
		}
		row := latest(t, store, "hot")
		if row.Outcome != scheduler.Waiting || len(row.Earlier) != 1 || !strings.HasPrefix(row.Earlier[0].Reason, "handed back") {
			t.Errorf("%+v", row)
		}
		start(t, scheduler.Config{Store: store}, hourly(20*time.Minute))
		time.Sleep(30 * time.Minute)
		if row := latest(t, store, "hot"); row.Outcome != scheduler.Succeeded || row.Attempt != 2 {
			t.Errorf("%+v", row)
		}
	})
}

func TestProgressIsSeenByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		job := hourly(0)
		job.Run = func(ctx context.Context, r *scheduler.Run) error {
			r.Progress(3, 9, "folding days")
			return takes(time.Minute)(ctx, r)
		}
		here := start(t, scheduler.Config{Store: store}, job)
		other := declare(t, store, hourly(0))
		time.Sleep(time.Hour + time.Second)
		want := scheduler.Progress{Done: 3, Total: 9, Line: "folding days"}
		for s, wait := range map[*scheduler.Scheduler]time.Duration{here: 0, other: 15 * time.Second} {
			time.Sleep(wait)
			list, err := s.List(t.Context())
			if err != nil || len(list) != 1 || len(list[0].Running) != 1 || !list[0].Here {
				t.Fatalf("%+v, %v", list, err)
			}
			if got := list[0].Running[0].Progress; got != want {
				t.Errorf("after %v: %+v", wait, got)
			}
		}
	})
}

func TestAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		job := hourly(0)
		job.Alert = scheduler.Alert{Failures: 3, Silence: 5 * time.Hour}
		job.Run = func(context.Context, *scheduler.Run) error { return errors.New("no such table") }
		var raised atomic.Int64
		var texts [10]string
		for range 3 {
			s := start(t, scheduler.Config{Store: store}, job)
			s.Observe(func(e scheduler.Event) {
				if e.Kind == scheduler.Alerted {
					texts[raised.Add(1)-1] = fmt.Sprintf("%s %s: %s", time.Now().Format("15:04"), e.Job, e.Text)
				}
			})
		}
		time.Sleep(6 * time.Hour)
		want := []string{"03:00 hot: 3 ticks in a row without success: no such table", "05:01 hot: no success for 5h0m0s: it never has"}
		if raised.Load() != 2 || texts[0] != want[0] || !strings.HasSuffix(texts[1], want[1][5:]) {
			t.Errorf("%d raised: %q", raised.Load(), texts[:raised.Load()])
		}
	})
}
