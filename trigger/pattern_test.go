package trigger

import (
	"testing"
	"time"
)

func TestCivil(t *testing.T) {
	for day := int64(-1_000_000); day < 1_000_000; day += 13 {
		at := time.Unix(day*daySeconds, 0).UTC()
		y, m, d := civil(day)
		if y != at.Year() || m != int(at.Month()) || d != at.Day() || weekdayOf(day) != int(at.Weekday()) {
			t.Fatalf("day %d is %d-%d-%d, weekday %d, want %v", day, y, m, d, weekdayOf(day), at)
		}
		if got, want := monthLength(y, m), time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day(); got != want {
			t.Fatalf("%d-%d has %d days, want %d", y, m, got, want)
		}
	}
}

// TestCalendarCycle holds the number of years after which a search may say
// never: in as many from any year on, each month has had every length and first
// weekday that it ever has.
func TestCalendarCycle(t *testing.T) {
	type shape struct{ month, length, weekday int }
	shapes := func(from, to int) map[shape]bool {
		found := map[shape]bool{}
		for y := from; y <= to; y++ {
			for m := 1; m <= 12; m++ {
				first := time.Date(y, time.Month(m), 1, 0, 0, 0, 0, time.UTC)
				found[shape{m, monthLength(y, m), int(first.Weekday())}] = true
			}
		}
		return found
	}
	all := len(shapes(2000, 2399))
	for y := 2000; y < 2400; y++ {
		// Of the first year the search may see only the end.
		if n := len(shapes(y+1, y+calendarCycle)); n != all {
			t.Fatalf("from %d on %d of %d shapes of months come within %d years", y, n, all, calendarCycle)
		}
	}
}
