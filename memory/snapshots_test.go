package memory_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/snapshot/snapshottest"
)

func TestSnapshots(t *testing.T) {
	snapshottest.Run(t, func(t *testing.T) (snapshot.Store, func() snapshot.Store) {
		return memory.New().Snapshots(), nil
	})
}
