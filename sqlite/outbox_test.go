package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/outbox/outboxtest"
	"github.com/beforehand-go/beforehand/sqlite"
)

func TestOutbox(t *testing.T) {
	open := func(t *testing.T) *sqlite.State {
		s, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	outboxtest.Run(t, func(t *testing.T) outbox.Store { return open(t).Outbox() })
	outboxtest.RunEffects(t, func(t *testing.T) outboxtest.State { return open(t) })
}
