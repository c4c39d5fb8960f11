package trigger

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestCalendars(t *testing.T) {
	tokyo := zone(t, "Asia/Tokyo")
	night := NewHours("night", Clock{Hour: 22}, Clock{Hour: 6})
	for _, c := range []struct {
		calendar  Calendar
		at, until string
		in        bool
	}{
		{holidays, "2024-12-24T23:59:59Z", "2024-12-25T00:00:00Z", false},
		{holidays, "2024-12-25T00:00:00Z", "2024-12-27T00:00:00Z", true},
		{holidays, "2024-12-26T23:00:00Z", "2024-12-27T00:00:00Z", true},
		{holidays, "2024-12-27T00:00:00Z", "2025-01-01T00:00:00Z", false},
		{holidays, "2025-01-02T00:00:00Z", "", false},
		{NewDays("nothing"), "2025-01-02T00:00:00Z", "", false},
		{night, "2025-01-02T21:00:00Z", "2025-01-02T22:00:00Z", false},
		{night, "2025-01-02T22:00:00Z", "2025-01-03T06:00:00Z", true},
		{night, "2025-01-02T05:59:59Z", "2025-01-02T06:00:00Z", true},
		{night, "2025-01-02T06:00:00Z", "2025-01-02T22:00:00Z", false},
		{NewHours("day", Clock{Hour: 9}, Clock{Hour: 17}), "2025-01-02T17:00:00Z", "2025-01-03T09:00:00Z", false},
		{NewHours("always", Clock{}, Clock{}), "2025-01-02T17:00:00Z", "", true},
	} {
		in, until := c.calendar.Covers(instant(t, c.at).UTC())
		if in != c.in || (c.until == "") != until.IsZero() || c.until != "" && !until.Equal(instant(t, c.until)) {
			t.Errorf("%s at %s: %v until %v, want %v until %s", c.calendar.Name(), c.at, in, until, c.in, c.until)
		}
	}
	if in, _ := holidays.Covers(instant(t, "2024-12-24T16:00:00Z").In(tokyo)); !in {
		t.Error("the date is not that of the location")
	}
}

// TestCoversHolds looks at random instants before the end that Covers names.
func TestCoversHolds(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	var dates []time.Time
	for range 2000 {
		dates = append(dates, time.Unix(r.Int64N(130*365)*daySeconds, 0).UTC())
	}
	calendars := []Calendar{NewDays("random", dates...), NewHours("", Clock{Hour: 23, Minute: 40}, Clock{Hour: 1, Minute: 10}), NewHours("", Clock{}, Clock{Minute: 30})}
	for _, zone := range systemZones(t) {
		around := transitions(zone)
		for range 30 {
			s := r.Int64N(130 * 365 * daySeconds)
			if len(around) > 0 && r.IntN(2) == 0 {
				s = around[r.IntN(len(around))] + r.Int64N(4*3600) - 2*3600
			}
			at := time.Unix(s, 0).In(zone)
			for _, c := range calendars {
				in, until := c.Covers(at)
				if !until.IsZero() && !until.After(at) {
					t.Fatalf("%v: until %v", at, until)
				}
				for range 5 {
					later := s + r.Int64N(3*daySeconds)
					if !until.IsZero() {
						later = s + r.Int64N(until.Unix()-s)
					}
					if now, _ := c.Covers(time.Unix(later, 0).In(zone)); now != in {
						t.Fatalf("%v: said to be %v until %v, but not at %v", at, in, until, time.Unix(later, 0).In(zone))
					}
				}
			}
		}
	}
}

// TestFilterLosesNothing holds filters to looking at each tick.
func TestFilterLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	hours := NewHours("", Clock{Hour: 23, Minute: 40}, Clock{Hour: 1, Minute: 10})
	for n, zone := range systemZones(t) {
		if !prove && n%8 > 0 {
			continue
		}
		from := r.Int64N(60*365) * daySeconds
		if around := transitions(zone); len(around) > 0 {
			from = around[r.IntN(len(around))] - daySeconds
		}
		each := MustCron("*/10 * * * *").In(zone)
		filters := []Filtered{Only(each, hours), Except(Except(each, hours), holidays)}
		for i, f := range filters {
			at, next := time.Unix(from, 0), f.Next(time.Unix(from, 0))
			for range 400 {
				at = each.Next(at)
				in, _ := hours.Covers(at)
				out, _ := holidays.Covers(at)
				if i == 0 && in || i == 1 && !in && !out {
					if !next.Equal(at) {
						t.Fatalf("%v: %v gives %v, want %v", zone, f, next, at)
					}
					next = f.Next(next)
				}
			}
		}
	}
}

// TestFiltersSharePatience would not end if filters within filters multiplied
// their searches.
func TestFiltersSharePatience(t *testing.T) {
	morning, evening := NewHours("morning", Clock{Hour: 6}, Clock{Hour: 7}), NewHours("evening", Clock{Hour: 18}, Clock{Hour: 19})
	each := MustCron("* * * * * *").In(zone(t, "Europe/London"))
	var tr Trigger = each
	for range 30 {
		tr = Limit(Between(Only(Only(tr, morning), evening), time.Time{}, time.Time{}), 3)
		tr = Except(Only(Union(tr, each), morning), morning)
	}
	if next := tr.Next(time.Unix(0, 0)); !next.IsZero() {
		t.Errorf("next = %v", next)
	}
}
