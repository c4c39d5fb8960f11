package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
)

// querier is what can be asked: the readers' pool, or the writer's connection.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls row for each row of an answer, with what reads its columns.
func each(ctx context.Context, q querier, query string, row func(scan func(...any) error) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// eachNumbers calls row for each row of an answer that holds whole numbers only,
// after these were read into fields.
func eachNumbers(ctx context.Context, q querier, query string, fields []*int64, row func(), args ...any) error {
	// What a driver gives is taken as it is, which is twice as fast as to have
	// it converted.
	cells, into := make([]any, len(fields)), make([]any, len(fields))
	for i := range cells {
		into[i] = &cells[i]
	}
	return each(ctx, q, query, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		for i, cell := range cells {
			switch n := cell.(type) {
			case int64:
				*fields[i] = n
			case int32:
				*fields[i] = int64(n)
			case uint64: // of which it has the bits
				*fields[i] = int64(n)
			default:
				return fmt.Errorf("column %d is no whole number but %T", i+1, cell)
			}
		}
		row()
		return nil
	}, args...)
}

// session is a connection of its own with a transaction. database/sql has one too,
// which it rolls back by itself when a context ends: what is appended after that
// would be kept.
type session struct {
	*sql.Conn
	ended bool
}

func begin(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{Conn: conn}
	if _, err := conn.ExecContext(ctx, "BEGIN TRANSACTION"); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// commit commits; the session has still to be ended.
func (s *session) commit(ctx context.Context) error {
	_, err := s.ExecContext(ctx, "COMMIT")
	s.ended = err == nil
	return err
}

// end takes back what was not committed, and lets go of the connection.
func (s *session) end() {
	if !s.ended {
		_, err := s.ExecContext(context.Background(), "ROLLBACK")
		if err != nil { // nobody may go on with it
			_ = s.Raw(func(any) error { return sqldriver.ErrBadConn })
		}
	}
	s.Close()
}
