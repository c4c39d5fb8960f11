package duckdb

import (
	"context"
	"database/sql"
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
			default:
				return fmt.Errorf("column %d is no whole number but %T", i+1, cell)
			}
		}
		row()
		return nil
	}, args...)
}
