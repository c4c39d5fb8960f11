package trigger

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

func TestIntervalNext(t *testing.T) {
	anchor := instant(t, "2024-05-01T00:30:00Z")
	for _, c := range []struct {
		interval    Interval
		after, want string
	}{
		{Every(time.Hour), "2024-05-01T11:59:59.999999999Z", "2024-05-01T12:00:00Z"},
		{Every(time.Hour), "2024-05-01T12:00:00Z", "2024-05-01T13:00:00Z"},
		{Every(time.Hour), "2024-05-01T12:00:00.000000001Z", "2024-05-01T13:00:00Z"},
		{Every(time.Hour), "2024-05-01T12:10:00+05:30", "2024-05-01T07:00:00Z"},
		{Every(time.Hour), "1969-12-31T23:30:00Z", "1970-01-01T00:00:00Z"},
		{Every(time.Hour), "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"},
		{Every(time.Hour), "1969-12-31T22:59:59.5Z", "1969-12-31T23:00:00Z"},
		{Every(time.Hour), "0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z"},
		{Every(7 * time.Minute), "9999-12-31T23:00:00Z", "9999-12-31T23:01:00Z"},
		{Every(time.Nanosecond), "2024-05-01T12:00:00Z", "2024-05-01T12:00:00.000000001Z"},
		{Every(time.Hour).From(anchor), "2024-05-01T00:29:59Z", "2024-05-01T00:30:00Z"},
		{Every(time.Hour).From(anchor), "2024-05-01T00:30:00Z", "2024-05-01T01:30:00Z"},
		{Every(time.Hour).From(anchor), "2020-05-01T00:00:00Z", "2020-05-01T00:30:00Z"},
	} {
		got := c.interval.Next(instant(t, c.after))
		if want := instant(t, c.want); !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%v after %s = %v, want %v in UTC", c.interval, c.after, got, want)
		}
	}
}

func TestIntervalOfNothingIsNever(t *testing.T) {
	for _, d := range []time.Duration{0, -5 * time.Minute, math.MinInt64} {
		if next := Every(d).Next(time.Unix(0, 0)); !next.IsZero() {
			t.Errorf("Every(%v).Next = %v, want never", d, next)
		}
		if s := Every(d).String(); s != "never" {
			t.Errorf("Every(%v) prints %q, want never", d, s)
		}
	}
}

// TestIntervalIsExact holds Next against arithmetic without bounds.
func TestIntervalIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	nanos := func(t time.Time) *big.Int {
		n := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(1e9))
		return n.Add(n, big.NewInt(int64(t.Nanosecond())))
	}
	at := func() time.Time {
		return time.Unix(r.Int64N(500e9)-250e9, r.Int64N(1e9))
	}
	for range 20_000 {
		every := time.Duration(r.Int64() >> r.IntN(62))
		i := Interval{Every: max(every, 1), Anchor: at()}
		after := at()
		next := i.Next(after)
		step := new(big.Int).Sub(nanos(next), nanos(i.Anchor))
		if new(big.Int).Mod(step, big.NewInt(int64(i.Every))).Sign() != 0 {
			t.Fatalf("%v after %v = %v is no multiple", i, after, next)
		}
		ahead := new(big.Int).Sub(nanos(next), nanos(after))
		if ahead.Sign() <= 0 || ahead.Cmp(big.NewInt(int64(i.Every))) > 0 {
			t.Fatalf("%v after %v = %v is %v ns ahead", i, after, next, ahead)
		}
	}
}

func TestIntervalDropsTheMonotonicClock(t *testing.T) {
	next := Every(time.Hour).Next(time.Now())
	if next != next.Round(0) {
		t.Errorf("next = %v carries a monotonic reading", next)
	}
}

func TestIntervalString(t *testing.T) {
	for _, c := range []struct {
		interval Interval
		want     string
	}{
		{Every(time.Hour), "every 1h"},
		{Every(90 * time.Minute), "every 1h30m"},
		{Every(10 * time.Minute), "every 10m"},
		{Every(90 * time.Second), "every 1m30s"},
		{Every(time.Hour + time.Second), "every 1h0m1s"},
		{Every(1500 * time.Millisecond), "every 1.5s"},
		{Every(time.Hour).From(time.Unix(1714523400, 5)), "every 1h from 2024-05-01T00:30:00.000000005Z"},
	} {
		if got := c.interval.String(); got != c.want {
			t.Errorf("%#v prints %q, want %q", c.interval, got, c.want)
		}
	}
}

func TestIntervalAllocatesNothing(t *testing.T) {
	after := time.Unix(1714523400, 0)
	if n := testing.AllocsPerRun(100, func() { Every(time.Hour).Next(after) }); n != 0 {
		t.Errorf("Next allocates %v times", n)
	}
}

func BenchmarkIntervalNext(b *testing.B) {
	at := time.Unix(1714523400, 0)
	for b.Loop() {
		Every(time.Hour).Next(at)
	}
}
