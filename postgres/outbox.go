package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand/outbox"
)

var _ outbox.Store = (*Outbox)(nil)

// Outbox keeps what is to be told to somebody outside.
type Outbox struct{ pool *pgxpool.Pool }

// Outbox returns the store of messages.
func (s *State) Outbox() outbox.Store { return &Outbox{s.pool} }

// Put implements outbox.Store.
func (s *Outbox) Put(ctx context.Context, list ...outbox.Message) (added int, err error) {
	for i := range list {
		if err := list[i].Check(); err != nil {
			return 0, err
		}
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		added = 0
		for _, m := range list {
			n, err := putMessage(ctx, tx, m)
			if err != nil {
				return err
			}
			added += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("put messages: %w", err)
	}
	return added, nil
}

// putMessage adds a message that is not there.
func putMessage(ctx context.Context, tx pgx.Tx, m outbox.Message) (added int64, err error) {
	m = m.New()
	tag, err := tx.Exec(ctx, `INSERT INTO beforehand.outbox
		(id, kind, way, recipient, tick, site, subject, body, created, state, attempts, next, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, '') ON CONFLICT DO NOTHING`,
		m.ID(), m.Kind, m.Way, m.Recipient, m.Tick, m.Site, m.Subject, append([]byte{}, m.Body...), m.Created, m.State, m.Next)
	return tag.RowsAffected(), err
}

const selectMessages = "SELECT kind, way, recipient, tick, site, subject, %s, created, state, attempts, next, ended, error FROM beforehand.outbox"

var (
	selectWhole = fmt.Sprintf(selectMessages, "body")
	selectHeads = fmt.Sprintf(selectMessages, "NULL::bytea")
)

func scanMessage(row pgx.CollectableRow) (m outbox.Message, err error) {
	var next, ended *time.Time
	err = row.Scan(&m.Kind, &m.Way, &m.Recipient, &m.Tick, &m.Site, &m.Subject, &m.Body, &m.Created, &m.State, &m.Attempts, &next, &ended, &m.Error)
	m.Created, m.Next, m.Ended = m.Created.UTC(), fromInstant(next), fromInstant(ended)
	return m, err
}

func (s *Outbox) some(ctx context.Context, query string, args ...any) ([]outbox.Message, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanMessage)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return list, nil
}

// Due implements outbox.Store.
func (s *Outbox) Due(ctx context.Context, by time.Time, limit int) ([]outbox.Message, error) {
	return s.some(ctx, selectWhole+" WHERE next <= $1 ORDER BY next, id LIMIT $2", by, limit)
}

// Note implements outbox.Store.
func (s *Outbox) Note(ctx context.Context, tried outbox.Message) error {
	_, err := s.pool.Exec(ctx, `UPDATE beforehand.outbox SET state = $1, attempts = $2, next = $3, ended = $4, error = $5
		WHERE id = $6 AND state = 'waiting' AND attempts = $7`,
		tried.State, tried.Attempts, instant(&tried.Next), instant(&tried.Ended), tried.Error, tried.ID(), tried.Attempts-1)
	if err != nil {
		return fmt.Errorf("note message %s: %w", tried.ID(), err)
	}
	return nil
}

// Retry implements outbox.Store.
func (s *Outbox) Retry(ctx context.Context, id string, at time.Time) error {
	tag, err := s.pool.Exec(ctx, "UPDATE beforehand.outbox SET state = 'waiting', attempts = 0, next = $1, ended = NULL WHERE id = $2 AND state <> 'sent'", at, id)
	if err == nil && tag.RowsAffected() == 0 {
		if _, err = s.Find(ctx, id); err == nil {
			err = outbox.ErrSent
		}
	}
	if err != nil {
		return fmt.Errorf("retry message %s: %w", id, err)
	}
	return nil
}

// Find implements outbox.Store.
func (s *Outbox) Find(ctx context.Context, id string) (m outbox.Message, err error) {
	rows, err := s.pool.Query(ctx, selectWhole+" WHERE id = $1", id)
	if err == nil {
		m, err = pgx.CollectExactlyOneRow(rows, scanMessage)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = outbox.ErrUnknown
	}
	if err != nil {
		return m, fmt.Errorf("find message %s: %w", id, err)
	}
	return m, nil
}

// List implements outbox.Store.
func (s *Outbox) List(ctx context.Context, q outbox.Query) ([]outbox.Message, error) {
	return s.some(ctx, selectHeads+" WHERE ($1::text = '' OR state = $1) AND ($2::text = '' OR site = $2) ORDER BY created DESC, id LIMIT $3",
		string(q.State), q.Site, q.Limit)
}

// Purge implements outbox.Store.
func (s *Outbox) Purge(ctx context.Context, before time.Time) (deleted int, err error) {
	tag, err := s.pool.Exec(ctx, "DELETE FROM beforehand.outbox WHERE ended < $1", before)
	if err != nil {
		return 0, fmt.Errorf("purge messages: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
