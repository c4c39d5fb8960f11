// Package trigger says when: a trigger is a pure rule from an instant to the
// next due instant. It has no clock, starts no goroutine and keeps nothing.
//
// The seam is one method, [Trigger.Next]. Every trigger of this package is a
// value that is never changed after it was made, may be used by any number of
// goroutines, and gives the same due instants in every process and after every
// restart.
package trigger
