package trigger

import (
	"math"
	"sort"
	"time"
)

// A Saving says what becomes of local times that daylight saving leaves out
// (a gap) or repeats (a fold). Unless told otherwise a trigger follows the
// rule of Vixie cron: one that names its hours and minutes runs once, at the
// first instant after a gap and the first time in a fold; one with a star, a
// question mark or a step in hours, minutes or seconds skips the gap and runs
// through both passes of the fold.
//
// A gap of a whole day (Apia has no 30 December 2011) is never caught up.
type Saving uint8

// What can be asked for: one of the first two, one of the last two, or both.
const (
	// SkipGap leaves out local times that do not exist.
	SkipGap Saving = 1 << iota
	// ShiftGap moves local times that do not exist to the first instant
	// after the gap, where any number of them become one.
	ShiftGap
	// FirstPass runs in the first pass of a repeated stretch only.
	FirstPass
	// BothPasses runs in both passes of a repeated stretch.
	BothPasses
)

// with replaces those of the policies that the new ones speak of.
func (s Saving) with(policies []Saving) Saving {
	for _, p := range policies {
		for _, both := range []Saving{SkipGap | ShiftGap, FirstPass | BothPasses} {
			if p&both != 0 {
				s = s&^both | p&both
			}
		}
	}
	return s
}

// words is the policies in the order of their text.
func (s Saving) words() (words []string) {
	for i, name := range savingNames {
		if s&(1<<i) != 0 {
			words = append(words, name)
		}
	}
	return words
}

var savingNames = [...]string{"skip", "shift", "first", "both"}

// shifts and once resolve the policies for a trigger.
func (s Saving) shifts(fixed bool) bool {
	return s&ShiftGap != 0 || s&SkipGap == 0 && fixed
}

func (s Saving) once(fixed bool) bool {
	return s&FirstPass != 0 || s&BothPasses == 0 && fixed
}

// No two offsets of a zone differ by more than this, so a local time that was
// reached is behind for good after it.
const reach = 2 * daySeconds

// nextIn is the first second since 1970 later than after at which the pattern
// is due on the clocks of a zone.
//
// A zone is a row of segments of constant offset. Within one the pattern is
// searched in local seconds; what the boundaries do is the policy. Each local
// second is looked at once, so nothing is lost, repeated or searched for ever.
func (p *pattern) nextIn(zone *time.Location, saving Saving, after int64) (int64, bool) {
	year, _, _ := civil(floorDiv(after, daySeconds))
	last := year + horizon
	if zone == nil || zone == time.UTC {
		return p.next(after+1, last)
	}
	shift, once := saving.shifts(p.fixed), saving.once(p.fixed)
	seg := segmentAt(zone, after)
	from := after + 1 + seg.offset
	if once && after-seg.start < reach {
		from = max(from, reached(zone, seg.start))
	}
	due, ok := p.next(from, last)
	searched := after // when the clocks showed from
	for ok && due-seg.offset >= seg.end {
		if seg.end > searched+reach && due-reach > seg.end {
			// No local time from there to here matches, nor do any
			// that the boundaries between leave out or repeat.
			seg = segmentAt(zone, due-reach)
			continue
		}
		before := seg.offset
		seg = segmentAt(zone, seg.end)
		if seg.offset == before {
			continue
		}
		from := seg.from + seg.offset
		if shift || once {
			passed := reached(zone, seg.from)
			if shift && passed < from && from-passed < daySeconds {
				if missed, found := p.next(passed, last); found && missed < from {
					return seg.from, true
				}
			}
			if once {
				from = max(from, passed)
			}
		}
		due, ok = p.next(from, last)
		searched = seg.from
	}
	return due - seg.offset, ok
}

// A segment is a stretch of constant offset in a zone.
type segment struct {
	offset int64
	start  int64 // its first second, or an earlier one with the same offset
	from   int64 // the second it was looked up for
	end    int64 // the first second after it
}

// segmentAt finds the stretch of constant offset that holds a second. It may be
// cut into parts of equal offset.
func segmentAt(zone *time.Location, second int64) segment {
	t := time.Unix(second, 0).In(zone)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	s := segment{int64(offset), math.MinInt64 / 2, second, math.MaxInt64 / 2}
	if !start.IsZero() {
		s.start = start.Unix()
	}
	if !end.IsZero() {
		s.end = end.Unix()
	}
	if s.end <= second {
		// On the last day of a leap year beyond the tables the standard
		// library gives the beginning of that day as the end.
		s.end = endWithin(zone, second, (floorDiv(second, daySeconds)+1)*daySeconds)
	}
	return s
}

// endWithin is the first second after the given one with another offset, or
// limit if that has the same.
func endWithin(zone *time.Location, second, limit int64) int64 {
	_, offset := time.Unix(second, 0).In(zone).Zone()
	differs := func(i int) bool {
		_, o := time.Unix(second+1+int64(i), 0).In(zone).Zone()
		return o != offset
	}
	if !differs(int(limit - second - 1)) {
		return limit
	}
	return second + 1 + int64(sort.Search(int(limit-second-1), differs))
}

// reached is the local second up to which a zone's clocks had come before the
// second start: what they pass after it below that they pass again.
func reached(zone *time.Location, start int64) int64 {
	local := int64(math.MinInt64)
	for s := start; s > start-reach; {
		seg := segmentAt(zone, s-1)
		local = max(local, s+seg.offset)
		s = min(seg.start, s-1)
	}
	return local
}
