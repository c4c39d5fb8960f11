package clickhouse_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/pageviewtest"
)

func TestStore(t *testing.T) {
	server := clickhousetest.Start(t)
	pageviewtest.RunSome(t, func(t *testing.T) func() pageview.Store {
		c := clickhouse.Config{URL: server.Database(t), Spool: filepath.Join(t.TempDir(), "spool.db")}
		return func() pageview.Store { return open(t, c) }
	}, 8)
}

func open(t testing.TB, c clickhouse.Config) *clickhouse.Store {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		c.Logger = slog.Default()
	}
	s, err := clickhouse.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
