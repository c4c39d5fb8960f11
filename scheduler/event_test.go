package scheduler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// told is what a scheduler has told of, by its hooks and its log.
type told struct {
	mu     sync.Mutex
	events []string
	log    bytes.Buffer
}

func (o *told) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.log.Write(b)
}

func (o *told) observe(e scheduler.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, fmt.Sprintf("%s %s %s", e.Kind, e.Tick.Due.Format("15:04"), e.Tick.Outcome))
}

func (o *told) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(o, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// lines are the events in the log: their level and the keys they have.
func (o *told) lines(t *testing.T) []string {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []string
	for line := range strings.Lines(o.log.String()) {
		var attrs map[string]any
		if err := json.Unmarshal([]byte(line), &attrs); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if attrs["msg"] != "scheduler event" {
			continue
		}
		var text strings.Builder
		fmt.Fprint(&text, attrs["level"], " ", attrs["event"])
		for _, key := range []string{"job", "due", "fence", "attempt", "outcome", "reason", "took", "text"} {
			if _, ok := attrs[key]; ok {
				text.WriteString(" " + key)
			}
		}
		list = append(list, text.String())
	}
	return list
}

func TestHooksAndLogTellOfStartsEndsSkipsAndMisses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		job := with(hourly(0), func(j *scheduler.Job) {
			j.Misfire = scheduler.SkipMissed
			j.Run = func(ctx context.Context, r *scheduler.Run) error {
				if r.Due.Hour() == 4 {
					return errors.New("no such table")
				}
				return takes(90*time.Minute)(ctx, r)
			}
		})
		declare(t, store, job)
		time.Sleep(90 * time.Minute)
		var o told
		s, err := scheduler.New(scheduler.Config{Store: store, Logger: o.logger()})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Add(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		stop := s.Observe(o.observe)
		time.AfterFunc(3*time.Hour, stop)
		runFor(t, s, 4*time.Hour)
		want := []string{
			"passed 01:00 missed", "started 02:00 running", "passed 03:00 skipped", "ended 02:00 succeeded",
			"started 04:00 running", "ended 04:00 failed",
		}
		if !slices.Equal(o.events, want) {
			t.Errorf("events %q\nwant   %q", o.events, want)
		}
		want = []string{
			"WARN passed job due fence attempt outcome reason", "DEBUG started job due fence attempt",
			"DEBUG passed job due fence attempt outcome reason", "DEBUG ended job due fence attempt outcome reason took",
			"DEBUG started job due fence attempt", "WARN ended job due fence attempt outcome reason took",
			"DEBUG started job due fence attempt", "DEBUG ended job due fence attempt outcome reason took",
		}
		if got := o.lines(t); !slices.Equal(got, want) {
			t.Errorf("log  %q\nwant %q", got, want)
		}
	})
}

func TestBothSidesTellOfALostRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New().Jobs()
		way := &unplugged{Store: store}
		var old, taker told
		first := start(t, scheduler.Config{Store: way}, hourly(10*time.Minute))
		first.Observe(old.observe)
		time.Sleep(time.Hour + time.Second)
		way.dead.Store(true)
		second := start(t, scheduler.Config{Store: store, Logger: taker.logger()}, hourly(10*time.Minute))
		second.Observe(taker.observe)
		time.Sleep(5 * time.Minute)
		way.dead.Store(false)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if want := []string{"started 01:00 running", "store down 00:00 ", "lost 01:00 running", "store up 00:00 "}; !slices.Equal(old.events, want) {
			t.Errorf("the old holder told %q, want %q", old.events, want)
		}
		if want := []string{"lost 01:00 running", "started 01:00 running", "ended 01:00 succeeded"}; !slices.Equal(taker.events, want) {
			t.Errorf("the taker told %q, want %q", taker.events, want)
		}
		if got, want := taker.lines(t)[0], "WARN lost job due fence attempt text"; got != want {
			t.Errorf("log %q, want %q", got, want)
		}
	})
}

func TestHistoryIsKeptAsLongAsItSays(t *testing.T) {
	for _, c := range []struct {
		keep        scheduler.Retention
		least, most int
	}{
		{scheduler.Retention{}, 1000, 1100}, // 1000 ticks, looked at every hour
		{scheduler.Retention{Age: 5 * time.Hour}, 300, 370},
		{scheduler.Retention{Age: -1, Count: -1}, 1800, 1800},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := memory.New().Jobs()
			start(t, scheduler.Config{Store: store, Retention: c.keep}, scheduler.Job{Name: "hot", Trigger: trigger.Every(time.Minute), Run: takes(0)})
			time.Sleep(30*time.Hour + time.Second)
			rows, err := store.Ticks(t.Context(), scheduler.Query{Limit: -1})
			if err != nil || len(rows) < c.least || len(rows) > c.most {
				t.Errorf("%+v: %d rows, %v", c.keep, len(rows), err)
			}
		})
	}
}
