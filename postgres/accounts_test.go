package postgres_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/account/accounttest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
)

func TestAccounts(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	accounttest.Run(t, func(t *testing.T) account.Store { return openState(t, server.Database(t)).Accounts() })
}
