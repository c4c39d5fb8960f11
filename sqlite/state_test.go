package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/statetest"
)

func TestState(t *testing.T) {
	statetest.Run(t, func(t *testing.T) func() beforehand.State {
		path := filepath.Join(t.TempDir(), "site.db")
		return func() beforehand.State { return openState(t, path) }
	})
}
