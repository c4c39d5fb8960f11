package trigger

import (
	"errors"
	"fmt"
	"slices"
)

// ErrNoText is what marshalling a combinator returns if a trigger within it has
// no text, because it is of a type that is not of this package and has no
// String method.
var ErrNoText = errors.New("a trigger within has no text")

// MarshalText returns the text of the trigger.
func (n Never) MarshalText() ([]byte, error) { return marshal(n) }

// MarshalText returns the text of the trigger.
func (i Interval) MarshalText() ([]byte, error) { return marshal(i) }

// MarshalText returns the text of the trigger.
func (c Cron) MarshalText() ([]byte, error) { return marshal(c) }

// MarshalText returns the text of the trigger.
func (w Wall) MarshalText() ([]byte, error) { return marshal(w) }

// MarshalText returns the text of the trigger.
func (i Instants) MarshalText() ([]byte, error) { return marshal(i) }

// MarshalText returns the text of the trigger.
func (a AfterEnd) MarshalText() ([]byte, error) { return marshal(a) }

// MarshalText returns the text of the trigger.
func (f Freshness) MarshalText() ([]byte, error) { return marshal(f) }

// MarshalText returns the text of the trigger, or [ErrNoText].
func (f Filtered) MarshalText() ([]byte, error) { return marshal(f) }

// MarshalText returns the text of the trigger, or [ErrNoText].
func (a Any) MarshalText() ([]byte, error) { return marshal(a) }

// MarshalText returns the text of the trigger, or [ErrNoText].
func (b Bounded) MarshalText() ([]byte, error) { return marshal(b) }

// MarshalText returns the text of the trigger, or [ErrNoText].
func (l Limited) MarshalText() ([]byte, error) { return marshal(l) }

// MarshalText returns the text of the trigger, or [ErrNoText].
func (j Jittered) MarshalText() ([]byte, error) { return marshal(j) }

func marshal(t Trigger) ([]byte, error) {
	if !hasText(t) {
		return nil, ErrNoText
	}
	return []byte(textOf(t)), nil
}

// textOf is the text of a trigger, or the name of its type if it has none.
func textOf(t Trigger) string {
	if s, ok := t.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", t)
}

func hasText(t Trigger) bool {
	if c, ok := t.(combinator); ok {
		return !slices.ContainsFunc(c.inside(), func(t Trigger) bool { return !hasText(t) })
	}
	_, ok := t.(fmt.Stringer)
	return ok
}

// A combinator is made of other triggers.
type combinator interface{ inside() []Trigger }

func (f Filtered) inside() []Trigger { return []Trigger{f.trigger} }
func (a Any) inside() []Trigger      { return a.triggers }
func (b Bounded) inside() []Trigger  { return []Trigger{b.trigger} }
func (l Limited) inside() []Trigger  { return []Trigger{l.trigger} }
func (j Jittered) inside() []Trigger { return []Trigger{j.trigger} }
