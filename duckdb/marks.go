package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/beforehand-go/beforehand/pageview"
)

const markSQL = `SELECT "at" FROM marks WHERE site = ? AND source = ?`

// Mark implements pageview.Store.
func (s *Store) Mark(ctx context.Context, name, source string) (string, error) {
	db, v, err := s.reader()
	if err != nil {
		return "", err
	}
	at, _, err := findMark(db.QueryRowContext(ctx, markSQL, v.sites[name].id, source))
	if err != nil {
		return "", fmt.Errorf("look up mark of %s: %w", source, err)
	}
	return at, nil
}

func findMark(row *sql.Row) (at string, found bool, err error) {
	err = row.Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return at, err == nil, err
}

// moveSourceMark moves the mark of a source that is no log file. The first
// error refuses a step that does not begin where the last one ended.
func (w *writer) moveSourceMark(ctx context.Context, step pageview.MarkStep) (refused, err error) {
	s, ok := w.sites[step.Site]
	if !ok {
		return fmt.Errorf("site %q is not known", step.Site), nil
	}
	at, found, err := findMark(w.conn.QueryRowContext(ctx, markSQL, s.id, step.Source))
	if err != nil {
		return nil, fmt.Errorf("look up mark of %s: %w", step.Source, err)
	}
	if at != step.From {
		return pageview.ErrMarkMoved, nil
	}
	if found {
		_, err = w.conn.ExecContext(ctx, `UPDATE marks SET "at" = ? WHERE site = ? AND source = ?`, step.To, s.id, step.Source)
	} else {
		_, err = w.conn.ExecContext(ctx, `INSERT INTO marks VALUES (?, ?, ?)`, s.id, step.Source, step.To)
	}
	return nil, err
}
