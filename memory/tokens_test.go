package memory_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/token/tokentest"
)

func TestTokens(t *testing.T) {
	tokentest.Run(t, func(*testing.T) token.Store { return memory.New().Tokens() })
	tokentest.RunRevoked(t, func() token.Store { return memory.New().Tokens() })
}
