package trigger

import (
	"slices"
	"time"
)

// AfterEnd is due a duration after the job's last finished run ended. Unbound,
// and as long as no run has finished, it is the same as [Every]. If nobody runs
// the job then, it is due again each time the duration has passed once more.
//
// Its text is "every 10m after end".
type AfterEnd struct{ pause time.Duration }

// EveryAfter is due d after the end of the job's last run, however long that
// took. Bind it again when a run has ended.
func EveryAfter(d time.Duration) AfterEnd { return AfterEnd{d} }

// Next returns the answer for a job without a finished run.
func (a AfterEnd) Next(after time.Time) time.Time { return Every(a.pause).Next(after) }

// NeedsFacts returns true.
func (a AfterEnd) NeedsFacts() bool { return true }

// Bind returns the interval counted from the end of the last run, and due only
// later than that.
func (a AfterEnd) Bind(f Facts) Trigger { return everyAfter(a.pause, f.LastEnd) }

// everyAfter is due at the multiples of a duration later than an instant, if
// there is one.
func everyAfter(d time.Duration, start time.Time) Trigger {
	if start.IsZero() {
		return Every(d)
	}
	return Between(Every(d).From(start), start.Add(1), time.Time{})
}

// String returns the text of the trigger.
func (a AfterEnd) String() string {
	if a.pause <= 0 {
		return Never{}.String()
	}
	return "every " + formatDuration(a.pause) + " after end"
}

// Freshness keeps what a job computes no older than a duration: it is due
// earlier by as long as the slowest of the past runs took. The age is counted
// from the begin of a run, when it began to read. A job whose runs take more
// than half of the duration runs without a pause, and can be later.
//
// Unbound, and as long as no run has succeeded, it is the same as [Every]. Its
// text is "fresh 1h".
type Freshness struct{ age time.Duration }

// Fresh is due early enough that what a job computes is never older than d. Bind
// it again when a run has ended.
func Fresh(d time.Duration) Freshness { return Freshness{d} }

// Next returns the answer for a job that has not run.
func (f Freshness) Next(after time.Time) time.Time { return Every(f.age).Next(after) }

// NeedsFacts returns true.
func (f Freshness) NeedsFacts() bool { return true }

// Bind returns the interval that past runs call for, counted from the begin of
// the last one.
func (f Freshness) Bind(facts Facts) Trigger {
	if f.age <= 0 || facts.LastEnd.IsZero() || len(facts.Took) == 0 {
		return Every(f.age)
	}
	slowest := max(0, slices.Max(facts.Took))
	began := facts.LastEnd.Add(-max(0, facts.Took[0]))
	return everyAfter(max(f.age-slowest, slowest), began)
}

// String returns the text of the trigger.
func (f Freshness) String() string {
	if f.age <= 0 {
		return Never{}.String()
	}
	return "fresh " + formatDuration(f.age)
}
