package engine

import (
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Period is what a value of a dimension of time is called, given its number: of
// hours seconds since 1970, of days and weeks the day, of months twelve times the
// year and the months before, of years the year. It is empty for other dimensions.
func Period(d pageview.Dimension, n int64, zone *time.Location) string {
	switch d {
	case pageview.ByHour:
		return time.Unix(n, 0).In(zone).Format(time.RFC3339)
	case pageview.ByMonth:
		return fmt.Sprintf("%04d-%02d", n/12, n%12+1)
	case pageview.ByYear:
		return fmt.Sprintf("%04d", n)
	case pageview.ByDay, pageview.ByWeek:
		return pageview.Day(n).String()
	}
	return ""
}

// Whole are the first and the last local day that a window holds whole: what was
// seen after one instant, which is zero where there is no beginning, up to another.
// Newest is when the newest pageview was.
//
// A day may end twice, where clocks are set back over midnight. So one is whole
// only if no instant of it lies beyond a change of the clock near the window's
// ends.
func Whole(after, upTo, newest time.Time, zone *time.Location) (first, last pageview.Day) {
	first, last = pageview.FirstDay, pageview.LastDay
	if !after.IsZero() {
		after = after.In(zone)
		first = pageview.DayOf(after) + 1
		if change, _ := after.ZoneBounds(); !change.IsZero() && after.Sub(change) < 24*time.Hour {
			first = max(first, pageview.DayOf(change.Add(-1).In(zone))+1)
		}
	}
	if upTo.Before(newest) {
		upTo = upTo.In(zone)
		last = pageview.DayOf(upTo) - 1
		if _, change := upTo.ZoneBounds(); !change.IsZero() && change.Sub(upTo) < 24*time.Hour {
			last = min(last, pageview.DayOf(change.In(zone))-1)
		}
	}
	return first, last
}
