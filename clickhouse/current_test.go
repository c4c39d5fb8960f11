//go:build cgo && linux

package clickhouse_test

import (
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/internal/chdbtest"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/pageviewtest"
)

// TestCurrentClickHouse holds a current ClickHouse to the same suite, with all of
// its questions.
func TestCurrentClickHouse(t *testing.T) {
	server := chdbtest.Start(t)
	pageviewtest.Run(t, func(t *testing.T) func() pageview.Store {
		c := clickhouse.Config{URL: server.Database(t), Spool: filepath.Join(t.TempDir(), "spool.db")}
		return func() pageview.Store { return open(t, c) }
	})
}
