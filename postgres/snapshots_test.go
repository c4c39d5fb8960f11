package postgres_test

import (
	"context"
	"testing"

	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/snapshot/snapshottest"
)

func TestSnapshots(t *testing.T) {
	server := pgtest.Start(t, "fsync=off")
	snapshottest.Run(t, func(t *testing.T) (snapshot.Store, func() snapshot.Store) {
		dsn := server.Database(t)
		again := func() snapshot.Store {
			state, err := postgres.Open(context.Background(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := state.Close(); err != nil {
					t.Error(err)
				}
			})
			return state.Snapshots()
		}
		return again(), again
	})
}
