package scheduler_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler/schedulertest"
)

func TestSimulatedFaults(t *testing.T) {
	schedulertest.Seeds(t, 5, 5000, 0, func(*testing.T) schedulertest.State { return memory.New() })
}
