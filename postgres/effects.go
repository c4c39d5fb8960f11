package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/beforehand-go/beforehand/scheduler"
)

// writeEffect writes what a run committed, in the transaction of its outcome.
// After an error everything the change has written is rolled back.
func writeEffect(_ context.Context, _ pgx.Tx, effect any) error {
	return fmt.Errorf("write %T: %w", effect, scheduler.ErrEffect)
}
