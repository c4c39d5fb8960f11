package engine_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// TestWholeDaysLieInTheWindow holds the days of windows that begin and end around
// changes of clocks to every minute of these days.
func TestWholeDaysLieInTheWindow(t *testing.T) {
	for _, name := range []string{"America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		newest := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, around := range []time.Time{
			time.Date(2011, 11, 13, 0, 0, 0, 0, time.UTC), // Havana sets its clock back over midnight
			time.Date(2011, 4, 2, 12, 0, 0, 0, time.UTC),  // Lord Howe and Apia set theirs back
			time.Date(2011, 12, 30, 0, 0, 0, 0, time.UTC), // Apia has no such day
		} {
			for shift := -30 * time.Hour; shift < 30*time.Hour; shift += 101 * time.Minute {
				after := around.Add(shift)
				upTo := after.Add(50*time.Hour + 13*time.Minute)
				first, last := engine.Whole(after, upTo, newest, zone)
				for at := after.Add(-30 * time.Hour); at.Before(upTo.Add(30 * time.Hour)); at = at.Add(time.Minute) {
					day := pageview.DayOf(at.In(zone))
					if in := at.After(after) && !at.After(upTo); day >= first && day <= last && !in {
						t.Fatalf("%s: %s is not after %s, up to %s, and its day is from %s to %s", name, at.In(zone), after.In(zone), upTo.In(zone), first, last)
					}
				}
			}
		}
	}
}

func TestPeriod(t *testing.T) {
	zone := time.FixedZone("", 5*3600+45*60)
	for d, want := range map[pageview.Dimension]string{
		pageview.ByHour: "1970-01-01T05:45:10+05:45", pageview.ByDay: "1970-01-11", pageview.ByWeek: "1970-01-11", pageview.ByMonth: "0000-11",
		pageview.ByYear: "0010", pageview.ByPage: "",
	} {
		if got := engine.Period(d, 10, zone); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
