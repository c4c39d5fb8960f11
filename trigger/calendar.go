package trigger

import (
	"math"
	"slices"
	"time"
)

// A Calendar is a named set of days or hours, such as holidays, by which [Only]
// and [Except] filter a trigger. It is in no zone: a date is the date on the
// local clock of the trigger it filters. Replicas that share jobs must be given
// the same. One that changes asks for the next ticks to be worked out anew.
type Calendar interface {
	// Name is what texts call it.
	Name() string
	// Covers tells whether the instant t, read on the clock of its own
	// location, is in the set, and until when that holds for certain:
	// later than t, and zero if for good.
	Covers(t time.Time) (in bool, until time.Time)
}

// Days is a calendar of single dates.
type Days struct {
	name string
	days []int64 // since 1970-01-01, in order
}

// NewDays makes a calendar of the dates that the given times have, each in its
// own location.
func NewDays(name string, dates ...time.Time) Days {
	var days []int64
	for _, t := range dates {
		days = append(days, floorDiv(localSecond(t), daySeconds))
	}
	slices.Sort(days)
	return Days{name, slices.Compact(days)}
}

// Name returns the calendar's name.
func (d Days) Name() string { return d.name }

// Covers tells whether the date of t is in the calendar.
func (d Days) Covers(t time.Time) (in bool, until time.Time) {
	day := floorDiv(localSecond(t), daySeconds)
	n, in := slices.BinarySearch(d.days, day)
	if !in {
		if n == len(d.days) {
			return in, holds(t, math.MaxInt64)
		}
		return in, holds(t, d.days[n]*daySeconds)
	}
	for n++; n < len(d.days) && d.days[n] == d.days[n-1]+1; n++ {
	}
	return in, holds(t, (d.days[n-1]+1)*daySeconds)
}

// Hours is a calendar of the same hours of each day.
type Hours struct {
	name     string
	from, to int64 // seconds of the day
}

// NewHours makes a calendar of the hours of each day from one time of day up to
// but without another, past midnight if that is earlier, the whole day if it is
// the same.
func NewHours(name string, from, to Clock) Hours {
	return Hours{name, int64(from.seconds()), int64(to.seconds())}
}

// Name returns the calendar's name.
func (h Hours) Name() string { return h.name }

// Covers tells whether the time of day of t is in the calendar.
func (h Hours) Covers(t time.Time) (in bool, until time.Time) {
	if h.from == h.to {
		return true, time.Time{}
	}
	local := localSecond(t)
	day := floorDiv(local, daySeconds) * daySeconds
	second := local - day
	in = h.from <= second && second < h.to
	if h.to < h.from {
		in = h.from <= second || second < h.to
	}
	edge := h.from
	if in {
		edge = h.to
	}
	if edge <= second {
		edge += daySeconds
	}
	return in, holds(t, day+edge)
}

// localSecond is t on its local clock, counted as if that were UTC.
func localSecond(t time.Time) int64 {
	_, offset := t.Zone()
	return t.Unix() + int64(offset)
}

// holds is when the local clock at t comes to a local second, or the end of its
// segment if that is earlier: there, the clock may go back over another day.
func holds(t time.Time, local int64) time.Time {
	end := int64(math.MaxInt64)
	if zone := t.Location(); zone == time.UTC {
		end = local
	} else {
		seg := segmentAt(zone, t.Unix())
		if seg.end < math.MaxInt64/2 {
			end = seg.end
		}
		if local < math.MaxInt64 {
			end = min(end, local-seg.offset)
		}
	}
	if end == math.MaxInt64 {
		return time.Time{}
	}
	return time.Unix(end, 0).In(t.Location())
}
