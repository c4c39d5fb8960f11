package scheduler

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// result is how an attempt ended.
type result struct {
	outcome   Outcome
	reason    string
	permanent bool // trying again does not mend it
	back      bool // handed back: the attempt does not count
	unbegun   bool // handed back before the function was called
}

// finish ends the latest attempt of a running tick: it ends the tick, or lets
// it wait for another attempt. The row is one of the plan's.
func (p *plan) finish(t *Tick, r result) {
	st := &p.job
	if r.outcome == Lost && t.Cancel != "" {
		r.outcome, r.reason = Cancelled, cancelled(t.Cancel).Error()+"; "+r.reason
	}
	r.reason = clean(r.reason)
	var again bool
	if r.unbegun {
		t.Attempt--
		again = true
	} else {
		again = r.back || p.tryAgain(t, r)
		p.remember(t, r, again)
	}
	t.Ended = p.now
	i := slices.IndexFunc(st.Open, func(o OpenTick) bool { return o.Due.Equal(t.Due) })
	if again {
		if !r.unbegun {
			t.Earlier = append(slices.Clone(t.Earlier), t.attempt(r.outcome, r.reason, p.now))
		}
		t.Outcome, t.Reason, t.Ready = Waiting, r.reason, p.now
		if !r.back && !r.unbegun && r.outcome != Lost {
			t.Ready = p.now.Add(backoff(p.def.Retry, t.Attempt))
		}
		if i >= 0 {
			st.Open[i] = OpenTick{Due: t.Due, Ready: t.Ready}
		}
	} else {
		t.Outcome, t.Reason = r.outcome, r.reason
		if r.outcome == Lost {
			t.Outcome, t.Reason = Failed, "lost: "+r.reason
		}
		if i >= 0 {
			st.Open = slices.Delete(st.Open, i, i+1)
		}
	}
	p.newDue()
}

// newDue works out the due instant of a trigger that depends on how runs went.
// One that has passed already is left for advance to account for.
func (p *plan) newDue() {
	st := &p.job
	if p.trigger == nil || !trigger.NeedsFacts(p.trigger) || !st.Due.IsZero() && !st.Due.After(p.now) {
		return
	}
	if st.Due.IsZero() && !trigger.NeedsLastEnd(p.trigger) || len(st.Open) > 0 && trigger.NeedsLastEnd(p.trigger) {
		return
	}
	st.Due = p.next(p.now, st.Count)
}

// tryAgain tells whether the tick gets another attempt.
func (p *plan) tryAgain(t *Tick, r result) bool {
	if r.permanent || t.Cancel != "" {
		return false
	}
	lost := r.outcome == Lost
	if !lost && r.outcome != Failed && r.outcome != TimedOut {
		return false
	}
	bound := p.def.Retry.Attempts
	if lost {
		if bound = p.def.Retry.Lost; bound == 0 {
			bound = 3
		}
	}
	n := 1
	for _, a := range t.Earlier {
		if (a.Outcome == Lost) == lost && a.Outcome != Cancelled {
			n++
		}
	}
	return n < bound
}

// remember keeps of an ended attempt what triggers, alerts and jobs that run
// after this one need.
func (p *plan) remember(t *Tick, r result, again bool) {
	rec := p.remembered()
	if r.outcome != Lost {
		rec.Ended = p.now
	}
	if r.outcome == Succeeded {
		rec.Success, rec.SuccessDue, rec.Failures = p.now, t.Due, 0
		rec.Alerted = time.Time{}
		rec.Took = p.took[:1+copy(p.took[1:], rec.Took)]
		rec.Took[0] = p.now.Sub(t.Started)
	}
	if !again {
		if r.outcome != Succeeded && r.outcome != Cancelled {
			rec.Failures++
		}
		if t.Due.After(rec.Due) {
			rec.Due, rec.Outcome = t.Due, r.outcome
			if r.outcome == Lost {
				rec.Outcome = Failed
			}
		}
	}
}

// backoff is the wait before the attempt after the n-th.
func backoff(r Retry, n int) time.Duration {
	wait, bound := r.Backoff, r.MaxBackoff
	if wait == 0 {
		wait = time.Second
	}
	if bound == 0 {
		bound = time.Hour
	}
	for ; n > 1 && wait < bound; n-- {
		wait *= 2
	}
	wait = min(wait, bound)
	return wait + rand.N(wait/5+1)
}
