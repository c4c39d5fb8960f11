package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand/account"
)

var _ account.Store = (*Accounts)(nil)

// Accounts keeps what is known of people.
type Accounts struct{ pool *pgxpool.Pool }

// Accounts returns the store of accounts.
func (s *State) Accounts() account.Store { return &Accounts{s.pool} }

const accountColumns = "kind, key, version, until, body"

func scanAccount(row pgx.CollectableRow) (r account.Record, err error) {
	var until pgtype.Timestamptz
	err = row.Scan(&r.Kind, &r.Key, &r.Version, &until, &r.Body)
	if until.Valid {
		r.Until = until.Time.UTC()
	}
	return r, err
}

// Get implements account.Store.
func (s *Accounts) Get(ctx context.Context, kind account.Kind, key string) (account.Record, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+accountColumns+" FROM beforehand.accounts WHERE kind = $1 AND key = $2", kind, key)
	if err != nil {
		return account.Record{}, fmt.Errorf("look up %s: %w", kind, err)
	}
	r, err := pgx.CollectOneRow(rows, scanAccount)
	if errors.Is(err, pgx.ErrNoRows) {
		err = account.ErrUnknown
	}
	if err != nil {
		return r, fmt.Errorf("look up %s: %w", kind, err)
	}
	return r, nil
}

// List implements account.Store.
func (s *Accounts) List(ctx context.Context, kind account.Kind, before string, limit int) ([]account.Record, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+accountColumns+` FROM beforehand.accounts
		WHERE kind = $1 AND ($2 = '' OR key < $2) ORDER BY key DESC LIMIT nullif($3::bigint, 0)`, kind, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list %ss: %w", kind, err)
	}
	list, err := pgx.CollectRows(rows, scanAccount)
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
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		for _, c := range changes {
			if err := writeAccount(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if deadlock := (*pgconn.PgError)(nil); errors.As(err, &deadlock) && deadlock.Code == "40P01" {
		err = account.ErrChanged // two changed the same records, each in its order
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", changes[0].Kind, err)
	}
	return nil
}

func writeAccount(ctx context.Context, tx pgx.Tx, c account.Change) error {
	r := c.Record
	until := pgtype.Timestamptz{Time: r.Until, Valid: !r.Until.IsZero()}
	sql, args := "UPDATE beforehand.accounts SET version = version + 1, until = $4, body = $5 WHERE kind = $1 AND key = $2 AND version = $3",
		[]any{r.Kind, r.Key, r.Version, until, r.Body}
	switch {
	case c.Delete:
		sql, args = "DELETE FROM beforehand.accounts WHERE kind = $1 AND key = $2 AND version = $3", args[:3]
	case r.Version == 0:
		sql = "INSERT INTO beforehand.accounts (" + accountColumns + ") VALUES ($1, $2, $3::bigint + 1, $4, $5) ON CONFLICT DO NOTHING"
	}
	tag, err := tx.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() != 1 {
		err = account.ErrChanged
	}
	return err
}

// Purge implements account.Store.
func (s *Accounts) Purge(ctx context.Context, now time.Time) error {
	if _, err := s.pool.Exec(ctx, "DELETE FROM beforehand.accounts WHERE until <= $1", now); err != nil {
		return fmt.Errorf("purge accounts: %w", err)
	}
	return nil
}
