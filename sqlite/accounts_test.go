package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/account/accounttest"
	"github.com/beforehand-go/beforehand/sqlite"
)

func TestAccounts(t *testing.T) {
	accounttest.Run(t, func(t *testing.T) account.Store {
		s, err := sqlite.Open(filepath.Join(t.TempDir(), "state.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s.Accounts()
	})
}
