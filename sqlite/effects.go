package sqlite

import (
	"errors"
	"fmt"

	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// refused tells whether it is the effect itself that cannot be written, now or
// later. Any other error is SQLite's, such as a full disk: the write fails as a
// whole and is tried again.
func refused(err error) bool {
	return errors.Is(err, scheduler.ErrEffect) || errors.Is(err, snapshot.ErrLate)
}

// writeEffect writes what a run committed, in the transaction of its outcome.
func (c *conn) writeEffect(effect any) error {
	switch v := effect.(type) {
	case snapshot.Snapshot:
		_, err := c.putSnapshot(v)
		return wrap("put "+v.String(), err)
	case outbox.Message:
		if err := v.Check(); err != nil {
			return fmt.Errorf("%w: %w", scheduler.ErrEffect, err)
		}
		_, err := c.putMessage(v)
		return wrap("put message "+v.ID(), err)
	}
	return fmt.Errorf("write %T: %w", effect, scheduler.ErrEffect)
}
