package trigger

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestJitter holds jitter to its promises: each tick once, in order, before the
// next one, by less than the bound, spread, and the same every time.
func TestJitter(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, c := range []struct {
		name  string
		inner Trigger
		most  time.Duration
	}{
		{"less than the period", Every(time.Hour), 10 * time.Minute},
		{"more than the period", Every(time.Minute), time.Hour},
		{"much more", Every(time.Second), 24 * time.Hour},
		{"uneven", MustCron("0,1,2,59 0,1,12 * * *").In(zone(t, "Europe/London")), 2 * time.Hour},
		{"rare", MustCron("0 0 29 2 *"), 36 * time.Hour},
		{"a list", At(time.Unix(1e9, 0), time.Unix(1e9+5, 0), time.Unix(2e9, 0)), time.Minute},
	} {
		j := Bind(Jitter(c.inner, c.most), Facts{Job: "visits"})
		tick := time.Unix(1e9-1, 0)
		due := c.inner.Next(tick).Add(-1) // every earlier tick is over by then
		delays := map[time.Duration]bool{}
		for range 300 {
			if tick = c.inner.Next(tick); tick.IsZero() {
				if next := j.Next(due); !next.IsZero() {
					t.Errorf("%s: %v after the last tick", c.name, next)
				}
				break
			}
			next, following := j.Next(due), c.inner.Next(tick)
			delay := next.Sub(tick)
			if delay < 0 || delay >= c.most || delay%time.Millisecond != 0 || !following.IsZero() && !next.Before(following) {
				t.Fatalf("%s: the tick %v is put off to %v", c.name, tick, next)
			}
			// Asked from any instant before, the answer is the same.
			between := due.Add(time.Duration(r.Int64N(int64(next.Sub(due)))))
			if again := j.Next(between); !again.Equal(next) {
				t.Fatalf("%s: after %v comes %v, after %v comes %v", c.name, due, next, between, again)
			}
			due = next
			delays[delay] = true
		}
		if len(delays) < 3 {
			t.Errorf("%s: only %d different delays", c.name, len(delays))
		}
	}
}

func TestJitterDependsOnTheJob(t *testing.T) {
	j := Jitter(Every(time.Hour), time.Hour)
	at := time.Unix(1e9, 0)
	a, b := Bind(j, Facts{Job: "a"}).Next(at), Bind(j, Facts{Job: "b"}).Next(at)
	if a.Equal(b) {
		t.Errorf("both jobs are due at %v", a)
	}
	if again := Bind(Bind(j, Facts{Job: "a"}), Facts{Job: "b"}).Next(at); !again.Equal(a) {
		t.Error("bound again it is another job's")
	}
	// Fixed for good: replicas of different versions agree.
	if want := instant(t, "2001-09-09T02:52:30.317Z"); !a.Equal(want) {
		t.Errorf("job a is due at %v, want %v", a.Format(time.RFC3339Nano), want)
	}
}

func TestJitterTwiceIsOnce(t *testing.T) {
	if s := Jitter(Jitter(Daily(), time.Minute), time.Hour).String(); s != "daily 00:00 jitter 1h1m" {
		t.Errorf("it prints %q", s)
	}
	if _, err := Parse("(daily jitter 1m or never) jitter 1h"); err == nil {
		t.Error("jitter of jitter is accepted")
	}
}
