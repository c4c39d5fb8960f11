package sqlite

import (
	"fmt"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// writeEffect writes what a run committed, in the transaction of its outcome.
func (c *conn) writeEffect(effect any) error {
	s, ok := effect.(snapshot.Snapshot)
	if !ok {
		return fmt.Errorf("write %T: %w", effect, scheduler.ErrEffect)
	}
	_, err := c.putSnapshot(s)
	return wrap("put "+s.String(), err)
}
