package trigger

import "time"

// Jittered is a trigger whose ticks are put off by up to a duration, each by
// another that follows from the job's name and the tick, so that all replicas
// agree. A tick stays before the one that follows it. Delays are whole
// milliseconds.
//
// Its text is that of the trigger followed by "jitter 10m".
type Jittered struct {
	trigger Trigger
	most    time.Duration
	job     string
	bound   bool
}

// Jitter puts off each tick of t by less than d.
func Jitter(t Trigger, d time.Duration) Jittered {
	return Jittered{trigger: t, most: max(0, d)}
}

// Next returns the first tick that, put off, is later than after.
func (j Jittered) Next(after time.Time) time.Time {
	next := j.trigger.Next(after.Add(-j.most))
	if next.IsZero() {
		return next
	}
	if !next.After(after) {
		// Ticks keep their order, so of those that are past only the last
		// can still be to come.
		last := j.last(next, after)
		if due := j.delayed(last); due.After(after) {
			return due
		}
		if next = j.trigger.Next(after); next.IsZero() {
			return next
		}
	}
	return j.delayed(next)
}

// last is the last tick not after the given instant, where first is one.
func (j Jittered) last(first, after time.Time) time.Time {
	// No tick lies later than end and not after the given instant.
	for end := after; first.Before(end); {
		middle := first.Add(end.Sub(first) / 2)
		if next := j.trigger.Next(middle); next.IsZero() || next.After(after) {
			end = middle
		} else {
			first = next
		}
	}
	return first
}

// delayed is a tick put off.
func (j Jittered) delayed(tick time.Time) time.Time {
	room := j.most
	if following := j.trigger.Next(tick); !following.IsZero() {
		room = min(room, following.Sub(tick))
	}
	if room < time.Millisecond {
		return tick
	}
	h := mix(hashOf(j.job, "jitter") + uint64(tick.UnixMilli()))
	return tick.Add(time.Duration(h%uint64(room/time.Millisecond)) * time.Millisecond)
}

// NeedsFacts returns true until it is bound.
func (j Jittered) NeedsFacts() bool { return !j.bound || NeedsFacts(j.trigger) }

// Bind fills in the job's name.
func (j Jittered) Bind(f Facts) Trigger {
	j.trigger = Bind(j.trigger, f)
	if !j.bound {
		j.job, j.bound = f.Job, true
	}
	return j
}

// String returns the text of the trigger.
func (j Jittered) String() string {
	if j.most <= 0 {
		return inner(j.trigger)
	}
	return inner(j.trigger) + " jitter " + formatDuration(j.most)
}
