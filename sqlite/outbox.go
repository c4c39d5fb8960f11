package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/outbox"
)

var _ outbox.Store = (*Outbox)(nil)

// Outbox keeps what is to be told to somebody outside.
type Outbox struct{ state *State }

// Outbox returns the store of messages.
func (s *State) Outbox() outbox.Store { return &Outbox{s} }

// Put implements outbox.Store.
func (s *Outbox) Put(ctx context.Context, list ...outbox.Message) (added int, err error) {
	for i := range list {
		if err := list[i].Check(); err != nil {
			return 0, err
		}
	}
	err = s.state.write(ctx, func(c *conn) error {
		added = 0
		for _, m := range list {
			n, err := c.putMessage(m)
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
func (c *conn) putMessage(m outbox.Message) (added int64, err error) {
	m = m.New()
	body := m.Body
	if body == nil {
		body = []byte{}
	}
	return c.affect(`INSERT INTO beforehand_outbox
		(id, kind, way, recipient, tick, site, subject, body, created, state, attempts, next, error)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '') ON CONFLICT DO NOTHING`,
		m.ID(), m.Kind, string(m.Way), m.Recipient, m.Tick, m.Site, m.Subject, body, micro(m.Created), string(m.State), micro(m.Next))
}

const selectMessages = "SELECT kind, way, recipient, tick, site, subject, %s, created, state, attempts, next, ended, error FROM beforehand_outbox"

var (
	selectWhole = fmt.Sprintf(selectMessages, "body")
	selectHeads = fmt.Sprintf(selectMessages, "NULL")
)

func scanMessage(row scanner) (m outbox.Message, err error) {
	var created, next, ended sql.NullInt64
	err = row.Scan(&m.Kind, &m.Way, &m.Recipient, &m.Tick, &m.Site, &m.Subject, &m.Body, &created, &m.State, &m.Attempts, &next, &ended, &m.Error)
	m.Created, m.Next, m.Ended = fromMicro(created), fromMicro(next), fromMicro(ended)
	return m, err
}

func (s *Outbox) some(ctx context.Context, query string, args ...any) (list []outbox.Message, err error) {
	err = s.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			m, err := scanMessage(row)
			list = append(list, m)
			return err
		}, query, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return list, nil
}

// Due implements outbox.Store.
func (s *Outbox) Due(ctx context.Context, by time.Time, limit int) ([]outbox.Message, error) {
	return s.some(ctx, selectWhole+" WHERE next <= ? ORDER BY next, id LIMIT ?", micro(by), limit)
}

// Note implements outbox.Store.
func (s *Outbox) Note(ctx context.Context, tried outbox.Message) error {
	err := s.state.write(ctx, func(c *conn) error {
		return c.exec(`UPDATE beforehand_outbox SET state = ?, attempts = ?, next = ?, ended = ?, error = ?
			WHERE id = ? AND state = 'waiting' AND attempts = ?`,
			string(tried.State), tried.Attempts, micro(tried.Next), micro(tried.Ended), tried.Error, tried.ID(), tried.Attempts-1)
	})
	if err != nil {
		return fmt.Errorf("note message %s: %w", tried.ID(), err)
	}
	return nil
}

// Retry implements outbox.Store.
func (s *Outbox) Retry(ctx context.Context, id string, at time.Time) error {
	err := s.state.write(ctx, func(c *conn) error {
		n, err := c.affect("UPDATE beforehand_outbox SET state = 'waiting', attempts = 0, next = ?, ended = NULL WHERE id = ? AND state <> 'sent'",
			micro(at), id)
		if err != nil || n > 0 {
			return err
		}
		var there int
		if err := c.row("SELECT count(*) FROM beforehand_outbox WHERE id = ?", id).Scan(&there); err != nil {
			return err
		}
		if there == 0 {
			return outbox.ErrUnknown
		}
		return outbox.ErrSent
	})
	if err != nil {
		return fmt.Errorf("retry message %s: %w", id, err)
	}
	return nil
}

// Find implements outbox.Store.
func (s *Outbox) Find(ctx context.Context, id string) (m outbox.Message, err error) {
	err = s.state.read(ctx, func(c *conn) error {
		m, err = scanMessage(c.row(selectWhole+" WHERE id = ?", id))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = outbox.ErrUnknown
	}
	if err != nil {
		return m, fmt.Errorf("find message %s: %w", id, err)
	}
	return m, nil
}

// List implements outbox.Store.
func (s *Outbox) List(ctx context.Context, q outbox.Query) ([]outbox.Message, error) {
	return s.some(ctx, selectHeads+" WHERE (?1 = '' OR state = ?1) AND (?2 = '' OR site = ?2) ORDER BY created DESC, id LIMIT ?3",
		string(q.State), q.Site, q.Limit)
}

// Purge implements outbox.Store.
func (s *Outbox) Purge(ctx context.Context, before time.Time) (deleted int, err error) {
	err = s.state.write(ctx, func(c *conn) error {
		n, err := c.affect("DELETE FROM beforehand_outbox WHERE ended < ?", micro(before))
		deleted = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge messages: %w", err)
	}
	return deleted, nil
}
