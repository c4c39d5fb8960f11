// Package collecttest is what the tests of the ways in have in common: a store
// and an intake as the program has them.
package collecttest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/pageview"
)

// Site is the name of the site that [Store] has.
const Site = "default"

// Store is an empty DuckDB in a temporary folder with one site of a zone.
func Store(t testing.TB, zone string) *duckdb.Store {
	t.Helper()
	store, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := store.Site(t.Context(), pageview.Site{Name: Site, Zone: zone}); err != nil {
		t.Fatal(err)
	}
	return store
}

// Intake knows visitors as long as the test lasts.
func Intake(t testing.TB) *collect.Intake {
	t.Helper()
	visitors, err := collect.NewVisitors(&salts{}, collect.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	return &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}}
}

// salts keeps salts in memory.
type salts struct{ kept sync.Map }

type saltKey struct {
	site string
	day  pageview.Day
}

func (s *salts) Salt(_ context.Context, site string, day pageview.Day, fresh []byte) ([]byte, error) {
	salt, _ := s.kept.LoadOrStore(saltKey{site, day}, fresh)
	return salt.([]byte), nil
}
