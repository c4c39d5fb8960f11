package web

import (
	"strings"
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ns", 900: "900 ns", 1200: "1.2 µs", 81 * time.Microsecond: "81 µs", 150 * time.Microsecond: "0.15 ms",
		1500 * time.Microsecond: "1.5 ms", 85 * time.Millisecond: "85 ms", 1812 * time.Millisecond: "1.8 s",
		9960 * time.Millisecond: "10 s", 42 * time.Second: "42 s", 125 * time.Second: "2 min 5 s",
		2*time.Hour + 3*time.Minute + 59*time.Second: "2 h 3 min",
		30 * time.Hour: "30 h", 30 * time.Minute: "30 min", 72 * time.Hour: "3 d", 53 * time.Hour: "2 d 5 h",
	} {
		if got := english.span(d); got != want {
			t.Errorf("span(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestTimesAreTheSites(t *testing.T) {
	zone := time.FixedZone("Asia/Kathmandu", 5*3600+45*60)
	c := clock{time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC), zone, english} // 01:45 on 2 March there
	for at, want := range map[time.Time]string{
		time.Date(2026, 3, 1, 18, 15, 0, 0, time.UTC): `"2026-03-02T00:00:00+05:45">00:00<`,
		time.Date(2026, 3, 1, 18, 14, 0, 0, time.UTC): `"2026-03-01T23:59:00+05:45">1 March 2026, 23:59<`,
	} {
		if got := string(c.time(at)); !strings.Contains(got, want) {
			t.Errorf("time(%v) = %s, want %s", at, got, want)
		}
	}
}

func TestTimesAndSpansAreOfTheLanguage(t *testing.T) {
	c := clock{time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), time.UTC, chinese}
	if got := string(c.time(time.Date(2026, 3, 1, 18, 15, 0, 0, time.UTC))); !strings.Contains(got, ">2026年3月1日 18:15<") {
		t.Error(got)
	}
	for d, want := range map[time.Duration]string{
		1500 * time.Microsecond: "1.5 毫秒", 125 * time.Second: "2 分 5 秒", 53 * time.Hour: "2 天 5 小时",
	} {
		if got := chinese.span(d); got != want {
			t.Errorf("span(%d) = %q, want %q", d, got, want)
		}
	}
}
