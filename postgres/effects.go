package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// refused tells whether it is the effect itself that cannot be written, now or
// later. Any other error is the database's, such as a full disk: the write
// fails as a whole and is tried again.
func refused(err error) bool {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		class := pg.Code[:min(2, len(pg.Code))]
		return class == "22" || class == "54" // bad data, or beyond a limit
	}
	return errors.Is(err, scheduler.ErrEffect) || errors.Is(err, snapshot.ErrLate)
}

// writeEffect writes what a run committed, in the transaction of its outcome.
// After an error everything the change has written is rolled back.
func writeEffect(ctx context.Context, tx pgx.Tx, effect any) error {
	switch v := effect.(type) {
	case snapshot.Snapshot:
		if _, err := putSnapshot(ctx, tx, v); err != nil {
			return fmt.Errorf("put %s: %w", v.Key, err)
		}
		return nil
	case outbox.Message:
		if err := v.Check(); err != nil {
			return fmt.Errorf("%w: %w", scheduler.ErrEffect, err)
		}
		if _, err := putMessage(ctx, tx, v); err != nil {
			return fmt.Errorf("put message %s: %w", v.ID(), err)
		}
		return nil
	}
	return fmt.Errorf("write %T: %w", effect, scheduler.ErrEffect)
}
