package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// writeEffect writes what a run committed, in the transaction of its outcome.
// After an error everything the change has written is rolled back.
func writeEffect(ctx context.Context, tx pgx.Tx, effect any) error {
	s, ok := effect.(snapshot.Snapshot)
	if !ok {
		return fmt.Errorf("write %T: %w", effect, scheduler.ErrEffect)
	}
	if _, err := putSnapshot(ctx, tx, s); err != nil {
		return fmt.Errorf("put %s: %w", s.Key, err)
	}
	return nil
}
