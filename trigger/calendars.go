package trigger

import "slices"

// Calendars names the calendars that filter a trigger or a trigger within it, each
// once and in order.
func Calendars(t Trigger) []string {
	var names []string
	if f, ok := t.(Filtered); ok {
		names = append(names, f.calendar.Name())
	}
	if c, ok := t.(combinator); ok {
		for _, in := range c.inside() {
			names = append(names, Calendars(in)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
