package trigger

import (
	"slices"
	"time"
)

// A Kind says what is special about a [Tick].
type Kind uint8

const (
	// Plain is a tick like any other.
	Plain Kind = iota
	// Moved is a tick at the first instant after a gap, in place of local
	// times that do not exist.
	Moved
	// Doubled is a tick in the second pass of local times that are repeated.
	Doubled
	// Skipped is no tick: local times that do not exist, or come a second
	// time, and are left out.
	Skipped
	// Excluded is no tick: a calendar leaves it out, with what follows in the
	// same stretch of the calendar.
	Excluded
)

// String returns the name of the kind in lower case.
func (k Kind) String() string {
	return [...]string{"plain", "moved", "doubled", "skipped", "excluded"}[k]
}

// A Tick is a due instant, or one that is left out, and why.
type Tick struct {
	// At is the due instant; of what is left out, the instant at which it
	// would have been due or at which its local time is passed over.
	At   time.Time
	Kind Kind
	// Local lists the local times concerned, as if they were in UTC: those
	// that were moved or skipped, one where At says it all.
	Local []time.Time
	// From and To are what the local clock jumps from and to, as if they were
	// in UTC, where Kind is about that.
	From, To time.Time
	// Zone names the zone whose clock jumps.
	Zone string
	// Calendar names what leaves the tick out.
	Calendar string
}

// Due tells whether the tick takes place.
func (t Tick) Due() bool { return t.Kind != Skipped && t.Kind != Excluded }

// Explain returns the next n ticks of a trigger later than from, and between
// them what daylight saving or a calendar leaves out. It counts the ticks for
// [Limit]; bind other facts before.
func Explain(t Trigger, from time.Time, n int) []Tick {
	var ticks []Tick
	for count := range n {
		bound := t
		if count > 0 {
			bound = Bind(t, Facts{Count: count})
		}
		at := bound.Next(from)
		if at.IsZero() {
			break
		}
		e := explainer{from: from, tick: Tick{At: at}}
		e.visit(t)
		slices.SortStableFunc(e.left, func(a, b Tick) int { return a.At.Compare(b.At) })
		ticks = append(append(ticks, e.left...), e.tick)
		from = at
	}
	return ticks
}

// An explainer finds out what happened on the way to a tick.
type explainer struct {
	from time.Time
	tick Tick
	left []Tick // out
}

// Of one list of local times, and of what is left out before one tick, no more
// than this is told.
const mostTold = 100

func (e *explainer) visit(t Trigger) {
	switch t := t.(type) {
	case Cron:
		if t.every == 0 && t.pattern.hour != 0 {
			e.clocks([]pattern{t.pattern}, t.zone, t.saving)
		}
	case Wall:
		e.clocks(t.patterns, t.zone, t.saving)
	case Filtered:
		e.calendar(t)
		e.visit(t.trigger)
	case combinator:
		for _, inner := range t.inside() {
			e.visit(inner)
		}
	}
}

// calendar notes the first tick of each stretch that a calendar leaves out.
func (e *explainer) calendar(f Filtered) {
	at := f.trigger.Next(e.from)
	for n := 0; n < patience && !at.IsZero() && at.Before(e.tick.At); n++ {
		in, end := f.stretch(at, e.tick.At)
		if in != f.only {
			e.add(Tick{At: at, Kind: Excluded, Calendar: f.calendar.Name()})
		}
		if !end.After(at) {
			return
		}
		at = f.trigger.Next(end.Add(-1))
	}
}

// stretch tells whether a tick is in the calendar, and when that ends, if it
// does before the limit. Calendars may name an end too early, for caution.
func (f Filtered) stretch(tick, limit time.Time) (in bool, end time.Time) {
	in, end = f.covers(tick)
	for n := 0; n < patience && !end.IsZero() && end.Before(limit); n++ {
		still, until := f.covers(end)
		if still != in {
			break
		}
		end = until
	}
	return in, end
}

// clocks notes what the jumps of a zone's clock do to patterns.
func (e *explainer) clocks(patterns []pattern, zone *time.Location, saving Saving) {
	if zone == nil || zone == time.UTC {
		return
	}
	due := e.tick.At.Unix()
	seg := segmentAt(zone, e.from.Unix())
	if seg.start > e.from.Unix()-reach {
		if passed := reached(zone, seg.start); passed > seg.start+seg.offset {
			e.fold(patterns, zone, saving, seg, seg.start, passed)
		}
	}
	for seg.end <= due {
		before := seg.offset
		seg = segmentAt(zone, seg.end)
		if seg.offset == before {
			continue
		}
		from, passed := seg.from+seg.offset, reached(zone, seg.from)
		if passed < from {
			e.gap(patterns, zone, saving, seg, passed)
		} else {
			e.fold(patterns, zone, saving, seg, seg.from, passed)
		}
	}
}

// gap notes what becomes of the local times from passed up to the one at which
// a segment begins.
func (e *explainer) gap(patterns []pattern, zone *time.Location, saving Saving, seg segment, passed int64) {
	from := seg.from + seg.offset
	note := Tick{
		At: time.Unix(seg.from, 0).In(zone), Zone: zone.String(),
		Local: matching(patterns, passed, from),
		From:  localTimeOf(passed), To: localTimeOf(from),
	}
	if len(note.Local) == 0 {
		return
	}
	if saving.shifts(patterns[0].fixed) && from-passed < daySeconds {
		note.Kind = Moved
		if note.At.Equal(e.tick.At) {
			e.tick = note
		}
		return
	}
	note.Kind = Skipped
	e.add(note)
}

// fold notes what becomes of the local times that a segment, which begins at
// start, repeats up to passed.
func (e *explainer) fold(patterns []pattern, zone *time.Location, saving Saving, seg segment, start, passed int64) {
	note := Tick{Zone: zone.String(), From: localTimeOf(passed), To: localTimeOf(start + seg.offset)}
	if !saving.once(patterns[0].fixed) {
		due := e.tick.At.Unix() + seg.offset
		if start <= e.tick.At.Unix() && due < passed && len(matching(patterns, due, due+1)) > 0 {
			note.At, note.Kind, note.Local = e.tick.At, Doubled, []time.Time{localTimeOf(due)}
			e.tick = note
		}
		return
	}
	note.Local = matching(patterns, max(start, e.from.Unix()+1)+seg.offset, min(passed, e.tick.At.Unix()+seg.offset))
	if len(note.Local) == 0 {
		return
	}
	note.At = time.Unix(note.Local[0].Unix()-seg.offset, 0).In(zone)
	note.Kind = Skipped
	e.add(note)
}

func (e *explainer) add(note Tick) {
	if len(e.left) < mostTold {
		e.left = append(e.left, note)
	}
}

// matching lists the local seconds of a stretch that match one of the patterns.
func matching(patterns []pattern, from, to int64) (local []time.Time) {
	year, _, _ := civil(floorDiv(to, daySeconds))
	for i := range patterns {
		at, ok := patterns[i].next(from, year)
		for ok && at < to {
			if len(local) == mostTold {
				local = local[:mostTold-1] // the last one stays
			}
			local = append(local, localTimeOf(at))
			at, ok = patterns[i].next(at+1, year)
		}
	}
	return local
}

func localTimeOf(second int64) time.Time { return time.Unix(second, 0).UTC() }
