package duckdb

import (
	"context"
	"fmt"
	"slices"

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

// write is the one goroutine that writes. It ends when the queue is closed and
// empty.
func (s *Store) write() {
	defer close(s.done)
	for {
		group := s.queue.take()
		if len(group) == 0 {
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

// commit writes a group in one transaction and says what came of each request.
// After an error nothing of the group is kept and the file is opened again:
// DuckDB calls a database unusable after a fatal error, and the dictionaries
// in memory hold what was rolled back.
func (s *Store) commit(group []request) (outcome []error) {
	var err error
	defer func() { s.load.trouble.Store(&err) }()
	ctx := context.Background() // a commit belongs to all of the group, not to one sender
	if s.w == nil {
		if err = s.reopen(ctx); err != nil {
			return slices.Repeat([]error{err}, len(group))
		}
	}
	if outcome, err = s.w.transaction(ctx, group); err != nil {
		err = full(err)
		if again := s.reopen(ctx); again != nil {
			s.config.Logger.Error("open store again", "error", again)
		}
		return slices.Repeat([]error{err}, len(group))
	}
	s.view.Store(s.w.view())
	return outcome
}
