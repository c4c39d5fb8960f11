package trigger

import (
	"strconv"
	"strings"
	"time"
)

// every reads what follows the word.
func (r *textReader) every() Trigger {
	d := r.duration()
	switch {
	case r.takes("after"):
		r.need("end")
		return EveryAfter(d)
	case r.takes("from"):
		return Every(d).From(r.instant(r.Zone))
	}
	return Every(d)
}

var units = [...]struct {
	name string
	unit time.Duration
}{{"second", time.Second}, {"minute", time.Minute}, {"hour", time.Hour}}

// duration reads "1h30m", "5 minutes" or "minute".
func (r *textReader) duration() time.Duration {
	start := r.token
	if start.kind != wordToken {
		r.fail("the duration is missing", durations)
		return 0
	}
	count := 1
	if n, err := strconv.Atoi(start.text); err == nil && n > 0 && n < 1e9 {
		r.next()
		count = n
	}
	name := strings.ToLower(r.token.text)
	for _, u := range &units {
		if name == u.name || name == u.name+"s" && r.token != start {
			if d := time.Duration(count) * u.unit; d/u.unit == time.Duration(count) {
				r.next()
				return d
			}
		}
	}
	if r.token != start {
		r.failAt(start.start, r.token.end, "the unit is missing", durations+", or 5 minutes")
		return 0
	}
	d, err := parseDuration(name)
	if err != nil {
		r.fail(err.Error(), durations)
	}
	r.next()
	return d
}

// count reads a number of ticks.
func (r *textReader) count() int {
	n, err := strconv.Atoi(r.token.text)
	if err != nil || n < 0 || r.token.kind != wordToken {
		r.fail(r.found()+" is no number of ticks", "0, 1, 2 and so on")
	}
	r.next()
	return n
}

// clock reads a time of day.
func (r *textReader) clock() Clock {
	c, ok := parseClock(r.token.text)
	if !ok || r.token.kind != wordToken {
		r.fail(r.found()+" is no time of day", "00:00 to 23:59, with seconds to 23:59:59")
	}
	r.next()
	return c
}

func parseClock(s string) (Clock, bool) {
	parts := strings.Split(s, ":")
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if i > 2 || err != nil || len(p) > 2 || i > 0 && len(p) < 2 || p[0] == '+' || p[0] == '-' {
			return Clock{}, false
		}
		n[i] = v
	}
	c := Clock{n[0], n[1], n[2]}
	return c, len(parts) > 1 && c.valid()
}

// instants reads what follows "at".
func (r *textReader) instants() Trigger {
	var at []localTime
	r.list(func() { at = append(at, r.localTime()) })
	zone := r.zone()
	if zone == nil {
		zone = r.Zone
	}
	var instants []time.Time
	for _, t := range at {
		instants = append(instants, t.in(zone))
	}
	return At(instants...)
}

// instant reads one instant, local times in the given zone.
func (r *textReader) instant(zone *time.Location) time.Time { return r.localTime().in(zone) }

// A localTime is an instant, or a reading of a local clock in some zone.
type localTime struct {
	at    time.Time
	local bool // at is the reading, as if in UTC
}

// localTime reads an instant, or a date with or without a time of day.
func (r *textReader) localTime() localTime {
	word := r.token
	if t, err := time.Parse(time.RFC3339, strings.ToUpper(word.text)); err == nil && word.kind == wordToken {
		r.next()
		return localTime{at: t}
	}
	day, err := time.Parse(time.DateOnly, word.text)
	if err != nil || word.kind != wordToken {
		r.fail(r.found()+" is no instant", "2024-05-01T09:00:00Z, 2024-05-01 09:00 or 2024-05-01")
		return localTime{}
	}
	r.next()
	if r.token.kind == wordToken && clockLike(r.token.text) {
		c := r.clock()
		day = day.Add(time.Duration(c.seconds()) * time.Second)
	}
	return localTime{day, true}
}

// in is the first instant at which the clocks of a zone show the local time, or
// a later one if they never do.
func (l localTime) in(zone *time.Location) time.Time {
	if !l.local || zone == nil {
		return l.at
	}
	local := l.at.Unix()
	seg := segmentAt(zone, local-reach)
	for local-seg.offset >= seg.end {
		seg = segmentAt(zone, seg.end)
	}
	return time.Unix(max(local-seg.offset, seg.from), 0)
}
