package trigger

import (
	"math/bits"
	"strings"
	"time"
)

// An Interval is due at every multiple of a duration from an anchor, before it
// as well as after it. It counts elapsed time: an hour is sixty minutes also
// across a daylight-saving change, so Every(24*time.Hour) moves by an hour of
// the local clock there, where [Daily] does not; and as the default anchor is
// a full hour of UTC, Every(time.Hour) is due at half past in Kolkata.
//
// Its text is "every 1h" or "every 1h from 2024-05-01T00:30:00Z".
type Interval struct {
	// Every is the time from one due instant to the next. Zero and less
	// mean never.
	Every time.Duration
	// Anchor is one of the due instants. Zero means 1970-01-01T00:00:00Z.
	Anchor time.Time
}

// Every returns the trigger that is due at every multiple of d since
// 1970-01-01T00:00:00Z.
func Every(d time.Duration) Interval { return Interval{Every: d} }

// From returns the same interval counted from another anchor.
func (i Interval) From(anchor time.Time) Interval {
	return Interval{Every: i.Every, Anchor: anchor}
}

// Next returns the first multiple later than after, in UTC.
func (i Interval) Next(after time.Time) time.Time {
	if i.Every <= 0 {
		return time.Time{}
	}
	return after.UTC().Round(0).Add(i.Every - i.since(after))
}

// since is the time from the last due instant at or before t until t. It is
// exact for every time, also where the distance from the anchor is more than a
// time.Duration holds.
func (i Interval) since(t time.Time) time.Duration {
	sec, nsec := t.Unix(), int64(t.Nanosecond())
	if !i.Anchor.IsZero() {
		sec -= i.Anchor.Unix()
		nsec -= int64(i.Anchor.Nanosecond())
	}
	if nsec < 0 {
		sec--
		nsec += int64(time.Second)
	}
	every := uint64(i.Every)
	if sec >= 0 {
		return time.Duration(remainder(uint64(sec), uint64(nsec), every))
	}
	// Before the anchor: measure the way up to it and turn it round.
	sec, nsec = -sec, -nsec
	if nsec < 0 {
		sec--
		nsec += int64(time.Second)
	}
	back := remainder(uint64(sec), uint64(nsec), every)
	return time.Duration((every - back) % every)
}

// remainder is (sec seconds + nsec nanoseconds) modulo every nanoseconds.
func remainder(sec, nsec, every uint64) uint64 {
	hi, lo := bits.Mul64(sec, uint64(time.Second))
	lo, carry := bits.Add64(lo, nsec, 0)
	return bits.Rem64(hi+carry, lo, every)
}

// String returns the text of the interval.
func (i Interval) String() string {
	switch {
	case i.Every <= 0:
		return Never{}.String()
	case i.Anchor.IsZero():
		return "every " + formatDuration(i.Every)
	}
	return "every " + formatDuration(i.Every) + " from " + formatInstant(i.Anchor)
}

// formatDuration writes a duration without parts that are zero: 1h, not 1h0m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// formatInstant writes an instant in UTC.
func formatInstant(t time.Time) string {
	return t.UTC().Format(time.RFC3339Nano)
}
