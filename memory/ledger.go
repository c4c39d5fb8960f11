package memory

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

// A ledger is the rows of one job, in order of due.
type ledger struct {
	rows   []row
	newest int64 // due of the last row, at hand without looking at it
	// whole are the ticks of which a row does not tell all, by due.
	whole   map[int64]*scheduler.Tick
	logs    map[int64][]*scheduler.Log // what runs have logged, by due
	running int32                      // how many rows are
	at      int32                      // place among the jobs that run, if any do
}

// A row is a tick of which there is nothing to say in words, and which has ended
// within an hour. It has no pointers, so that the garbage collector passes long
// histories by.
type row struct {
	due                   int64  // in microseconds
	ready, started, ended uint32 // from then on, unset for none
	fence                 uint32
	version               uint16
	hold                  uint16 // its place in Jobs.holds
	attempt               uint8
	outcome               uint8 // its place in outcomes
	asked                 bool
}

// unset stands in a row for the zero time.
const unset = math.MaxUint32

// since is an instant as a row has it, and whether it can.
func since(due int64, t time.Time) (uint32, bool) {
	if t.IsZero() {
		return unset, true
	}
	d := t.UnixMicro() - due
	return uint32(d), d >= 0 && d < unset
}

// at is an instant that a row has.
func (r *row) at(since uint32) time.Time {
	if since == unset {
		return time.Time{}
	}
	return instant(r.due + int64(since))
}

// A hold is by whom a tick is held, and for how long.
type hold struct {
	holder string
	lease  time.Duration
}

// outcomes are numbered for rows; zero is one that is not known here.
var outcomes = [...]scheduler.Outcome{
	"", scheduler.Running, scheduler.Succeeded, scheduler.Waiting, scheduler.Cancelled,
	scheduler.Failed, scheduler.TimedOut, scheduler.Missed, scheduler.Coalesced, scheduler.Skipped,
}

const running = 1

// row makes a row of a tick, and tells whether it says all.
func (s *Jobs) row(t *scheduler.Tick) (row, bool) {
	o := slices.Index(outcomes[:], t.Outcome)
	h, known := s.hold(hold{t.Holder, t.Lease})
	r := row{
		due: t.Due.UnixMicro(), fence: uint32(t.Fence), version: uint16(t.Version), hold: h,
		attempt: uint8(t.Attempt), outcome: uint8(max(o, 0)), asked: t.Asked,
	}
	var ready, started, ended bool
	r.ready, ready = since(r.due, t.Ready)
	r.started, started = since(r.due, t.Started)
	r.ended, ended = since(r.due, t.Ended)
	return r, o > 0 && known && ready && started && ended &&
		int64(r.fence) == t.Fence && int64(r.version) == t.Version && int(r.attempt) == t.Attempt &&
		t.Count == 1 && t.Until.IsZero() && t.Reason == "" && t.Cancel == "" && t.Earlier == nil && t.Progress == scheduler.Progress{}
}

// hold numbers holds, as far as there is room.
func (s *Jobs) hold(h hold) (uint16, bool) {
	if len(s.holds) > 0 && s.holds[s.lastHold] == h {
		return s.lastHold, true
	}
	n, ok := s.numbers[h]
	if !ok {
		if len(s.holds) > 0xffff {
			return 0, false
		}
		n = uint16(len(s.holds))
		s.holds = append(s.holds, h)
		s.numbers[h] = n
	}
	s.lastHold = n
	return n, true
}

// tick makes a tick of a job's row.
func (s *Jobs) tick(j *job, r *row) *scheduler.Tick {
	if t := j.past.whole[r.due]; t != nil {
		c := *t
		return &c
	}
	return &scheduler.Tick{
		Job: j.name, Due: instant(r.due), Outcome: outcomes[r.outcome], Asked: r.asked, Count: 1,
		Attempt: int(r.attempt), Fence: int64(r.fence), Holder: s.holds[r.hold].holder, Lease: s.holds[r.hold].lease,
		Ready: r.at(r.ready), Started: r.at(r.started), Ended: r.at(r.ended), Version: int64(r.version),
	}
}

// put writes a row of the ledger.
func (s *Jobs) put(j *job, t *scheduler.Tick) {
	p := j.history()
	r, all := s.row(t)
	i, ok := p.find(r.due)
	switch {
	case !ok && i == len(p.rows):
		p.rows, p.newest = append(p.rows, r), r.due
	case !ok:
		p.rows = slices.Insert(p.rows, i, r)
	case p.rows[i].outcome == running:
		s.runs(j, -1)
		fallthrough
	default:
		p.rows[i] = r
	}
	if r.outcome == running {
		s.runs(j, 1)
	}
	if !all {
		if p.whole == nil {
			p.whole = map[int64]*scheduler.Tick{}
		}
		c := *t
		p.whole[r.due] = &c
	} else {
		delete(p.whole, r.due)
	}
	if n := s.keep.Count; n > 0 && len(p.rows) > 2*n {
		j.purge(s.keep, never)
	}
}

// runs counts a job's running ticks, and keeps the list of jobs that have some.
func (s *Jobs) runs(j *job, more int32) {
	p := j.past
	switch p.running += more; {
	case p.running == 1 && more > 0:
		p.at = int32(len(s.running))
		s.running = append(s.running, j)
	case p.running == 0:
		end := len(s.running) - 1
		last := s.running[end]
		s.running[p.at], last.past.at = last, p.at
		s.running[end] = nil
		s.running = s.running[:end]
	}
}

// find returns where the row of a due instant is, or would be.
func (l *ledger) find(due int64) (int, bool) {
	switch n := len(l.rows); {
	case n == 0 || l.newest < due:
		return n, false // the usual case: a new row is the latest
	case l.newest == due:
		return n - 1, true
	}
	return slices.BinarySearchFunc(l.rows, due, func(r row, due int64) int { return cmp.Compare(r.due, due) })
}

// versionOf returns the version of a row.
func (l *ledger) versionOf(i int) int64 {
	if t := l.whole[l.rows[i].due]; t != nil {
		return t.Version
	}
	return int64(l.rows[i].version)
}

// endOf is when the tick of a row has ended.
func (l *ledger) endOf(r *row) int64 {
	if t := l.whole[r.due]; t != nil {
		return t.Ended.UnixMicro()
	}
	return r.at(r.ended).UnixMicro()
}

// purge deletes ended rows beyond what is to be kept.
func (j *job) purge(keep scheduler.Retention, old int64) int {
	p := j.past
	before, beyond := len(p.rows), 0
	if keep.Count > 0 {
		beyond = before - keep.Count
	}
	if before == 0 || beyond <= 0 && p.rows[0].due >= old {
		return 0 // none ended before it was due
	}
	i := -1
	p.rows = slices.DeleteFunc(p.rows, func(r row) bool {
		i++
		gone := !outcomes[r.outcome].Open() && r.due < p.last && (i < beyond || p.endOf(&r) < old)
		if gone {
			delete(p.whole, r.due)
			delete(p.logs, r.due)
		}
		return gone
	})
	if n := len(p.rows); n > 0 {
		p.newest = p.rows[n-1].due
	}
	return before - len(p.rows)
}
