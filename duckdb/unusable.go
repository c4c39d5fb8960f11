package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// errUnusable has the writer open the file again.
var errUnusable = errors.New("DuckDB declared the database unusable")

// unusable tells whether an error left a database that nothing can be read from or
// written to. One statement that trips over a mistake in DuckDB does that to all.
func unusable(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "database has been invalidated") || strings.Contains(err.Error(), "INTERNAL Error:"))
}

// reading calls what reads, and once more where the database became unusable or was
// opened again meanwhile: nothing that was committed is lost by that.
func reading[T any](ctx context.Context, s *Store, f func() (T, error)) (T, error) {
	db := s.db.Load()
	v, err := f()
	if err == nil || ctx.Err() != nil || !unusable(err) && s.db.Load() == db {
		return v, err
	}
	if err := s.renew(ctx, db, err); err != nil {
		return v, err
	}
	return f()
}

// renew has the writer open the file again, unless it has.
func (s *Store) renew(ctx context.Context, old *sql.DB, why error) error {
	if s.db.Load() != old {
		return nil
	}
	s.config.Logger.Error("the database is unusable and is opened again", "error", why)
	err := s.do(ctx, func(context.Context, *writer) error {
		if s.db.Load() != old {
			return nil
		}
		return errUnusable
	})
	if s.db.Load() != old { // whatever was in the way of a transaction
		return nil
	}
	return err
}
