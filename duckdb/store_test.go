package duckdb

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/pageviewtest"
)

func TestStore(t *testing.T) {
	pageviewtest.Run(t, func(t *testing.T) func() pageview.Store {
		path := filepath.Join(t.TempDir(), "pageviews.duckdb")
		pieces := false
		return func() pageview.Store {
			s := open(t, path)
			if pieces = !pieces; pieces { // or nothing here would be much to add up
				s.foldMost = foldMost{rows: 30, sums: 200}
				s.mirror.most, s.mirror.mostCut, s.mirror.idle = 400, 20, 0
				s.recent.most = 20
			}
			return s
		}
	})
}

// readers is what readers have to read from: all that was acknowledged.
func readers(t testing.TB, s *Store) *sql.DB {
	t.Helper()
	db, _, err := s.reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// through is the number of the pageview or stay that was acknowledged last.
func through(t testing.TB, s *Store) uint64 {
	t.Helper()
	readers(t, s)
	return s.view.Load().through
}

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
