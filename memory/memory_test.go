package memory_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/scheduler/schedulertest"
)

func TestJobs(t *testing.T) {
	schedulertest.Run(t, schedulertest.Engine{
		Open: func(*testing.T) scheduler.Store { return memory.New().Jobs() },
	})
}
