package memory

import (
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

// never is the instant of a job that is not to be looked at: the zero time in
// microseconds.
var never = time.Time{}.UnixMicro()

// instant is a time kept in microseconds.
func instant(micro int64) time.Time { return time.UnixMicro(micro).UTC() }

// A job is a scheduler.State, small. Instants are in microseconds.
type job struct {
	name        string
	definitions *definitions
	due, last   int64
	version     int64
	past        *past
	at          int32 // place in the heap, which has Wake; -1 for none
	paused      bool
	removed     bool
}

// definitions are shared by jobs that have the same.
type definitions struct{ holds, declared *scheduler.Definition }

// A past is what a job has only once there was a tick.
type past struct {
	fence     int64
	count     int
	open      []scheduler.OpenTick
	record    scheduler.Record
	hasRecord bool
	ledger
}

// write takes over a state.
func (s *Jobs) write(j *job, st *scheduler.State) {
	if d := j.definitions; d == nil || d.holds != st.Definition || d.declared != st.Declared {
		j.definitions = s.share(st)
	}
	j.due, j.last, j.version = st.Due.UnixMicro(), st.Last.UnixMicro(), st.Version
	j.paused, j.removed = st.Paused, st.Removed
	if j.past != nil || st.Fence != 0 || st.Count != 0 || len(st.Open) > 0 || st.Record != nil {
		p := j.history()
		p.fence, p.count, p.open, p.hasRecord = st.Fence, st.Count, append(p.open[:0], st.Open...), st.Record != nil
		if p.hasRecord {
			took := append(p.record.Took[:0], st.Record.Took...)
			p.record = *st.Record
			p.record.Took = took
		}
	}
	s.settle(j, st.Wake.UnixMicro())
}

func (s *Jobs) share(st *scheduler.State) *definitions {
	if d := s.shared; d == nil || d.holds != st.Definition || d.declared != st.Declared {
		s.shared = &definitions{st.Definition, st.Declared}
	}
	return s.shared
}

func (j *job) history() *past {
	if j.past == nil {
		j.past = &past{}
	}
	return j.past
}

// read fills in a state, which shares with the job what it points to.
func (s *Jobs) read(j *job, st *scheduler.State) {
	*st = scheduler.State{
		Name: j.name, Definition: j.definitions.holds, Declared: j.definitions.declared,
		Due: instant(j.due), Last: instant(j.last), Version: j.version, Paused: j.paused, Removed: j.removed,
	}
	if j.at >= 0 {
		st.Wake = instant(s.wake[j.at].at)
	}
	if p := j.past; p != nil {
		st.Fence, st.Count, st.Open = p.fence, p.count, p.open
		if p.hasRecord {
			st.Record = &p.record
		}
	}
}

// copy makes a state that shares nothing.
func (s *Jobs) copy(j *job) *scheduler.State {
	st := new(scheduler.State)
	s.read(j, st)
	st.Open = slices.Clone(st.Open)
	if st.Record != nil {
		r := *st.Record
		r.Took = slices.Clone(r.Took)
		st.Record = &r
	}
	return st
}
