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

// Logs implements pageview.Store.
func (s *Store) Logs(ctx context.Context, name string, first uint64) ([]pageview.KnownLog, error) {
	db, v, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	const query = `SELECT prints, "offset", lines, print FROM logs WHERE site = ? AND first = ?`
	var known []pageview.KnownLog
	// database/sql takes no uint64 with its high bit set.
	err = each(ctx, db, query, func(scan func(...any) error) error {
		k, err := scanLog(scan)
		known = append(known, k)
		return err
	}, v.sites[name].id, int64(first))
	if err != nil {
		return nil, fmt.Errorf("look up log file: %w", err)
	}
	return known, nil
}

func scanLog(scan func(...any) error) (k pageview.KnownLog, err error) {
	var blob []byte
	var last int64
	err = scan(&blob, &k.Mark.Offset, &k.Mark.Lines, &last)
	k.Prints, k.Mark.Print = decodePrints(blob), uint64(last)
	return k, err
}

// isMark is the row of a log file that was read up to a mark.
const isMark = `site = ? AND first = ? AND "offset" = ? AND lines = ? AND print = ?`

func (w *writer) markArgs(step *pageview.LogStep) []any {
	return []any{w.sites[step.Site].id, int64(step.Prints[0]), step.From.Offset, step.From.Lines, int64(step.From.Print)}
}

// screenLog refuses a step of a log file that does not begin where the last one
// ended, and a new file of which somebody else has become known meanwhile.
func (w *writer) screenLog(ctx context.Context, step *pageview.LogStep) error {
	if _, ok := w.sites[step.Site]; !ok {
		return refusal{fmt.Errorf("site %q is not known", step.Site)}
	}
	if len(step.Prints) == 0 {
		return refusal{errors.New("a log file without prints")}
	}
	where, args, want := isMark, w.markArgs(step), 1
	if step.New {
		where, args, want = `site = ? AND first = ?`, args[:2], step.Beside
	}
	var n int
	row := w.conn.QueryRowContext(ctx, `SELECT count(*) FROM logs WHERE `+where, args...)
	if err := row.Scan(&n); err != nil {
		return fmt.Errorf("look up log file: %w", err)
	}
	if n != want {
		return refusal{pageview.ErrLogMoved}
	}
	return nil
}

// moveLog moves the mark of a log file.
func (w *writer) moveLog(ctx context.Context, step *pageview.LogStep) error {
	to := []any{encodePrints(step.Prints), step.To.Offset, step.To.Lines, int64(step.To.Print), micro(time.Now())}
	if step.New {
		_, err := w.conn.ExecContext(ctx,
			`INSERT INTO logs (prints, "offset", lines, print, read_at, site, first) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			append(to, w.markArgs(step)[:2]...)...)
		return err
	}
	_, err := w.conn.ExecContext(ctx,
		`UPDATE logs SET prints = ?, "offset" = ?, lines = ?, print = ?, read_at = ? WHERE `+isMark,
		append(to, w.markArgs(step)...)...)
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
