package duckdb

import (
	"context"
	sqldriver "database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Log implements pageview.Store.
func (s *Store) Log(ctx context.Context, name string, p pageview.Prints) (pageview.Mark, error) {
	db, v, err := s.reader()
	if err != nil {
		return pageview.Mark{}, err
	}
	known, err := findLog(ctx, db, v.sites[name].id, p)
	if err != nil {
		return pageview.Mark{}, fmt.Errorf("look up log file: %w", err)
	}
	return known.mark, nil
}

// logRow is a row of the table logs.
type logRow struct {
	found  bool
	row    int64
	prints pageview.Prints
	mark   pageview.Mark
}

// findLog finds the row whose prints are the same as p. Where several are,
// it is the one that agrees over the most lines.
func findLog(ctx context.Context, q querier, site uint16, p pageview.Prints) (logRow, error) {
	var best logRow
	if len(p) == 0 {
		return best, nil
	}
	const query = `SELECT rowid, prints, "offset", lines FROM logs WHERE site = ? AND first = ?`
	// database/sql takes no uint64 with its high bit set.
	err := each(ctx, q, query, func(scan func(...any) error) error {
		r := logRow{found: true}
		var blob []byte
		if err := scan(&r.row, &blob, &r.mark.Offset, &r.mark.Lines); err != nil {
			return err
		}
		r.prints = decodePrints(blob)
		if r.prints.Same(p) && len(r.prints) > len(best.prints) {
			best = r
		}
		return nil
	}, site, int64(p[0]))
	return best, err
}

// screenLog finds the log file of a step, and refuses one that does not begin
// where the last one ended.
func (w *writer) screenLog(ctx context.Context, step *pageview.LogStep) (logRow, error) {
	s, ok := w.sites[step.Site]
	if !ok {
		return logRow{}, refusal{fmt.Errorf("site %q is not known", step.Site)}
	}
	if len(step.Prints) == 0 {
		return logRow{}, refusal{errors.New("a log file without prints")}
	}
	known, err := findLog(ctx, w.conn, s.id, step.Prints)
	if err != nil {
		return logRow{}, fmt.Errorf("look up log file: %w", err)
	}
	if known.mark != step.From {
		return logRow{}, refusal{pageview.ErrLogMoved}
	}
	return known, nil
}

// moveLog moves the mark of a log file.
func (w *writer) moveLog(ctx context.Context, step *pageview.LogStep, known logRow) error {
	now := micro(time.Now())
	if !known.found {
		_, err := w.conn.ExecContext(ctx, `INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?)`,
			w.sites[step.Site].id, int64(step.Prints[0]), encodePrints(step.Prints), step.To.Offset, step.To.Lines, now)
		return err
	}
	prints := known.prints
	if len(step.Prints) > len(prints) {
		prints = step.Prints // the file grew
	}
	_, err := w.conn.ExecContext(ctx,
		`UPDATE logs SET prints = ?, "offset" = ?, lines = ?, read_at = ? WHERE rowid = ?`,
		encodePrints(prints), step.To.Offset, step.To.Lines, now, known.row)
	return err
}

// appendAll appends n rows to a table.
func (w *writer) appendAll(table string, n int, row func(i int) []any) error {
	a, err := w.appender(table)
	if err != nil {
		return err
	}
	for i := range n {
		values := row(i)
		args := make([]sqldriver.Value, len(values))
		for j, v := range values {
			args[j] = v
		}
		if err := a.AppendRow(args...); err != nil {
			a.Close()
			return err
		}
	}
	return a.Close()
}

func encodePrints(p pageview.Prints) []byte {
	b := make([]byte, 0, 8*len(p))
	for _, v := range p {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

func decodePrints(b []byte) pageview.Prints {
	p := make(pageview.Prints, 0, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		p = append(p, binary.LittleEndian.Uint64(b))
	}
	return p
}
