package web

import (
	"math"
	"testing"
	"time"
)

func TestRatio(t *testing.T) {
	for _, c := range []struct {
		live, wait time.Duration
		want       string
	}{
		{1795 * time.Millisecond, 81 * time.Microsecond, "22,000"},
		{time.Second, time.Second, "1"},
		{25 * time.Millisecond, 10 * time.Millisecond, "2.5"},
		{99999 * time.Microsecond, 10 * time.Millisecond, "10"},
		{time.Millisecond, time.Second, "0.001"},
		{0, time.Second, ""},
		{time.Second, 0, ""},
	} {
		if got := (&view{}).Ratio(c.live, c.wait); got != c.want {
			t.Errorf("Ratio(%v, %v) = %q, want %q", c.live, c.wait, got, c.want)
		}
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		part, whole float64
		want        string
	}{
		{1, 4, "25.00"},
		{5, 4, "100.00"},
		{0, 4, "0"},
		{-1, 4, "0"},
		{0, 0, "0"},
		{math.NaN(), 4, "0"},
		{1, math.NaN(), "0"},
		{math.Inf(1), math.Inf(1), "0"},
	} {
		if got := share(c.part, c.whole); got != c.want {
			t.Errorf("share(%v, %v) = %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}

func TestSumOfTimesIsKnownOnlyWhenBothAre(t *testing.T) {
	for _, c := range [][3]time.Duration{{1, 2, 3}, {0, 2, 0}, {1, 0, 0}} {
		if got := both(c[0], c[1]); got != c[2] {
			t.Errorf("both(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}
