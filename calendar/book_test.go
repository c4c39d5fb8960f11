package calendar_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/calendar"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// TestTicksFollowACalendar changes a calendar while two replicas run, and finds
// their ticks as it says then, each once.
func TestTicksFollowACalendar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		state := memory.New()
		january := func(days ...int) calendar.Calendar {
			dates := make([]time.Time, len(days))
			for i, d := range days {
				dates[i] = time.Date(2000, 1, d, 0, 0, 0, 0, time.UTC)
			}
			return calendar.New("holidays", "test", dates...)
		}
		if err := calendar.Set(ctx, state.Calendars(), january(2, 3)); err != nil {
			t.Fatal(err)
		}
		var runs atomic.Int64
		ended := make(chan error, 4)
		for range 2 {
			book, err := calendar.Open(ctx, state.Calendars())
			if err != nil {
				t.Fatal(err)
			}
			p := trigger.Parser{Calendar: book.Find}
			when, err := p.Parse("daily 12:00 except holidays")
			if err != nil {
				t.Fatal(err)
			}
			s, err := scheduler.New(scheduler.Config{Store: state.Jobs(), Parse: p.Parse})
			if err == nil {
				err = s.Add(ctx, scheduler.Job{Name: "hot", Trigger: when, Run: func(context.Context, *scheduler.Run) error {
					runs.Add(1)
					return nil
				}})
			}
			if err != nil {
				t.Fatal(err)
			}
			go func() { ended <- s.Run(ctx) }()
			go func() {
				if err := book.Follow(ctx, s, slog.New(slog.DiscardHandler)); !errors.Is(err, ctx.Err()) {
					t.Error(err)
				}
				ended <- nil
			}()
		}
		due := func() string {
			time.Sleep(5 * time.Second)
			list, err := state.Jobs().Jobs(ctx, "hot")
			if err != nil {
				t.Fatal(err)
			}
			return list[0].Due.Format("02 15:04")
		}
		time.Sleep(13 * time.Hour) // the first of January
		if got := due(); got != "04 12:00" {
			t.Errorf("next is %s", got)
		}
		for _, c := range []struct {
			days []int
			want string
		}{{[]int{3}, "02 12:00"}, {[]int{2, 3, 4, 5}, "06 12:00"}, {nil, "02 12:00"}, {[]int{2, 3}, "04 12:00"}} {
			if err := calendar.Set(ctx, state.Calendars(), january(c.days...)); err != nil {
				t.Fatal(err)
			}
			if got := due(); got != c.want {
				t.Errorf("with %v next is %s, want %s", c.days, got, c.want)
			}
		}
		if err := state.Calendars().Remove(ctx, "holidays"); err != nil {
			t.Fatal(err)
		}
		if got := due(); got != "02 12:00" {
			t.Errorf("without a calendar next is %s", got)
		}
		time.Sleep(48 * time.Hour)
		if runs.Load() != 3 {
			t.Errorf("%d runs in three days", runs.Load())
		}
		stop()
		for range cap(ended) {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestACalendarThatIsNotThereIsRefused(t *testing.T) {
	state := memory.New()
	book, err := calendar.Open(t.Context(), state.Calendars())
	if err != nil {
		t.Fatal(err)
	}
	p := trigger.Parser{Calendar: book.Find}
	refused := func(want string) {
		t.Helper()
		if _, err := p.Parse("daily 12:00 except holidai"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("refused with %v, want %q", err, want)
		}
	}
	refused("there are none yet")
	for _, name := range []string{"holidays", "closed"} {
		if err := calendar.Set(t.Context(), state.Calendars(), calendar.New(name, "")); err != nil {
			t.Fatal(err)
		}
	}
	if changed, err := book.Look(t.Context()); len(changed) != 2 || err != nil {
		t.Errorf("changed %v, %v", changed, err)
	}
	refused("there are closed, holidays; beforehand calendar set holidai FILE adds one")
	for _, c := range []calendar.Calendar{calendar.New("", ""), calendar.New("a\"b", ""), calendar.New(strings.Repeat("x", 101), "")} {
		if calendar.Set(t.Context(), state.Calendars(), c) == nil {
			t.Errorf("%.20q is a name", c.Name)
		}
	}
}

func TestWhoUsesACalendar(t *testing.T) {
	state := memory.New()
	p := trigger.Parser{Calendar: func(n string) (trigger.Calendar, error) { return trigger.NewDays(n), nil }}
	s, err := scheduler.New(scheduler.Config{Store: state.Jobs(), Parse: p.Parse})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a": "daily 12:00 except holidays", "b": "daily 12:00", "c": "(daily 12:00 only closed or every 1h except holidays) jitter 5m"} {
		when, err := p.Parse(text)
		if err == nil {
			err = s.Add(t.Context(), scheduler.Job{Name: name, Trigger: when})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if used, err := calendar.UsedBy(t.Context(), state.Jobs(), "holidays"); err != nil || !slices.Equal(used, []string{"a", "c"}) {
		t.Errorf("used by %v, %v", used, err)
	}
}
