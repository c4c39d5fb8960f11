package memory_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/account/accounttest"
	"github.com/beforehand-go/beforehand/memory"
)

func TestAccounts(t *testing.T) {
	accounttest.Run(t, func(*testing.T) account.Store { return memory.New().Accounts() })
	accounttest.RunRules(t, func() account.Store { return memory.New().Accounts() })
}
