package scheduler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// logsOf writes what the runs of a tick have logged.
func logsOf(t *testing.T, s *scheduler.Scheduler, k scheduler.Key) string {
	t.Helper()
	list, err := s.Logs(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, l := range list {
		fmt.Fprintf(&b, "run %d", l.Fence)
		for _, line := range l.Lines {
			fmt.Fprintf(&b, "; %s %s %s", line.At.Format("05.0"), line.Level, line.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestARunLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		var out bytes.Buffer
		quiet := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		}}))
		half := make(chan struct{})
		s := start(t, scheduler.Config{Store: store, Logger: quiet}, scheduler.Job{
			Name: "hot", Trigger: trigger.Never{}, Retry: scheduler.Retry{Attempts: 2},
			Run: func(_ context.Context, run *scheduler.Run) error {
				log := run.Logger().With("site", "my blog").WithGroup("page")
				log.Debug("not kept")
				log.Info("reading\nmuch", "msg", "m", "path", "/a b")
				<-half
				if run.Attempt == 1 {
					run.Logger().Warn("it went away")
					return errors.New("gone")
				}
				return nil
			},
		}, scheduler.Job{Name: "silent", Trigger: trigger.Never{}, Run: takes(0)})
		k, err := s.RunNow(t.Context(), "hot")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // the loop may rest from its first step
		const first = `INFO reading
much site="my blog" page.msg=m page.path="/a b"`
		if got, want := logsOf(t, s, k), "run 1; 00.0 "+first+"\n"; got != want {
			t.Errorf("while it runs: %q\nwant %q", got, want)
		}
		rows, err := s.History(t.Context(), "hot", 0)
		if err != nil || len(rows) != 1 || rows[0].Progress.Logged != 1 {
			t.Errorf("%+v, %v", rows, err)
		}
		close(half)
		tick, err := s.Wait(t.Context(), k)
		if err != nil || tick.Progress.Logged != 1 || len(tick.Earlier) != 1 || tick.Earlier[0].Logged != 2 {
			t.Errorf("%+v, %v", tick, err)
		}
		want := "run 1; 00.0 " + first + "; 00.0 WARN it went away\nrun 2; 01."
		if got := logsOf(t, s, k); !strings.HasPrefix(got, want) {
			t.Errorf("after it: %q\nwant %q", got, want)
		}
		if got, want := out.String(), "level=WARN msg=\"it went away\" job=hot due=2000-01-01T00:00:00.000Z fence=1\n"; !strings.Contains(got, want) || strings.Contains(got, "reading") {
			t.Errorf("the program's log has %q, want %q and nothing of what is less", got, want)
		}
		if k, err = s.RunNow(t.Context(), "silent"); err != nil {
			t.Fatal(err)
		}
		if tick, err := s.Wait(t.Context(), k); err != nil || tick.Progress.Logged != 0 || logsOf(t, s, k) != "" {
			t.Errorf("who logs nothing has a log: %+v %v", tick, err)
		}
	})
}

func TestALogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, scheduler.Config{Store: memory.New().Jobs()}, scheduler.Job{
			Name: "many", Trigger: trigger.Never{}, Run: func(_ context.Context, run *scheduler.Run) error {
				for i := range 3000 {
					run.Logger().Info("line", "n", i)
				}
				return nil
			},
		}, scheduler.Job{
			Name: "long", Trigger: trigger.Never{}, Run: func(_ context.Context, run *scheduler.Run) error {
				for i := range 20 {
					run.Logger().Info(fmt.Sprint(i) + strings.Repeat("\xff\x00ab", 5000)) //nolint:sloglint // a message that is too long
				}
				return nil
			},
		})
		run := func(job string) *scheduler.Log {
			k, err := s.RunNow(t.Context(), job)
			if err == nil {
				_, err = s.Wait(t.Context(), k)
			}
			if err != nil {
				t.Fatal(err)
			}
			list, err := s.Logs(t.Context(), k)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			return list[0]
		}
		if l := run("many"); len(l.Lines) != 1000 || l.Dropped != 2000 || l.Lines[999].Text != "line n=2999" {
			t.Errorf("%d lines, %d dropped, last %q", len(l.Lines), l.Dropped, l.Lines[len(l.Lines)-1].Text)
		}
		l := run("long")
		size := 0
		for _, line := range l.Lines {
			size += len(line.Text)
			if !utf8.ValidString(line.Text) || strings.Contains(line.Text, "\x00") {
				t.Error("a line is not fit to be kept")
			}
		}
		if size > 64<<10 || size < 40<<10 || l.Dropped+len(l.Lines) != 20 || !strings.HasPrefix(l.Lines[len(l.Lines)-1].Text, "19") {
			t.Errorf("%d bytes in %d lines, %d dropped", size, len(l.Lines), l.Dropped)
		}
	})
}

