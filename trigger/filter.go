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

// A filter that leaves nothing is given up after so many stretches of its
// calendar, or after 400 years.
const maxStretches = 10_000

// Next returns the first tick later than after that the calendar leaves. It
// passes over whole stretches of the calendar, not over single ticks.
func (f Filtered) Next(after time.Time) time.Time {
	limit := after.AddDate(horizon, 0, 0)
	for range maxStretches {
		next := f.trigger.Next(after)
		if next.IsZero() || next.After(limit) {
			return time.Time{}
		}
		local := next
		if f.zone != nil {
			local = next.In(f.zone)
		}
		in, until := f.calendar.Covers(local)
		switch {
		case in == f.only:
			return next
		case until.IsZero():
			return time.Time{}
		case until.After(next):
			after = until.Add(-1)
		default:
			after = next
		}
	}
	return time.Time{}
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
