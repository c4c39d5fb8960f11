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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx != nil {
		return c.ctx
	}
	ctx, stop := c.s.base, context.CancelFunc(func() {})
	if c.timeout > 0 {
		ctx, stop = context.WithDeadlineCause(ctx, c.s.epoch.Add(c.begun+c.timeout), ErrTimeout)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	c.ctx, c.cancel = ctx, func(cause error) { cancel(cause); stop() }
	if c.cause != nil {
		c.cancel(c.cause)
	}
	return c.ctx
}

// end ends a run's context, unless it has ended.
func (r *Run) end(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause == nil {
		r.cause = cause
	}
	if r.cancel != nil {
		r.cancel(cause)
	}
}

// endedBy tells why a run's context has ended, nil if it has not.
func (r *Run) endedBy() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ctx != nil:
		return context.Cause(r.ctx)
	case r.cause == nil && r.timeout > 0 && r.s.elapsed()-r.begun >= r.timeout:
		return ErrTimeout
	}
	return r.cause
}
