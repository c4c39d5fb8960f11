package memory_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/outbox/outboxtest"
)

func TestOutbox(t *testing.T) {
	outboxtest.Run(t, func(*testing.T) outbox.Store { return memory.New().Outbox() })
	outboxtest.RunEffects(t, func(*testing.T) outboxtest.State { return memory.New() })
}
