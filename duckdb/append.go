package duckdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// Append implements pageview.Store.
func (s *Store) Append(ctx context.Context, b pageview.Batch) error {
	r := request{batch: &b}
	if !b.Wait {
		r.bytes = engine.Weight(&b)
	}
	if err := s.send(ctx, r); err != nil {
		return fmt.Errorf("append %d pageviews: %w", len(b.Pageviews), err)
	}
	return nil
}

// do has the writer carry out what is no batch, in a transaction.
func (s *Store) do(ctx context.Context, f func(ctx context.Context, w *writer) error) error {
	return s.send(ctx, request{do: f})
}

// send queues a request and waits for its transaction.
func (s *Store) send(ctx context.Context, r request) error {
	r.done = make(chan error, 1)
	if err := s.queue.put(r); err != nil {
		s.load.count(&r, err)
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drained returns when DuckDB has all that was acknowledged before.
func (s *Store) drained(ctx context.Context) error {
	if !s.spooled.Load() {
		return nil
	}
	if err := s.send(ctx, request{}); err != nil {
		return fmt.Errorf("take pageviews from the spool: %w", err)
	}
	return nil
}

const (
	// drainAfter is how long pageviews lie in the spool at most, …
	drainAfter = time.Second
	// … and drainRetry when DuckDB is tried again that could not take them: each try
	// opens its file anew.
	drainRetry = time.Minute
)

// drainNow has what is in the spool given to DuckDB though nobody asks for it.
func (s *Store) drainNow() {
	if s.spooled.Load() {
		_ = s.queue.put(request{done: make(chan error, 1)}) // unless the store is being closed
	}
}

// write is the one goroutine that writes. It ends when the queue is closed and
// empty.
func (s *Store) write() {
	defer close(s.done)
	for {
		group := s.queue.take()
		if len(group) == 0 {
			if s.spooled.Load() {
				s.commit([]request{{}}) // where that fails, it stays in the spool
			}
			return
		}
		outcome := s.commit(group)
		s.queue.release(group) // before they are told, as they may send again at once
		for i, r := range group {
			s.load.count(&r, outcome[i])
			r.done <- outcome[i]
		}
	}
}

// commit has a group on disk and says what came of each request. After an error
// nothing of the group is kept and the file is opened again: DuckDB calls a database
// unusable after a fatal error, and the dictionaries in memory hold what was rolled
// back.
func (s *Store) commit(group []request) (outcome []error) {
	var err error
	defer func() {
		if err != nil || !s.spooled.Load() { // else DuckDB was not asked
			s.load.trouble.Store(&err)
		}
	}()
	ctx := context.Background() // a commit belongs to all of the group, not to one sender
	if s.w == nil {
		if err = s.reopen(ctx); err != nil {
			s.drain.Reset(drainRetry)
			return slices.Repeat([]error{err}, len(group))
		}
	}
	if outcome, err = s.w.keep(ctx, group); err != nil {
		err = full(err)
		if again := s.reopen(ctx); again != nil {
			s.config.Logger.Error("open store again", "error", again)
		}
		s.drain.Reset(drainRetry)
		return slices.Repeat([]error{err}, len(group))
	}
	s.publish()
	return outcome
}

// publish tells readers of the last commit.
func (s *Store) publish() {
	switch waits := s.w.spool.waits(); {
	case !waits:
		s.view.Store(s.w.view())
		s.spooled.Store(false)
	case !s.spooled.Swap(true):
		s.drain.Reset(drainAfter)
	}
}
