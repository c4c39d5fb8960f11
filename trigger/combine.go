package trigger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// patience is how many stretches of calendars one search may pass over. It is
// shared by all filters within a trigger, so that none multiplies another's.
const patience = 1000

// A searcher is a trigger with others inside, whose search passes on what is
// left of the patience.
type searcher interface {
	search(after time.Time, left int) (next time.Time, rest int)
}

func search(t Trigger, after time.Time, left int) (next time.Time, rest int) {
	if s, ok := t.(searcher); ok {
		return s.search(after, left)
	}
	return t.Next(after), left
}

func patiently(s searcher, after time.Time) time.Time {
	next, _ := s.search(after, patience)
	return next
}

// Any is due whenever any of its triggers is. An instant at which several are
// due is one tick. The zero value is never due.
//
// Its text is that of the triggers with "or" between them.
type Any struct{ triggers []Trigger }

// Union is due whenever any of the triggers is.
func Union(triggers ...Trigger) Any {
	var all []Trigger
	for _, t := range triggers {
		if a, ok := t.(Any); ok {
			all = append(all, a.triggers...)
		} else {
			all = append(all, t)
		}
	}
	return Any{all}
}

// Next returns the earliest answer of the triggers.
func (a Any) Next(after time.Time) time.Time { return patiently(a, after) }

func (a Any) search(after time.Time, left int) (next time.Time, rest int) {
	for _, t := range a.triggers {
		var one time.Time
		one, left = search(t, after, left)
		next = earlier(next, one)
	}
	return next, left
}

// NeedsFacts tells whether a trigger within does.
func (a Any) NeedsFacts() bool {
	return slices.ContainsFunc(a.triggers, NeedsFacts)
}

// Bind binds the triggers within.
func (a Any) Bind(f Facts) Trigger {
	bound := make([]Trigger, len(a.triggers))
	for i, t := range a.triggers {
		bound[i] = Bind(t, f)
	}
	return Any{bound}
}

// String returns the text of the trigger.
func (a Any) String() string {
	if len(a.triggers) == 0 {
		return Never{}.String()
	}
	var texts []string
	for _, t := range a.triggers {
		texts = append(texts, textOf(t))
	}
	return strings.Join(texts, " or ")
}

// inner is the text of a trigger that something is to follow.
func inner(t Trigger) string {
	if a, ok := t.(Any); ok && len(a.triggers) > 1 {
		return "(" + a.String() + ")"
	}
	return textOf(t)
}

// Bounded is a trigger within a stretch of time.
//
// Its text is that of the trigger followed by "between FROM and TO", "since
// FROM" or "until TO".
type Bounded struct {
	trigger  Trigger
	from, to time.Time
}

// Between leaves the ticks of t from one instant up to but without another. A
// zero instant is no bound.
func Between(t Trigger, from, to time.Time) Bounded {
	return Bounded{t, utcOrZero(from), utcOrZero(to)}
}

func utcOrZero(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

// Next returns the first tick later than after that is within the bounds.
func (b Bounded) Next(after time.Time) time.Time { return patiently(b, after) }

func (b Bounded) search(after time.Time, left int) (next time.Time, rest int) {
	if after.Before(b.from) {
		after = b.from.Add(-1)
	}
	next, left = search(b.trigger, after, left)
	if !b.to.IsZero() && !next.Before(b.to) {
		return time.Time{}, left
	}
	return next, left
}

// NeedsFacts tells whether the trigger within does.
func (b Bounded) NeedsFacts() bool { return NeedsFacts(b.trigger) }

// Bind binds the trigger within.
func (b Bounded) Bind(f Facts) Trigger {
	b.trigger = Bind(b.trigger, f)
	return b
}

// String returns the text of the trigger.
func (b Bounded) String() string {
	s := inner(b.trigger)
	switch {
	case !b.from.IsZero() && !b.to.IsZero():
		return s + " between " + formatInstant(b.from) + " and " + formatInstant(b.to)
	case !b.from.IsZero():
		return s + " since " + formatInstant(b.from)
	case !b.to.IsZero():
		return s + " until " + formatInstant(b.to)
	}
	return s
}

// Limited is a trigger that is due a number of times only.
//
// Its text is that of the trigger followed by "limit N".
type Limited struct {
	trigger Trigger
	left    int
}

// Limit is due when t is, until the job has had n ticks. Unbound, it answers as
// long as n is above zero.
func Limit(t Trigger, n int) Limited { return Limited{t, max(0, n)} }

// Next returns the trigger's answer if a tick is left.
func (l Limited) Next(after time.Time) time.Time { return patiently(l, after) }

func (l Limited) search(after time.Time, left int) (next time.Time, rest int) {
	if l.left == 0 {
		return time.Time{}, left
	}
	return search(l.trigger, after, left)
}

// NeedsFacts returns true.
func (l Limited) NeedsFacts() bool { return true }

// Bind takes off the ticks that the job has had.
func (l Limited) Bind(f Facts) Trigger {
	return Limited{Bind(l.trigger, f), max(0, l.left-max(0, f.Count))}
}

// String returns the text of the trigger.
func (l Limited) String() string { return fmt.Sprintf("%s limit %d", inner(l.trigger), l.left) }
