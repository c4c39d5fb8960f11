package trigger

import (
	"slices"
	"time"
)

// A Trigger is a rule from an instant to the next due instant.
//
// Next returns the first due instant later than after, however little later,
// and the zero time if there is none any more. Its answer depends on the
// instant after alone, not on the location it is expressed in and not on the
// time of the call, so asking again with the answer walks through all due
// instants in strictly increasing order.
//
// Answers are in the zone of the trigger, in UTC where it has none, and carry
// no monotonic clock reading.
type Trigger interface {
	Next(after time.Time) time.Time
}

// Facts are what some triggers must know of the job they belong to. The zero
// value stands for a job that has no name and has not run yet.
type Facts struct {
	// Job is the job's name. It spreads jobs over time.
	Job string
	// LastEnd is when the job's last finished run ended, whatever its
	// outcome; zero means that none has.
	LastEnd time.Time
	// Count is the number of ticks the job has had so far.
	Count int
	// Took is how long the last successful runs took, newest first. As many
	// as are at hand; ten are plenty.
	Took []time.Duration
}

// A Binder is a trigger that needs facts about its job. Unbound, it answers
// as if bound to the zero Facts.
type Binder interface {
	Trigger
	// NeedsFacts tells whether binding makes a difference. A combinator
	// needs facts only if a trigger within it does.
	NeedsFacts() bool
	// Bind returns the trigger with the facts filled in.
	Bind(f Facts) Trigger
}

// NeedsFacts tells whether t answers differently once bound, so that facts
// need be gathered only for triggers that use them.
func NeedsFacts(t Trigger) bool {
	b, ok := t.(Binder)
	return ok && b.NeedsFacts()
}

// NeedsLastEnd tells whether t goes by when the job's last run ended, or how
// long runs took, so that what follows a run is known only when it has ended.
// Of a [Binder] that is not of this package it says so if it needs facts at all.
func NeedsLastEnd(t Trigger) bool {
	switch t := t.(type) {
	case AfterEnd, Freshness:
		return true
	case Cron:
		return false
	case combinator:
		return slices.ContainsFunc(t.inside(), NeedsLastEnd)
	}
	return NeedsFacts(t)
}

// Bind fills the facts of a job into a trigger that needs them. A trigger that
// needs none is returned as it is. What Bind returns holds for these facts
// only: bind the original again when they have changed, after a run has ended
// for instance.
func Bind(t Trigger, f Facts) Trigger {
	if !NeedsFacts(t) {
		return t
	}
	return t.(Binder).Bind(f)
}
