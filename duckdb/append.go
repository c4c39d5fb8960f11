package duckdb

import (
	"context"
	"fmt"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	maxQueued = 4096    // requests that may wait for the writer
	maxRows   = 200_000 // pageviews after which a transaction takes no further request
)

// request asks the writer for one thing; the answer comes on done.
type request struct {
	batch pageview.Batch
	site  *pageview.Site
	done  chan error
}

// Append implements pageview.Store.
func (s *Store) Append(ctx context.Context, b pageview.Batch) error {
	if err := s.send(ctx, request{batch: b}); err != nil {
		return fmt.Errorf("append %d pageviews: %w", len(b.Pageviews), err)
	}
	return nil
}

// send queues a request and waits for its transaction.
func (s *Store) send(ctx context.Context, r request) error {
	r.done = make(chan error, 1)
	if err := s.enqueue(ctx, r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) enqueue(ctx context.Context, r request) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return pageview.ErrClosed
	}
	select {
	case s.requests <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the one goroutine that writes. It ends when requests is closed and
// empty.
func (s *Store) write() {
	defer close(s.done)
	for first := range s.requests {
		s.commit(s.gather(first))
	}
}

// gather takes what has queued up behind the first request.
func (s *Store) gather(first request) []request {
	group, rows := []request{first}, len(first.batch.Pageviews)
	for rows < maxRows {
		select {
		case r, ok := <-s.requests:
			if !ok {
				return group
			}
			group = append(group, r)
			rows += len(r.batch.Pageviews)
		default:
			return group
		}
	}
	return group
}

// commit writes a group in one transaction and answers each of its requests.
// After an error nothing of the group is kept and the file is opened again:
// DuckDB calls a database unusable after a fatal error, and the dictionaries
// in memory hold what was rolled back.
func (s *Store) commit(group []request) {
	ctx := context.Background() // a commit belongs to all of the group, not to one sender
	if s.w == nil {
		if err := s.reopen(ctx); err != nil {
			answer(group, err)
			return
		}
	}
	refused, err := s.w.transaction(ctx, group)
	if err != nil {
		err = full(err)
		if again := s.reopen(ctx); again != nil {
			s.config.Logger.Error("open store again", "error", again)
		}
		answer(group, err)
		return
	}
	s.view.Store(s.w.view())
	for i, r := range group {
		r.done <- refused[i]
	}
}

func answer(group []request, err error) {
	for _, r := range group {
		r.done <- err
	}
}
