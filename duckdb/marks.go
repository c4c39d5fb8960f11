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
	db, v, err := s.reader(ctx)
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

// screenMark tells whether the source of a step has a mark, and refuses a step
// that does not begin where the last one ended.
func (w *writer) screenMark(ctx context.Context, step *pageview.MarkStep) (marked bool, err error) {
	s, ok := w.sites[step.Site]
	if !ok {
		return false, refusal{fmt.Errorf("site %q is not known", step.Site)}
	}
	if err := valid(step.Source, step.To); err != nil {
		return false, refusal{err}
	}
	at, marked, err := findMark(w.conn.QueryRowContext(ctx, markSQL, s.id, step.Source))
	if err != nil {
		return false, fmt.Errorf("look up mark of %s: %w", step.Source, err)
	}
	if at != step.From {
		return marked, refusal{pageview.ErrMarkMoved}
	}
	return marked, nil
}

// moveMark moves the mark of a source that is no log file.
func (w *writer) moveMark(ctx context.Context, step *pageview.MarkStep, marked bool) (err error) {
	site := w.sites[step.Site].id
	if marked {
		_, err = w.conn.ExecContext(ctx, `UPDATE marks SET "at" = ? WHERE site = ? AND source = ?`, step.To, site, step.Source)
	} else {
		_, err = w.conn.ExecContext(ctx, `INSERT INTO marks VALUES (?, ?, ?)`, site, step.Source, step.To)
	}
	return err
}
