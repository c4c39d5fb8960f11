package postgres_test

import (
	"testing"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/statetest"
)

func TestState(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	statetest.Run(t, func(t *testing.T) func() beforehand.State {
		dsn := server.Database(t)
		return func() beforehand.State { return openState(t, dsn) }
	})
}
