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

// Jitter puts off each tick of t by less than d. Put off again, it is the sum
// that bounds the delay.
func Jitter(t Trigger, d time.Duration) Jittered {
	if j, ok := t.(Jittered); ok {
		t, d = j.trigger, j.most+max(0, d)
	}
	return Jittered{trigger: t, most: max(0, d)}
}

// Next returns the first tick that, put off, is later than after.
func (j Jittered) Next(after time.Time) time.Time { return patiently(j, after) }

func (j Jittered) search(after time.Time, left int) (next time.Time, rest int) {
	next, left = search(j.trigger, after.Add(-j.most), left)
	if next.IsZero() {
		return next, left
	}
	if next.After(after) {
		return j.delayed(next, left)
	}
	// Ticks keep their order, so of those that are past only the last can
	// still be to come.
	next, left = j.last(next, after, left)
	due, left := j.delayed(next, left)
	if due.After(after) {
		return due, left
	}
	if next, left = search(j.trigger, after, left); next.IsZero() {
		return next, left
	}
	return j.delayed(next, left)
}

// last is the last tick not after the given instant, where first is one.
func (j Jittered) last(first, after time.Time, left int) (time.Time, int) {
	// No tick lies later than end and not after the given instant.
	for end := after; first.Before(end); {
		middle := first.Add(end.Sub(first) / 2)
		var next time.Time
		next, left = search(j.trigger, middle, left)
		if next.IsZero() || next.After(after) {
			end = middle
		} else {
			first = next
		}
	}
	return first, left
}

// delayed is a tick put off.
func (j Jittered) delayed(tick time.Time, left int) (time.Time, int) {
	room := j.most
	following, left := search(j.trigger, tick, left)
	if !following.IsZero() {
		room = min(room, following.Sub(tick))
	}
	if room < time.Millisecond {
		return tick, left
	}
	h := mix(hashOf(j.job, "jitter") + uint64(tick.UnixMilli()))
	return tick.Add(time.Duration(h%uint64(room/time.Millisecond)) * time.Millisecond), left
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
