package scheduler

import (
	"context"
	"time"
)

// A runContext is the context of a run. Most functions that are called often
// never look at theirs, so the real one is made when it is asked for.
type runContext Run

func (c *runContext) Deadline() (time.Time, bool) { return c.real().Deadline() }
func (c *runContext) Done() <-chan struct{}       { return c.real().Done() }
func (c *runContext) Err() error                  { return c.real().Err() }
func (c *runContext) Value(key any) any           { return c.real().Value(key) }

func (c *runContext) real() context.Context {
	var ctx context.Context
	r := (*Run)(c)
	r.say(func(s *said) {
		if s.ctx == nil {
			s.ctx, s.cancel = r.context()
			if r.cause != nil {
				s.cancel(r.cause)
			}
		}
		ctx = s.ctx
	})
	return ctx
}

// context makes a run's context.
func (r *Run) context() (context.Context, func(cause error)) {
	ctx, stop := r.s.base, context.CancelFunc(func() {})
	if r.timeout > 0 {
		ctx, stop = context.WithDeadlineCause(ctx, r.s.epoch.Add(r.since+r.timeout), ErrTimeout)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, func(cause error) { cancel(cause); stop() }
}

// end ends a run's context, unless it has ended.
func (r *Run) end(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause == nil {
		r.cause = cause
	}
	if s := r.said.Load(); s != nil && s.cancel != nil {
		s.cancel(cause)
	}
}

// endedBy tells why a run's context has ended, nil if it has not.
func (r *Run) endedBy() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.said.Load(); s != nil && s.ctx != nil {
		return context.Cause(s.ctx)
	}
	if r.cause == nil && r.timeout > 0 && r.s.elapsed()-r.since >= r.timeout {
		return ErrTimeout
	}
	return r.cause
}
