package collect

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestLocalHourIsThatOfTheZone asks for instants around each change of clocks, as
// a log does, where they change by an hour, by half of one, by a day, and a minute
// after the hour.
func TestLocalHourIsThatOfTheZone(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/Havana", "America/St_Johns"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		var in Intake
		change := time.Date(2008, 1, 1, 0, 0, 0, 0, zone)
		for !change.IsZero() && change.Year() < 2013 {
			for at := change.Add(-2 * time.Hour); at.Before(change.Add(2 * time.Hour)); at = at.Add(time.Duration(r.IntN(int(time.Minute)))) {
				h, local := in.localHour(at, zone), at.In(zone)
				if day, began := pageview.DayOf(local), pageview.HourOf(local); h.day != day || !h.began.Equal(began) {
					t.Fatalf("%s is of %v from %v, not of %v from %v", local, day, began, h.day, h.began)
				}
				in.localHour(at.Add(-time.Duration(r.IntN(int(time.Hour)))), zone) // the lines of a log are not always in order
			}
			_, change = change.ZoneBounds()
		}
	}
}

func TestFutureIsADayAhead(t *testing.T) {
	var in Intake
	now := time.Now()
	for range 2 { // the clock read and remembered
		for ahead, future := range map[time.Duration]bool{-time.Hour: false, 0: false, 23 * time.Hour: false, 25 * time.Hour: true} {
			if in.future(now.Add(ahead)) != future {
				t.Errorf("%v ahead: %t", ahead, !future)
			}
		}
		if !in.future(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Error("the year 9999 is not the future")
		}
	}
}

func TestMemoIsBounded(t *testing.T) {
	var m memo[int]
	made := 0
	size := func(text string) int { made++; return len(text) }
	long := string(make([]byte, maxMemoText+1))
	for range 3 {
		if m.of("text", size) != 4 || m.of(long, size) != len(long) {
			t.Error("not what was made")
		}
	}
	if made != 1+3 || len(m.known) != 1 {
		t.Errorf("made %d times, %d are held", made, len(m.known))
	}
	for i := range 3 * maxMemo {
		m.of(string(rune(i)), size)
		if len(m.known) > maxMemo {
			t.Fatalf("%d are held", len(m.known))
		}
	}
}
