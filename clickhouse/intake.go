package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse/spool"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

const (
	// intakeBytes is how much may wait to be put into the spool.
	intakeBytes = 64 << 20
	// intakeRows is after how many rows a transaction takes no further request.
	intakeRows = 50_000
	// sweepKeys is the pause between deletions of old keys.
	sweepKeys = time.Hour
)

// request asks for a batch to be put into the spool.
type request struct {
	group spool.Group
	id    int64 // of the group in the spool, if it is alone
	bytes int64
	done  chan error
}

// intake has one goroutine that puts into the spool whatever came while the
// last transaction ran.
type intake struct {
	s    *Store
	came chan struct{}

	mu      sync.Mutex
	waiting []*request
	bytes   int64
	closed  bool

	swept time.Time
}

func newIntake(s *Store) *intake {
	return &intake{s: s, came: make(chan struct{}, 1), swept: time.Now()}
}

// put queues a request and waits for its transaction.
func (q *intake) put(ctx context.Context, r *request) error {
	r.done = make(chan error, 1)
	q.mu.Lock()
	switch {
	case q.closed:
		q.mu.Unlock()
		return pageview.ErrClosed
	case r.bytes > 0 && q.bytes > 0 && q.bytes+r.bytes > intakeBytes:
		q.mu.Unlock()
		return pageview.ErrBusy
	}
	q.bytes += r.bytes
	q.waiting = append(q.waiting, r)
	q.mu.Unlock()
	wake(q.came)
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// close refuses what comes from now on and waits for nothing.
func (q *intake) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	wake(q.came)
}

// run puts requests into the spool until the intake is closed and empty.
func (q *intake) run() {
	for range q.came {
		for {
			group, ended := q.take()
			if len(group) > 0 {
				q.commit(group)
				continue
			}
			if ended {
				return
			}
			break
		}
	}
}

func (q *intake) take() (group []*request, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, rows := 0, 0
	for n < len(q.waiting) && (n == 0 || rows < intakeRows) {
		rows += len(q.waiting[n].group.Pageviews) + len(q.waiting[n].group.Stays)
		n++
	}
	group = q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return group, q.closed
}

// commit puts a group of requests into the spool, and tells each what came of
// it. Requests that are not alone share one row.
func (q *intake) commit(group []*request) {
	ctx := context.Background() // a commit belongs to all of the group, not to one sender
	outcome, groups, err := q.screen(ctx, group)
	if err == nil && len(groups) > 0 {
		var first int64
		first, err = q.s.spool.Put(ctx, groups...)
		for i, r := range slices.DeleteFunc(slices.Clone(group), func(r *request) bool { return !r.group.Alone() }) {
			r.id = first + int64(i) // those that are alone come first
		}
	}
	if now := time.Now(); err == nil && now.Sub(q.swept) > sweepKeys {
		q.swept = now
		err = q.s.spool.Sweep(ctx, now)
	}
	q.mu.Lock()
	for _, r := range group {
		q.bytes -= r.bytes
	}
	q.mu.Unlock()
	for i, r := range group {
		r.done <- errors.Join(outcome[i], err)
	}
	q.s.sender.came()
}

// screen refuses requests that were kept before, and puts the others together.
func (q *intake) screen(ctx context.Context, group []*request) (outcome []error, groups []spool.Group, err error) {
	outcome = make([]error, len(group))
	var shared spool.Group // comes after those that are alone
	for i, r := range group {
		for _, k := range r.group.Keys {
			if outcome[i], err = q.repeated(ctx, k, shared.Keys); err != nil {
				return outcome, nil, err
			}
		}
		switch {
		case outcome[i] != nil:
		case r.group.Alone():
			groups = append(groups, r.group)
		default:
			from := [2]int{len(shared.Pageviews), len(shared.Stays)}
			shared.Pageviews = append(shared.Pageviews, r.group.Pageviews...)
			shared.Stays = append(shared.Stays, r.group.Stays...)
			for _, k := range r.group.Keys {
				shared.Keys = append(shared.Keys, k)
				shared.Shares = append(shared.Shares, spool.Share{
					Pageviews: [2]int{from[0], len(shared.Pageviews)}, Stays: [2]int{from[1], len(shared.Stays)},
				})
			}
		}
	}
	if len(shared.Pageviews)+len(shared.Stays)+len(shared.Keys) > 0 {
		groups = append(groups, shared)
	}
	return outcome, groups, nil
}

// repeated tells why a request with a key is not kept again. Others of its group
// come before it.
func (q *intake) repeated(ctx context.Context, k pageview.Key, others []pageview.Key) (refused, err error) {
	digest, found, err := q.s.spool.Key(ctx, k)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(others, func(o pageview.Key) bool { return o.Token == k.Token && o.Name == k.Name }); !found && i >= 0 {
		digest, found = others[i].Digest, true
	}
	switch {
	case !found:
		return nil, nil
	case digest == k.Digest:
		return pageview.ErrRepeated, nil
	}
	return pageview.ErrKeyReused, nil
}

// Append implements pageview.Store. It returns when the batch is in the spool.
// One that moves a mark returns when ClickHouse has it, since the mark is there.
func (s *Store) Append(ctx context.Context, b pageview.Batch) error {
	err := s.append(ctx, &b)
	s.counts.Add(&b, err)
	if err != nil {
		return fmt.Errorf("append %d pageviews: %w", len(b.Pageviews), err)
	}
	return nil
}

func (s *Store) append(ctx context.Context, b *pageview.Batch) error {
	if s.closed.Load() {
		return pageview.ErrClosed
	}
	if err := s.screen(b); err != nil {
		return err
	}
	if b.Key != nil {
		if err := s.sentBefore(ctx, *b.Key); err != nil {
			return err
		}
	}
	r := &request{group: spool.Group{Pageviews: b.Pageviews, Stays: b.Stays, Log: b.Log, Mark: b.Mark}}
	if b.Key != nil {
		r.group.Keys = []pageview.Key{*b.Key}
	}
	if !b.Wait {
		r.bytes = engine.Weight(b)
	}
	if r.group.Alone() {
		return s.appendMarked(ctx, b, r)
	}
	return s.intake.put(ctx, r)
}
