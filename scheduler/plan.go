package scheduler

import (
	"fmt"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// maxWalk bounds how many missed ticks of one job are counted one by one.
const maxWalk = 10_000

// A plan works out, without touching anything, what becomes of one job at one
// instant: which rows of the ledger are written and which ticks begin. It is
// tried on the store as a Change; if the job has changed meanwhile it is
// thrown away.
type plan struct {
	job     State // to be written
	def     *Definition
	trigger trigger.Trigger // nil for a job that runs after others
	now     time.Time
	holder  string
	lease   time.Duration
	same    bool // the job's definitions are those that are stored

	// rows are the open ticks of the job as far as they were read; those
	// the plan touches are copies.
	rows  map[Key]*Tick
	ticks []*Tick // to be written
	start []*Tick // of those, the ones to run here

	// Room for what most plans need, so that they ask for no more.
	record Record
	took   [10]time.Duration
	open   [2]OpenTick
	tick   Tick
	list   [2]*Tick
	dues   [2]time.Time
}

// newPlan begins a plan from a job's state. The mutex is held.
func (s *Scheduler) newPlan(st *State, t trigger.Trigger, now time.Time) *plan {
	p := s.loaded(st)
	p.from(t, now)
	return p
}

// loaded returns a plan that has a copy of a state. The mutex is held.
func (s *Scheduler) loaded(st *State) *plan {
	var p *plan
	if n := len(s.plans); n > 0 {
		p, s.plans = s.plans[n-1], s.plans[:n-1]
	} else {
		p = &plan{holder: s.holder, lease: s.cfg.Lease}
	}
	p.load(st)
	return p
}

// from begins a plan from the state it has, which is the one that is stored.
func (p *plan) from(t trigger.Trigger, now time.Time) {
	p.same = p.job.Version > 0
	p.job.Version++
	p.def, p.trigger, p.now = p.job.Definition, t, now
	p.rows, p.ticks, p.start = nil, p.list[:0:1], p.list[1:1]
}

// load makes a copy of a state that can be changed.
func (p *plan) load(st *State) {
	p.job = *st
	p.job.Open = append(p.open[:0], st.Open...)
	if st.Record != nil {
		p.record = *st.Record
		p.record.Took = append(p.took[:0], st.Record.Took...)
		p.job.Record = &p.record
	}
}

// remembered returns the job's record, to be changed.
func (p *plan) remembered() *Record {
	if p.job.Record == nil {
		p.record = Record{Took: p.took[:0]}
		p.job.Record = &p.record
	}
	return p.job.Record
}

// newTick adds an empty row to what is to be written.
func (p *plan) newTick() *Tick {
	t := &p.tick
	if len(p.ticks) > 0 {
		t = new(Tick)
	}
	p.ticks = append(p.ticks, t)
	return t
}

// change is what the plan wants written.
func (p *plan) change(effects ...any) Change {
	p.job.Wake = wake(&p.job)
	return Change{Job: &p.job, SameDefinition: p.same, Ticks: p.ticks, Effects: effects}
}

// advance accounts for every tick of the trigger that is due by now.
func (p *plan) advance() {
	st := &p.job
	if st.Paused || st.Removed || st.Due.IsZero() || st.Due.After(p.now) {
		return
	}
	w := p.walk(max(int(p.def.Misfire), 1))
	if w.early > 0 {
		p.end(w.first, w.until, w.early, w.outcome(p.def.Misfire), w.reason(p.def.Misfire))
	}
	catchUp := len(w.kept) > 1
	for _, due := range w.kept {
		grace := p.def.Grace
		if grace == 0 && p.def.Misfire == SkipMissed {
			grace = time.Minute
		}
		if late := p.now.Sub(due); grace > 0 && late > grace {
			p.end(due, due, 1, Missed, fmt.Sprintf("%s late, more than the grace of %s", late.Round(time.Millisecond), grace))
			continue
		}
		p.place(due, catchUp)
	}
	if w.open && st.Due.IsZero() && len(st.Open) == 0 {
		st.Due = p.next(p.now, 0) // nothing runs whose end would tell
	}
}

// walked is the way from a job's due instant to now.
type walked struct {
	kept         []time.Time // the latest ticks, in order
	first, until time.Time   // bounds of those before
	early        int         // how many those are
	more         bool        // there were more than could be counted
	open         bool        // the next one is not known before a run has ended
}

// walk moves the job's due instant past now and returns what lay on the way.
func (p *plan) walk(keep int) walked {
	st, w := &p.job, walked{kept: p.dues[:0], open: p.trigger != nil && trigger.NeedsLastEnd(p.trigger)}
	d := st.Due
	for n := 0; !d.IsZero() && !d.After(p.now); n++ {
		if n == maxWalk {
			d, w.more = p.next(p.now, st.Count), true
			break
		}
		st.Count++
		if d.After(st.Last) { // else it is in the ledger already
			w.kept = append(w.kept, d)
			st.Last = d
		}
		if len(w.kept) > keep {
			if w.early == 0 {
				w.first = w.kept[0]
			}
			w.until = w.kept[0]
			w.early++
			w.kept = slices.Delete(w.kept, 0, 1)
		}
		if w.open {
			d = time.Time{}
			break
		}
		d = p.next(d, st.Count)
	}
	st.Due = d
	return w
}

// next asks the trigger for the due instant after t.
func (p *plan) next(t time.Time, count int) time.Time {
	if p.trigger == nil {
		return time.Time{}
	}
	rule := p.trigger
	if trigger.NeedsFacts(rule) {
		f := p.facts()
		f.Count = count
		rule = trigger.Bind(rule, f)
	}
	d := micro(rule.Next(t))
	if !d.After(t) {
		return time.Time{} // a trigger that stands still is never due again
	}
	return d
}

// reckon works out the due instant anew, unless it has come, and tells whether it
// is another.
func (p *plan) reckon() bool {
	st := &p.job
	if p.trigger == nil || !st.Due.IsZero() && !st.Due.After(p.now) || trigger.NeedsLastEnd(p.trigger) && len(st.Open) > 0 {
		return false
	}
	was := st.Due
	st.Due = p.fromHere()
	return !st.Due.Equal(was)
}

// fromHere is the next due instant after now and after those in the ledger.
func (p *plan) fromHere() time.Time {
	after := p.now
	if p.job.Last.After(after) {
		after = p.job.Last
	}
	return p.next(after, p.job.Count)
}

// facts are what the ledger knows of the job.
func (p *plan) facts() trigger.Facts {
	f := trigger.Facts{Job: p.job.Name, Count: p.job.Count}
	if r := p.job.Record; r != nil {
		f.LastEnd, f.Took = r.Ended, r.Took
	}
	return f
}

func (w *walked) outcome(m Misfire) Outcome {
	if m == RunLatest {
		return Coalesced
	}
	return Missed
}

func (w *walked) reason(m Misfire) string {
	count := fmt.Sprint(w.early)
	if w.more {
		count += " or more"
	}
	switch m {
	case RunLatest:
		return count + " passed unrun; the one after them stands for them"
	case SkipMissed:
		return count + " passed unrun, and the job does not catch up"
	}
	return count + " passed unrun, more than the job catches up with"
}

// end adds a row for ticks that end without a run.
func (p *plan) end(first, last time.Time, count int, o Outcome, reason string) {
	t := p.newTick()
	*t = Tick{Job: p.job.Name, Due: first, Outcome: o, Reason: reason, Count: count, Ended: p.now, Version: 1}
	if count > 1 {
		t.Until = last
	}
}

// place lets a due tick wait for its turn, or ends it, as the overlap policy
// says. Of several that are caught up with each waits its turn.
func (p *plan) place(due time.Time, catchUp bool) {
	open, o := p.job.Open, p.def.Overlap
	waiting := len(open) - p.job.running()
	switch {
	case len(open) == 0:
	case catchUp:
		if most := int(p.def.Misfire); waiting >= most {
			p.end(due, due, 1, Missed, fmt.Sprintf("%d ticks are waiting to be caught up with already", waiting))
			return
		}
	case o == QueueOne:
		if i := slices.IndexFunc(open, func(t OpenTick) bool { return !t.Running }); i >= 0 {
			p.end(due, due, 1, Coalesced, "the tick of "+text(open[i].Due)+" is waiting already")
			return
		}
	case o == CancelOlder:
		p.cancel("the tick of " + text(due) + " is due")
	case len(open) >= o.atOnce():
		state := "waiting"
		if open[0].Running {
			state = "running"
		}
		p.end(due, due, 1, Skipped, "the tick of "+text(open[0].Due)+" is still "+state)
		return
	}
	p.wait(due, false)
}

// wait adds a tick that is to begin as soon as its turn has come.
func (p *plan) wait(due time.Time, asked bool) *Tick {
	t := p.newTick()
	*t = Tick{Job: p.job.Name, Due: due, Outcome: Waiting, Asked: asked, Count: 1, Ready: p.now, Version: 1}
	p.job.Open = append(p.job.Open, OpenTick{Due: due, Ready: p.now})
	return t
}

// pass moves the job's due instant past now without running anything.
func (p *plan) pass(why string) {
	if p.job.Due.IsZero() || p.job.Due.After(p.now) {
		return
	}
	w := p.walk(1)
	if len(w.kept) == 0 {
		return
	}
	if w.early == 0 {
		w.first = w.kept[0]
	}
	p.end(w.first, w.kept[0], w.early+1, Skipped, why)
	if w.open && p.job.Due.IsZero() && len(p.job.Open) == 0 {
		p.job.Due = p.next(p.now, p.job.Count)
	}
}

// ask makes sure that a run will begin and returns its tick: one that waits,
// the one that is due, or a new one. Unless it must be fresh, a tick that runs
// already will do.
func (p *plan) ask(fresh bool) time.Time {
	st := &p.job
	due := !st.Due.IsZero() && !st.Due.After(p.now) && st.Due.After(st.Last)
	switch {
	case due && p.trigger == nil: // unknown here: its owner moves Due on
		st.Last = st.Due
		return p.wait(st.Due, true).Due
	case due && st.Paused:
		p.pass("the job is paused")
	case due:
		p.advance()
	}
	for i, o := range st.Open {
		if o.Running {
			continue
		}
		if o.Ready.After(p.now) {
			if t := p.row(o.Due); t != nil {
				t.Ready = p.now
				st.Open[i].Ready = p.now
			}
		}
		return o.Due
	}
	if len(st.Open) > 0 && !fresh {
		return st.Open[len(st.Open)-1].Due
	}
	at := micro(p.now)
	if !at.After(st.Last) {
		at = st.Last.Add(time.Microsecond)
	}
	st.Last = at
	return p.wait(at, true).Due
}

// cancel ends what waits and asks what runs to stop.
func (p *plan) cancel(why string) {
	open := p.job.Open[:0]
	for _, o := range p.job.Open {
		t := p.row(o.Due)
		switch {
		case t == nil:
			open = append(open, o)
		case o.Running:
			if t.Cancel == "" {
				t.Cancel = why
			}
			open = append(open, o)
		default:
			t.Outcome, t.Reason, t.Ended = Cancelled, why, p.now
		}
	}
	p.job.Open = open
}

// row returns an open tick to be changed, nil if it was not read.
func (p *plan) row(due time.Time) *Tick {
	for _, t := range p.ticks {
		if t.Due.Equal(due) {
			return t
		}
	}
	t, ok := p.rows[Key{p.job.Name, due}]
	if !ok {
		return nil
	}
	c := p.newTick()
	*c = *t
	c.Version++
	return c
}

// begin starts waiting ticks whose turn has come, at most slots of them.
func (p *plan) begin(slots int) {
	st := &p.job
	room := min(slots, p.def.Overlap.atOnce()-st.running())
	for i := 0; i < len(st.Open) && room > 0; i++ {
		o := st.Open[i]
		if o.Running || o.Ready.After(p.now) {
			continue
		}
		t := p.row(o.Due)
		if t == nil {
			continue
		}
		st.Open[i] = OpenTick{Due: o.Due, Running: true}
		st.Fence++
		t.Outcome, t.Reason, t.Cancel, t.Progress = Running, "", "", Progress{}
		t.Attempt++
		t.Fence, t.Holder, t.Lease, t.Started, t.Ended = st.Fence, p.holder, p.lease, p.now, time.Time{}
		p.start = append(p.start, t)
		room--
	}
}

// wants names the open ticks whose rows a plan needs to have read.
func wants(st *State, now time.Time) []Key {
	var keys []Key
	cancels := st.Definition.Overlap == CancelOlder && !st.Due.IsZero() && !st.Due.After(now)
	for _, o := range st.Open {
		if cancels || !o.Running && !o.Ready.After(now) {
			keys = append(keys, Key{st.Name, o.Due})
		}
	}
	return keys
}

// wake is the instant at which somebody must look at a job.
func wake(st *State) time.Time {
	if st.Removed {
		return time.Time{}
	}
	var w time.Time
	if !st.Paused {
		w = st.Due
	}
	if st.running() >= st.Definition.Overlap.atOnce() {
		return w
	}
	for _, o := range st.Open {
		if !o.Running && (w.IsZero() || o.Ready.Before(w)) {
			w = o.Ready
		}
	}
	return w
}

func text(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
