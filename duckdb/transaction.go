package duckdb

import (
	"context"
	"errors"
	"time"
)

// refusal is why one request alone was refused, before anything of it was
// written. Any other error ends the whole group.
type refusal struct{ error }

// transaction writes a group, all of it or nothing. The first result holds, for
// each request, why it was refused.
//
// A group that leaves rows in one table, as most do, is committed by the one
// statement that inserts them. BEGIN and COMMIT are statements: each is planned
// and handed to DuckDB's threads, and while one of them waits for the disk another
// one spins.
func (w *writer) transaction(ctx context.Context, group []request) (refused []error, err error) {
	w.begun = false
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
	if err := w.flush(ctx); err != nil {
		return nil, err
	}
	if w.begun {
		_, err = w.conn.ExecContext(ctx, "COMMIT")
	}
	return refused, err
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
	if r.do != nil {
		if err := w.begin(ctx); err != nil {
			return err
		}
		return r.do(ctx, w)
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
	if len(w.pageviews.rows) > 0 && len(w.stays.rows) > 0 || len(a.pages)+len(a.names)+len(a.sources)+len(a.keys) > 0 || w.keys.due(now) {
		if err := w.begin(ctx); err != nil {
			return err
		}
	}
	if err := w.pageviews.flush(ctx); err != nil {
		return err
	}
	if err := w.stays.flush(ctx); err != nil {
		return err
	}
	clear(w.met[:]) // or texts of senders that were answered would stay
	if err := w.writeAdded(); err != nil {
		return err
	}
	return w.writeKeys(ctx, now)
}
