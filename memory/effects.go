package memory

import (
	"fmt"

	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// checkEffect tells whether an effect can be written.
func (s *State) checkEffect(effect any) error {
	switch v := effect.(type) {
	case snapshot.Snapshot:
		s.snapshots.mu.Lock()
		defer s.snapshots.mu.Unlock()
		return s.snapshots.refuse(v)
	case outbox.Message:
		if err := v.Check(); err != nil {
			return fmt.Errorf("%w: %w", scheduler.ErrEffect, err)
		}
		return nil
	}
	return fmt.Errorf("write %T: %w", effect, scheduler.ErrEffect)
}

// writeEffect writes what a run committed. It is called under the lock of the
// jobs, after checkEffect has accepted each effect of the change.
func (s *State) writeEffect(effect any) {
	switch v := effect.(type) {
	case snapshot.Snapshot:
		s.snapshots.mu.Lock()
		defer s.snapshots.mu.Unlock()
		s.snapshots.put(v)
	case outbox.Message:
		s.messages.mu.Lock()
		defer s.messages.mu.Unlock()
		s.messages.put(v)
	}
}
