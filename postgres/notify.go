package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
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
func (s *Jobs) Changed() <-chan struct{} {
	if s.deaf {
		return nil
	}
	return s.changed
}

// listen waits for what others tell, on a connection of its own, and connects
// again when that is cut.
func (s *Jobs) listen(ctx context.Context) {
	known := sync.OnceFunc(func() { close(s.known) })
	defer known()
	for ctx.Err() == nil {
		err := s.hear(ctx, known) // the schedulers' own reads tell that the database is gone
		if errors.Is(err, errDeaf) {
			return
		}
		known() // what is not heard now may be when it is back
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// errDeaf tells that notifications do not arrive.
var errDeaf = errors.New("notifications do not arrive")

// hear passes on what it hears. It calls known when it has heard itself for the
// first time.
func (s *Jobs) hear(ctx context.Context, known func()) error {
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
	select {
	case <-s.known:
	default:
		if err := s.tryHearing(ctx, conn); err != nil {
			return err
		}
		known()
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

// tryHearing, behind a pooler, sends notifications until one is heard, or says
// that it is deaf. A pooler in transaction mode takes the listening connection
// away at once and lets whatever it hears fall.
func (s *Jobs) tryHearing(ctx context.Context, conn *pgx.Conn) error {
	if pooled, err := behindPooler(ctx, conn); !pooled || err != nil {
		return err
	}
	for range 4 {
		if _, err := s.pool.Exec(ctx, "SELECT pg_notify($1, $2)", channel, s.id); err != nil {
			return err
		}
		patient, cancel := context.WithTimeout(ctx, 150*time.Millisecond)
		_, err := conn.WaitForNotification(patient)
		cancel()
		if err == nil || ctx.Err() != nil || conn.IsClosed() {
			return err
		}
	}
	s.deaf = true
	return errDeaf
}

func (s *Jobs) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
