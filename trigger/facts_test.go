package trigger

import (
	"testing"
	"time"
)

func TestFacts(t *testing.T) {
	const end, took = "2024-05-01T10:20:30Z", 10 * time.Minute
	ran := Facts{Job: "visits", LastEnd: instant(t, end), Count: 3, Took: []time.Duration{took, 20 * time.Minute}}
	slow := Facts{LastEnd: instant(t, end), Took: []time.Duration{50 * time.Minute}}
	for _, c := range []struct {
		name        string
		trigger     Trigger
		facts       Facts
		after, want string
	}{
		{"after the end", EveryAfter(time.Hour), ran, end, "2024-05-01T11:20:30Z"},
		{"after the end, asked from before", EveryAfter(time.Hour), ran, "2024-05-01T07:00:00Z", "2024-05-01T11:20:30Z"},
		{"after the end, while it runs", EveryAfter(time.Hour), ran, "2024-05-01T11:20:30Z", "2024-05-01T12:20:30Z"},
		{"after the end of none", EveryAfter(time.Hour), Facts{}, end, "2024-05-01T11:00:00Z"},
		{"after the end, nothing", EveryAfter(0), ran, end, "never"},
		// It began at 10:10:30, and the slowest run took 20 minutes.
		{"fresh", Fresh(time.Hour), ran, end, "2024-05-01T10:50:30Z"},
		{"fresh, asked from before", Fresh(time.Hour), ran, "2024-05-01T07:00:00Z", "2024-05-01T10:50:30Z"},
		{"fresh, run by nobody", Fresh(time.Hour), ran, "2024-05-01T10:50:30Z", "2024-05-01T11:30:30Z"},
		{"fresh, not run yet", Fresh(time.Hour), Facts{}, end, "2024-05-01T11:00:00Z"},
		{"fresh, none succeeded", Fresh(time.Hour), Facts{LastEnd: instant(t, end)}, end, "2024-05-01T11:00:00Z"},
		// 50 of 60 minutes: one run after the other, from 9:30:30 on.
		{"fresh, too slow", Fresh(time.Hour), slow, "2024-05-01T09:30:30Z", "2024-05-01T10:20:30Z"},
		{"fresh, nothing", Fresh(0), ran, end, "never"},
		{"limit", Limit(Daily(), 4), ran, end, "2024-05-02T00:00:00Z"},
		{"limit reached", Limit(Daily(), 3), ran, end, "never"},
		{"within others", Except(Between(Union(Limit(Daily(), 3), EveryAfter(time.Hour)), time.Time{}, time.Time{}), holidays), ran, end, "2024-05-01T11:20:30Z"},
	} {
		got := Bind(c.trigger, c.facts).Next(instant(t, c.after)).Format(time.RFC3339)
		if got == "0001-01-01T00:00:00Z" {
			got = "never"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if !NeedsFacts(c.trigger) {
			t.Errorf("%s: needs no facts", c.name)
		}
	}
}

func TestNeedsLastEnd(t *testing.T) {
	for _, c := range []struct {
		t    Trigger
		want bool
	}{
		{EveryAfter(7 * time.Second), true},
		{Fresh(time.Hour), true},
		{Bind(Fresh(time.Hour), Facts{}), false},
		{Every(time.Hour), false},
		{MustCron("H * * * *"), false},
		{Jitter(Limit(Daily(), 3), time.Hour), false},
		{Limit(Union(Daily(), Except(Fresh(time.Hour), holidays)), 3), true},
		{counting{}, true},
		{counting{1}, false},
	} {
		if got := NeedsLastEnd(c.t); got != c.want {
			t.Errorf("%v: %v, want %v", textOf(c.t), got, c.want)
		}
	}
}

func TestCombinatorsNeedFactsOnlyForWhatIsWithin(t *testing.T) {
	every := Every(time.Hour)
	for _, tr := range []Trigger{Union(every, Daily()), Between(every, time.Time{}, time.Now()), Except(every, holidays), Bind(Jitter(every, time.Minute), Facts{})} {
		if NeedsFacts(tr) {
			t.Errorf("%v needs facts", tr)
		}
	}
}
