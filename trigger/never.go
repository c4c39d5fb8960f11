package trigger

import "time"

// Never is the trigger that is never due, for a job that only runs when it is
// told to. Its text is "never".
type Never struct{}

// Next returns the zero time.
func (Never) Next(time.Time) time.Time { return time.Time{} }

// String returns "never".
func (Never) String() string { return "never" }
