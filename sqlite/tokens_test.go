package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/token/tokentest"
)

func TestTokens(t *testing.T) {
	tokentest.Run(t, func(t *testing.T) token.Store {
		s, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s.Tokens()
	})
}
