package memory

import (
	"fmt"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

// checkEffect tells whether an effect can be written.
func (s *State) checkEffect(effect any) error {
	snap, ok := effect.(snapshot.Snapshot)
	if !ok {
		return fmt.Errorf("write %T: %w", effect, scheduler.ErrEffect)
	}
	s.snapshots.mu.Lock()
	defer s.snapshots.mu.Unlock()
	return s.snapshots.refuse(snap)
}

// writeEffect writes what a run committed. It is called under the lock of the
// jobs, after checkEffect has accepted each effect of the change.
func (s *State) writeEffect(effect any) {
	s.snapshots.mu.Lock()
	defer s.snapshots.mu.Unlock()
	s.snapshots.put(effect.(snapshot.Snapshot))
}
