package trigger

import "time"

// Filtered is a trigger without those of its ticks that a calendar leaves out.
//
// Its text is that of the trigger followed by "only NAME" or "except NAME", and
// "in ZONE" where a zone is set.
type Filtered struct {
	trigger  Trigger
	calendar Calendar
	only     bool
	zone     *time.Location
}

// Only leaves the ticks of t that are in the calendar.
func Only(t Trigger, c Calendar) Filtered { return Filtered{trigger: t, calendar: c, only: true} }

// Except leaves the ticks of t that are not in the calendar.
func Except(t Trigger, c Calendar) Filtered { return Filtered{trigger: t, calendar: c} }

// In returns the same filter with the dates of a zone. nil means those of the
// zone that the trigger's answers are in.
func (f Filtered) In(zone *time.Location) Filtered {
	f.zone = zone
	return f
}

// Next returns the first tick later than after that the calendar leaves. It
// passes over whole stretches of the calendar, not over single ticks. After a
// thousand stretches in a row whose ticks are all left out, and after 400
// years, it says never.
func (f Filtered) Next(after time.Time) time.Time { return patiently(f, after) }

func (f Filtered) search(after time.Time, left int) (time.Time, int) {
	limit := after.AddDate(horizon, 0, 0)
	for {
		var next time.Time
		next, left = search(f.trigger, after, left)
		if next.IsZero() || next.After(limit) {
			return time.Time{}, left
		}
		in, until := f.covers(next)
		if in == f.only {
			return next, left
		}
		if left--; until.IsZero() || left <= 0 {
			return time.Time{}, left
		}
		if after = next; until.After(next) {
			after = until.Add(-1)
		}
	}
}

// covers asks the calendar about a tick, by the clock of the filter's zone.
func (f Filtered) covers(tick time.Time) (in bool, until time.Time) {
	if f.zone != nil {
		tick = tick.In(f.zone)
	}
	return f.calendar.Covers(tick)
}

// NeedsFacts tells whether the trigger within does.
func (f Filtered) NeedsFacts() bool { return NeedsFacts(f.trigger) }

// Bind binds the trigger within.
func (f Filtered) Bind(facts Facts) Trigger {
	f.trigger = Bind(f.trigger, facts)
	return f
}

// String returns the text of the trigger.
func (f Filtered) String() string {
	word := " except "
	if f.only {
		word = " only "
	}
	return inner(f.trigger) + word + quoteName(f.calendar.Name()) + placeText(f.zone, 0)
}
