package memory

import (
	"fmt"

	"github.com/beforehand-go/beforehand/scheduler"
)

// checkEffect tells whether an effect can be written.
func (s *State) checkEffect(effect any) error {
	return fmt.Errorf("write %T: %w", effect, scheduler.ErrEffect)
}

// writeEffect writes what a run committed. It is called under the lock of the
// jobs, after checkEffect has accepted each effect of the change.
func (s *State) writeEffect(effect any) {}
