package clickhouse

import (
	"context"
	"time"
)

// Sweep deletes what nobody uses any more at a moment.
func (s *Store) Sweep(ctx context.Context, now time.Time) error { return s.sweep(ctx, now) }
