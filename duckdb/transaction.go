package duckdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// refusal is why one request alone was refused, before anything of it was
// written. Any other error ends the whole group.
type refusal struct{ error }

// keep has a group on disk, all of it or nothing: in the spool, or, with all that
// waits there, in DuckDB. The first result holds, for each request, why it was
// refused.
//
// A group that leaves rows in one table, as most do, is committed by the one
// statement that inserts them. BEGIN and COMMIT are statements: each is planned
// and handed to DuckDB's threads, and while one of them waits for the disk another
// one spins.
func (w *writer) keep(ctx context.Context, group []request) (refused []error, err error) {
	w.begun = false
	first := w.seq + 1
	defer func() {
		if err != nil && w.begun {
			w.conn.ExecContext(ctx, "ROLLBACK")
		}
	}()
	refused = make([]error, len(group))
	for i, r := range group {
		err := w.carryOut(ctx, r)
		if no := (refusal{}); errors.As(err, &no) {
			refused[i] = no.error
		} else if err != nil {
			return nil, err
		}
	}
	if w.putInSpool(first, group, refused) {
		return refused, nil
	}
	if err := w.flush(ctx); err != nil {
		return nil, err
	}
	if w.begun {
		if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
			return nil, err
		}
	}
	w.spool.clear()
	return refused, nil
}

// putInSpool puts the rows of a group from the first on in the spool, and tells
// whether they are there. Else they go to DuckDB, which says what is wrong with the
// disk, if anything is.
func (w *writer) putInSpool(first uint64, group []request, refused []error) bool {
	if w.begun || len(w.pageviews.rows)+len(w.stays.rows) > maxSpoolRows {
		return false
	}
	batches, keyed := make([]*pageview.Batch, 0, len(group)), false
	for i, r := range group {
		if r.batch == nil {
			return false
		}
		if refused[i] == nil {
			batches, keyed = append(batches, r.batch), keyed || r.batch.Key != nil
		}
	}
	if w.seq < first { // no rows, by which a record would be known
		return !keyed
	}
	return w.spool.put(first, batches) == nil
}

// openSpool takes up what DuckDB does not have.
func (w *writer) openSpool(ctx context.Context, path string) error {
	w.spool = &spool{path: path + spoolSuffix}
	var id []byte
	if err := w.conn.QueryRowContext(ctx, `SELECT id FROM spool`).Scan(&id); err != nil {
		return fmt.Errorf("load id of spool: %w", err)
	}
	copy(w.spool.id[:], id)
	return w.spool.open(w.seq, func(b *pageview.Batch) error {
		marked, err := w.screen(ctx, b)
		if err == nil {
			err = w.write(ctx, b, marked)
		}
		return err
	})
}

// begin begins the group's transaction, unless it was begun.
func (w *writer) begin(ctx context.Context) error {
	if w.begun {
		return nil
	}
	_, err := w.conn.ExecContext(ctx, "BEGIN TRANSACTION")
	w.begun = err == nil
	return err
}

// carryOut writes one request.
func (w *writer) carryOut(ctx context.Context, r request) error {
	switch {
	case r.do != nil:
		if err := w.begin(ctx); err != nil {
			return err
		}
		if err := w.flush(ctx); err != nil { // it finds what came before
			return err
		}
		return r.do(ctx, w)
	case r.batch == nil:
		return nil
	}
	marked, err := w.screen(ctx, r.batch)
	if err != nil {
		return err
	}
	if r.batch.Log != nil || r.batch.Mark != nil {
		if err := w.begin(ctx); err != nil {
			return err
		}
	}
	return w.write(ctx, r.batch, marked)
}

// flush hands DuckDB what is still held of a group.
func (w *writer) flush(ctx context.Context) error {
	now := time.Now()
	a := &w.added
	if len(w.pageviews.rows) > 0 && len(w.stays.rows) > 0 || len(a.pages)+len(a.titles)+len(a.names)+len(a.sources)+len(a.keys) > 0 || w.keys.due(now) {
		if err := w.begin(ctx); err != nil {
			return err
		}
	}
	w.tail.add(w.pageviews.rows)
	if err := w.pageviews.flush(ctx); err != nil {
		return err
	}
	if err := w.stays.flush(ctx); err != nil {
		return err
	}
	clear(w.met[:]) // or texts of senders that were answered would stay
	if err := w.writeAdded(ctx); err != nil {
		return err
	}
	return w.writeKeys(ctx, now)
}
