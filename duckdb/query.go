package duckdb

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
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
// after these were read into fields. Row must not ask q.
func eachNumbers(ctx context.Context, q querier, query string, fields []*int64, row func(), args ...any) error {
	conn, ours, err := connection(ctx, q)
	if err != nil {
		return err
	}
	if ours {
		defer conn.Close()
	}
	// The driver is asked itself: database/sql costs as much again for each number.
	return conn.Raw(func(c any) error {
		rows, err := c.(sqldriver.QueryerContext).QueryContext(ctx, query, named(args))
		if err != nil {
			return err
		}
		defer rows.Close()
		cells := make([]sqldriver.Value, len(fields))
		for {
			if err := rows.Next(cells); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
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
		}
	})
}

// connection is the one that is asked, and whether it is to be closed again.
func connection(ctx context.Context, q querier) (conn *sql.Conn, ours bool, err error) {
	switch q := q.(type) {
	case *sql.DB:
		conn, err = q.Conn(ctx)
		return conn, true, err
	case *session:
		return q.Conn, false, nil
	}
	return q.(*sql.Conn), false, nil
}

// named are arguments, each a sql.NamedArg, as the driver takes them.
func named(args []any) (values []sqldriver.NamedValue) {
	for i, a := range args {
		n := a.(sql.NamedArg)
		values = append(values, sqldriver.NamedValue{Name: n.Name, Ordinal: i + 1, Value: n.Value})
	}
	return values
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
