package sqlite

import (
	"fmt"

	"github.com/beforehand-go/beforehand/scheduler"
)

// writeEffect writes what a run committed, in the transaction of its outcome.
func (c *conn) writeEffect(effect any) error {
	return fmt.Errorf("write %T: %w", effect, scheduler.ErrEffect)
}
