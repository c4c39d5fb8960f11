package tables

import (
	"context"
	"time"

	"github.com/beforehand-go/beforehand/collect"
)

// RunAt is Run at another time.
func (t *Table) RunAt(ctx context.Context, now time.Time) (collect.Summary, error) {
	return t.run(ctx, now)
}
