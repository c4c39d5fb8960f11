package postgres_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/snapshot/snapshottest"
)

func TestSnapshots(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	snapshottest.Run(t, func(t *testing.T) (snapshot.Store, func() snapshot.Store) {
		dsn := server.Database(t)
		again := func() snapshot.Store { return openState(t, dsn).Snapshots() }
		return again(), again
	})
}
