package memory

import (
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
	due         int64
	wake        int64
	version     int64
	past        *past
	place       int32
	paused      bool
	removed     bool
}

// A block is jobs that lie side by side, where one that comes after another is
// soon found. It fills whole pages.
type block [1 << blockBits]job

const blockBits = 10

// definitions are shared by jobs that have the same.
type definitions struct{ holds, declared *scheduler.Definition }

// A past is what a job has only once there was a tick.
type past struct {
	last  int64
	fence int64
	count int
	open  []opening

	record record
	ledger

	// Room for what most jobs need.
	one [1]opening
	ten [10]time.Duration
}

// An opening is a scheduler.OpenTick.
type opening struct {
	due, ready int64
	running    bool
}

// A record is a scheduler.Record, if there is one.
type record struct {
	is                  bool
	outcome             scheduler.Outcome
	due, ended          int64
	success, successDue int64
	alerted, followed   int64
	failures            int
	took                []time.Duration
}

// at returns the job at a place.
func (s *Jobs) at(place int32) *job { return &s.blocks[place>>blockBits][place&(1<<blockBits-1)] }

// named returns the job of a name, nil if there is none.
func (s *Jobs) named(name string) *job {
	if place, ok := s.places[name]; ok {
		return s.at(place)
	}
	return nil
}

// find is named for one whose place is known, if it is right.
func (s *Jobs) find(name string, place int) *job {
	if place > 0 && place < len(s.blocks)<<blockBits {
		if j := s.at(int32(place)); j.name == name {
			return j
		}
	}
	return s.named(name)
}

// add makes a job. The first place is left empty.
func (s *Jobs) add(name string) *job {
	place := int32(len(s.places) + 1)
	if int(place>>blockBits) == len(s.blocks) {
		s.blocks = append(s.blocks, new(block))
	}
	s.places[name] = place
	j := s.at(place)
	j.name, j.place, j.wake = name, place, never
	return j
}

// write takes over a state.
func (s *Jobs) write(j *job, st *scheduler.State) {
	if d := j.definitions; d == nil || d.holds != st.Definition || d.declared != st.Declared {
		j.definitions = s.share(st)
	}
	j.due, j.version = st.Due.UnixMicro(), st.Version
	j.paused, j.removed = st.Paused, st.Removed
	if j.past != nil || !st.Last.IsZero() || st.Fence != 0 || st.Count != 0 || len(st.Open) > 0 || st.Record != nil {
		p := j.history()
		p.last, p.fence, p.count = st.Last.UnixMicro(), st.Fence, st.Count
		p.open = p.open[:0]
		for _, o := range st.Open {
			p.open = append(p.open, opening{o.Due.UnixMicro(), o.Ready.UnixMicro(), o.Running})
		}
		p.record.write(st.Record)
	}
	if at := st.Wake.UnixMicro(); at != j.wake {
		if j.wake = at; at != never {
			s.wakings.add(waking{at, j.place}, len(s.places))
		}
	}
}

func (s *Jobs) share(st *scheduler.State) *definitions {
	if d := s.shared; d == nil || d.holds != st.Definition || d.declared != st.Declared {
		s.shared = &definitions{st.Definition, st.Declared}
	}
	return s.shared
}

func (j *job) history() *past {
	if j.past == nil {
		p := &past{last: never}
		p.open, p.record.took = p.one[:0], p.ten[:0]
		j.past = p
	}
	return j.past
}

func (r *record) write(from *scheduler.Record) {
	if r.is = from != nil; !r.is {
		return
	}
	*r = record{
		is: true, outcome: from.Outcome, due: from.Due.UnixMicro(), ended: from.Ended.UnixMicro(),
		success: from.Success.UnixMicro(), successDue: from.SuccessDue.UnixMicro(),
		alerted: from.Alerted.UnixMicro(), followed: from.Followed.UnixMicro(),
		failures: from.Failures, took: append(r.took[:0], from.Took...),
	}
}

func (r *record) read(to *scheduler.Record) {
	*to = scheduler.Record{
		Due: instant(r.due), Outcome: r.outcome, Ended: instant(r.ended),
		Success: instant(r.success), SuccessDue: instant(r.successDue),
		Alerted: instant(r.alerted), Followed: instant(r.followed),
		Failures: r.failures, Took: append(to.Took[:0], r.took...),
	}
}

// A view is a state made of a job, with room for what it points to.
type view struct {
	scheduler.State
	record scheduler.Record
}

// read makes a state of a job. It shares nothing with the job.
func (s *Jobs) read(j *job, v *view) *scheduler.State {
	v.State = scheduler.State{
		Name: j.name, Definition: j.definitions.holds, Declared: j.definitions.declared,
		Due: instant(j.due), Wake: instant(j.wake),
		Version: j.version, Paused: j.paused, Removed: j.removed, Open: v.Open[:0], Place: int(j.place),
	}
	if p := j.past; p != nil {
		v.Last, v.Fence, v.Count = instant(p.last), p.fence, p.count
		for _, o := range p.open {
			v.Open = append(v.Open, scheduler.OpenTick{Due: instant(o.due), Ready: instant(o.ready), Running: o.running})
		}
		if p.record.is {
			p.record.read(&v.record)
			v.Record = &v.record
		}
	}
	return &v.State
}
