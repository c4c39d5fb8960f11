package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/beforehand-go/beforehand/account"
)

var _ account.Store = (*Accounts)(nil)

// Accounts keeps what is known of people.
type Accounts struct{ state *State }

// Accounts returns the store of accounts.
func (s *State) Accounts() account.Store { return &Accounts{s} }

const accountColumns = "kind, key, version, until, body"

func scanAccount(row scanner) (r account.Record, err error) {
	var until sql.NullInt64
	if err := row.Scan(&r.Kind, &r.Key, &r.Version, &until, &r.Body); err != nil {
		return r, err
	}
	if until.Valid {
		r.Until = time.UnixMicro(until.Int64).UTC()
	}
	return r, nil
}

// Get implements account.Store.
func (s *Accounts) Get(ctx context.Context, kind account.Kind, key string) (r account.Record, err error) {
	err = s.state.read(ctx, func(c *conn) error {
		r, err = scanAccount(c.row("SELECT "+accountColumns+" FROM beforehand_accounts WHERE kind = ? AND key = ?", string(kind), key))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = account.ErrUnknown
	}
	if err != nil {
		return r, fmt.Errorf("look up %s: %w", kind, err)
	}
	return r, nil
}

// List implements account.Store.
func (s *Accounts) List(ctx context.Context, kind account.Kind, before string, limit int) (list []account.Record, err error) {
	if limit == 0 {
		limit = math.MaxInt32
	}
	err = s.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			r, err := scanAccount(row)
			list = append(list, r)
			return err
		}, "SELECT "+accountColumns+" FROM beforehand_accounts WHERE kind = ? AND (? = '' OR key < ?) ORDER BY key DESC LIMIT ?",
			string(kind), before, before, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list %ss: %w", kind, err)
	}
	return list, nil
}

// Write implements account.Store.
func (s *Accounts) Write(ctx context.Context, changes []account.Change) error {
	if len(changes) == 0 {
		return nil
	}
	err := s.state.write(ctx, func(c *conn) error {
		for _, change := range changes {
			if err := writeAccount(c, change); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", changes[0].Kind, err)
	}
	return nil
}

func writeAccount(c *conn, change account.Change) error {
	r := change.Record
	until := sql.NullInt64{Int64: r.Until.UnixMicro(), Valid: !r.Until.IsZero()}
	var n int64
	var err error
	switch {
	case change.Delete:
		n, err = c.affect("DELETE FROM beforehand_accounts WHERE kind = ? AND key = ? AND version = ?", string(r.Kind), r.Key, r.Version)
	case r.Version == 0:
		n, err = c.affect("INSERT INTO beforehand_accounts ("+accountColumns+") VALUES (?, ?, 1, ?, ?) ON CONFLICT DO NOTHING",
			string(r.Kind), r.Key, until, r.Body)
	default:
		n, err = c.affect("UPDATE beforehand_accounts SET version = version + 1, until = ?, body = ? WHERE kind = ? AND key = ? AND version = ?",
			until, r.Body, string(r.Kind), r.Key, r.Version)
	}
	if err == nil && n != 1 {
		err = account.ErrChanged
	}
	return err
}

// Purge implements account.Store.
func (s *Accounts) Purge(ctx context.Context, now time.Time) error {
	err := s.state.write(ctx, func(c *conn) error {
		return c.exec("DELETE FROM beforehand_accounts WHERE until <= ?", now.UnixMicro())
	})
	if err != nil {
		return fmt.Errorf("purge accounts: %w", err)
	}
	return nil
}