// TestWhatALostRunLoggedIsKept lets a process die: what it had logged until it
// last renewed its lease stays, also when another one goes on.
func TestWhatALostRunLoggedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faultyLogs{Store: memory.New().Jobs()}
		job := scheduler.Job{Name: "hot", Trigger: trigger.Never{}, Run: func(ctx context.Context, run *scheduler.Run) error {
			run.Logger().Info("begun", "by", run.Fence)
			if run.Fence > 1 {
				return nil
			}
			time.Sleep(15 * time.Second) // longer than a third of a lease
			store.dead.Store(true)
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		dying, err := scheduler.New(scheduler.Config{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		if err := dying.Add(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- dying.Run(ctx) }()
		k, err := dying.RunNow(t.Context(), "hot")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(16 * time.Second)
		heir := start(t, scheduler.Config{Store: store.Store}, job)
		if tick, err := heir.Wait(t.Context(), k); err != nil || tick.Outcome != scheduler.Succeeded {
			t.Errorf("%+v, %v", tick, err)
		}
		if got := logsOf(t, heir, k); !strings.HasPrefix(got, "run 1; 00.0 INFO begun by=1\nrun 2; ") {
			t.Errorf("logs %q", got)
		}
		list, err := heir.Replicas(t.Context())
		if err != nil || len(list) != 2 {
			t.Errorf("%+v, %v", list, err)
		}
		stop()
		<-ended
	})
}

// faultyLogs is a store that a process may lose for writing.
type faultyLogs struct {
	scheduler.Store
	dead atomic.Bool
}

func (s *faultyLogs) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	if s.dead.Load() {
		return nil, errors.New("the process is dead")
	}
	return s.Store.Write(ctx, changes)
}

func TestReplicasTellThatTheyAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		s := start(t, scheduler.Config{Store: store, Labels: []string{"gpu"}}, hourly(10*time.Minute))
		ctx, stop := context.WithCancel(t.Context())
		other, err := scheduler.New(scheduler.Config{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { ended <- other.Run(ctx) }()
		time.Sleep(time.Hour + 5*time.Minute)
		byName := func() map[string]scheduler.Replica {
			list, err := other.Replicas(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			m := map[string]scheduler.Replica{}
			for _, r := range list {
				m[r.Holder] = r
			}
			return m
		}
		all := byName()
		one := all[s.Holder()]
		if len(all) != 2 || len(one.Running) != 1 || one.Running[0].Job != "hot" || len(one.Labels) != 1 || time.Since(one.Seen) > 2*time.Minute || time.Since(one.Started) < time.Hour {
			t.Errorf("%+v", all)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if r := byName()[other.Holder()]; !r.Stopped {
			t.Errorf("one that has ended: %+v", r)
		}
		alone := start(t, scheduler.Config{Store: memory.New().Jobs(), Exclusive: true})
		time.Sleep(time.Minute)
		if list, err := alone.Replicas(t.Context()); err != nil || len(list) != 1 || list[0].Holder != alone.Holder() {
			t.Errorf("one that is alone: %+v, %v", list, err)
		}
	})
}

// chatty is a value that logs when it is asked for its text.
type chatty struct{ log *slog.Logger }

func (c chatty) String() string {
	c.log.Info("asked")
	return "text"
}

// TestManyLinesAndValuesThatLog logs as much as a run gone wild does, from many
// goroutines, with values that log themselves.
func TestManyLinesAndValuesThatLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, scheduler.Config{Store: memory.New().Jobs()}, scheduler.Job{
			Name: "wild", Trigger: trigger.Never{}, Run: func(_ context.Context, run *scheduler.Run) error {
				var all sync.WaitGroup
				for i := range 10 {
					log := run.Logger().With("of", i)
					all.Go(func() {
						for n := range 2000 {
							log.Info("line", "n", n, "value", chatty{run.Logger()})
						}
					})
				}
				all.Wait()
				return nil
			},
		})
		k, err := s.RunNow(t.Context(), "wild")
		if err != nil {
			t.Fatal(err)
		}
		tick, err := s.Wait(t.Context(), k)
		if err != nil || tick.Progress.Logged != 40_000 {
			t.Errorf("%+v, %v", tick, err)
		}
		list, err := s.Logs(t.Context(), k)
		if err != nil || len(list) != 1 || len(list[0].Lines) != 1000 || list[0].Dropped != 39_000 {
			t.Errorf("%d logs, %v", len(list), err)
		}
	})
}
