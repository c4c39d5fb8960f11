package snapshot

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Tally counts what readers were served, and how long they waited for it. Its
// zero value has counted nothing. Counting takes no lock and allocates nothing.
type Tally struct {
	shards [16]tallyShard
}

// tallyShard is a part of the counters, with a cache line to itself, so that
// readers on different cores seldom meet.
type tallyShard struct {
	reads atomic.Int64
	would atomic.Int64 // microseconds
	did   atomic.Int64 // nanoseconds
	_     [40]byte
}

// Count notes that somebody who would have waited for a computation waited this
// long instead.
func (t *Tally) Count(would, did time.Duration) {
	s := &t.shards[rand.Uint32()%uint32(len(t.shards))]
	s.reads.Add(1)
	s.would.Add(would.Microseconds())
	s.did.Add(int64(did))
}

// Sum is what was counted so far.
func (t *Tally) Sum() Waiting {
	var w Waiting
	for i := range t.shards {
		s := &t.shards[i]
		w = w.Add(Waiting{s.reads.Load(), s.would.Load(), s.did.Load()})
	}
	return w
}

// Waiting is how long readers waited, and how long they would have.
type Waiting struct {
	Reads int64 `json:"reads"`    // answers that were sent, those that said "not modified" included
	Would int64 `json:"would_us"` // microseconds that the results took to compute, once for each read
	Did   int64 `json:"did_ns"`   // nanoseconds from a request to the end of its answer, summed
}

// Add is both together.
func (w Waiting) Add(o Waiting) Waiting {
	return Waiting{w.Reads + o.Reads, w.Would + o.Would, w.Did + o.Did}
}

// Less is what w has beyond o.
func (w Waiting) Less(o Waiting) Waiting {
	return Waiting{w.Reads - o.Reads, w.Would - o.Would, w.Did - o.Did}
}

// WouldHave is how long readers would have waited, up to the longest duration
// there is, which is 292 years.
func (w Waiting) WouldHave() time.Duration {
	if w.Would > math.MaxInt64/int64(time.Microsecond) {
		return math.MaxInt64
	}
	return time.Duration(w.Would) * time.Microsecond
}

// Waited is how long they waited.
func (w Waiting) Waited() time.Duration { return time.Duration(w.Did) }
