package postgres

import (
	"context"
	"time"
)

const (
	channel         = "beforehand"           // jobs and ticks
	snapshotChannel = "beforehand_snapshots" // told by each transaction that puts one
)

// tell lets others know, soon and at most fifty times a second, that something
// was written. It is sent outside the transaction, since a NOTIFY inside makes
// commits wait for each other.
func (s *Jobs) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil && !s.closed {
		s.timer = time.AfterFunc(20*time.Millisecond, s.notify)
	}
}

func (s *Jobs) notify() {
	s.mu.Lock()
	s.timer = nil
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.sending.Add(1)
	s.mu.Unlock()
	defer s.sending.Done()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// An error is no news: the next write will show it, and others look by
	// themselves.
	_, _ = s.pool.Exec(ctx, "SELECT pg_notify($1, $2)", channel, s.id)
}

// quiet waits for a notification under way and sends no more.
func (s *Jobs) quiet() {
	s.mu.Lock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.sending.Wait()
}

// Changed implements scheduler.Store.
func (s *Jobs) Changed() <-chan struct{} { return s.changed }

// listen waits for what others tell, on a connection of its own, and connects
// again when that is cut.
func (s *Jobs) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = s.hear(ctx) // the schedulers' own reads tell that the database is gone
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (s *Jobs) hear(ctx context.Context) error {
	pooled, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	for _, c := range []string{channel, snapshotChannel} {
		if _, err := conn.Exec(ctx, "LISTEN "+c); err != nil {
			return err
		}
	}
	s.signal() // for what was missed while not connected
	s.snapshots.Give()
	for {
		n, err := conn.WaitForNotification(ctx)
		switch {
		case err != nil:
			return err
		case n.Channel == snapshotChannel:
			s.snapshots.Give()
		case n.Payload != s.id:
			s.signal()
		}
	}
}

func (s *Jobs) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
