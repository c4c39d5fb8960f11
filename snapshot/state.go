package snapshot

import (
	"strconv"
	"strings"
	"time"
)

// State is what readers are told of a report beside its snapshot.
type State struct {
	// NextAt is the next due instant; zero means no trigger will ask.
	NextAt time.Time
	// Usual is how long a run takes as a rule.
	Usual time.Duration
	// RunningSince is when the run under way began; zero means none is.
	RunningSince time.Time
	// Stale is why the snapshot is older than it should be, in words fit
	// for every reader; empty means it is not.
	Stale string
}

const (
	// unsettled is the longest max-age while a newer result may come at
	// any moment.
	unsettled = 10 * time.Second
	// unscheduled is the max-age where no trigger is set.
	unscheduled = time.Minute
	// grace is how long after its due instant and twice its usual duration
	// a result counts as overdue.
	grace = 15 * time.Second
)

// Reason returns why the snapshot is stale at an instant, empty when it is
// fresh. What is overdue becomes stale by itself, so that a scheduler that
// stands still is noticed too.
func (s State) Reason(now time.Time) string {
	if s.Stale == "" && !s.NextAt.IsZero() && now.After(s.NextAt.Add(2*s.Usual+grace)) {
		return "overdue"
	}
	return s.Stale
}

// MaxAge is how long a copy may be used from now on: until the next result
// should be there, and at most ten seconds while a run is due, under way, or
// has to be repeated.
func (s State) MaxAge(now time.Time) time.Duration {
	switch {
	case s.Stale != "":
		return unsettled
	case !s.RunningSince.IsZero():
		return min(unsettled, max(time.Second, s.RunningSince.Add(s.Usual).Sub(now)))
	case s.NextAt.IsZero():
		return unscheduled
	case !s.NextAt.After(now):
		return min(unsettled, max(time.Second, s.NextAt.Add(s.Usual).Sub(now)))
	}
	return s.NextAt.Add(s.Usual).Sub(now)
}

// retryAfter is when a reader who got nothing may ask again: when the run
// under way should have ended, or soon.
func (s State) retryAfter(now time.Time) time.Duration {
	wait := unsettled
	if !s.RunningSince.IsZero() {
		wait = s.RunningSince.Add(s.Usual).Sub(now)
	}
	return min(time.Minute, max(time.Second, wait))
}

// stateValue writes Snapshot-State.
func stateValue(reason string) string {
	if reason == "" {
		return "fresh"
	}
	return `stale; reason="` + headerText(reason) + `"`
}

// headerText makes the inside of a quoted header value: printable ASCII, at
// most 200 bytes, quotes and backslashes escaped.
func headerText(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= 200 {
			break
		}
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// seconds writes a duration as decimal seconds to the millisecond.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', 3, 64)
}

// instant writes a time as RFC 3339 in UTC, to the millisecond.
func instant(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
