package trigger

import (
	"slices"
	"strings"
	"time"
)

// Instants is due at each of a list of instants. The zero value is never due.
//
// Its text is "at 2024-05-01T09:00:00Z, 2024-06-01T09:00:00Z".
type Instants struct{ at []time.Time }

// At is due at each of the given instants.
func At(at ...time.Time) Instants {
	utc := make([]time.Time, 0, len(at))
	for _, t := range at {
		utc = append(utc, t.UTC().Round(0))
	}
	slices.SortFunc(utc, time.Time.Compare)
	return Instants{slices.CompactFunc(utc, time.Time.Equal)}
}

// Next returns the first of the instants later than after, in UTC.
func (i Instants) Next(after time.Time) time.Time {
	n, found := slices.BinarySearchFunc(i.at, after, time.Time.Compare)
	if found {
		n++
	}
	if n == len(i.at) {
		return time.Time{}
	}
	return i.at[n]
}

// String returns the text of the trigger.
func (i Instants) String() string {
	if len(i.at) == 0 {
		return Never{}.String()
	}
	var list []string
	for _, t := range i.at {
		list = append(list, formatInstant(t))
	}
	return "at " + strings.Join(list, ", ")
}
