package duckdb

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
)

// breakingSQL makes a database of DuckDB 1.5 unusable once in a hundred times, on
// several threads.
const breakingSQL = `
WITH one AS (SELECT range AS x FROM range(1)), few AS (
  SELECT * FROM one WHERE x >= 5000
  UNION ALL
  SELECT * FROM one WHERE NOT EXISTS (SELECT 1 FROM one WHERE x >= 5000)
)
SELECT x, count(*) OVER () FROM few ORDER BY x LIMIT 5`

// Where a mistake in DuckDB made the database unusable, readers open the file again
// and do not wait for somebody to write.
func TestReadersOpenTheFileAgain(t *testing.T) {
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb"), Threads: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	keepViews(t, s, seenOn("2026-01-01 10:00:00", "/a", 1))
	broken := s.db.Load()
	for range 5_000 {
		if _, err = broken.ExecContext(t.Context(), breakingSQL); err != nil {
			break
		}
	}
	if err == nil {
		t.Skip("DuckDB has mended it")
	}
	if !unusable(err) {
		t.Fatalf("not known as an error that makes a database unusable: %v", err)
	}
	if got, want := total(t, s), (pageview.Values{Pageviews: 1, Visits: 1, Visitors: 1}); got != want {
		t.Errorf("read %+v, want %+v", got, want)
	}
	if broken.PingContext(t.Context()) == nil || s.db.Load() == broken {
		t.Error("the unusable database is still open")
	}
	keepViews(t, s, seenOn("2026-01-01 11:00:00", "/b", 2))
	if got := total(t, s); got.Pageviews != 2 {
		t.Errorf("what came afterwards is not counted: %+v", got)
	}
	// Who still had the old one finds the new one, and does not open it again.
	renewed := s.db.Load()
	if err := s.renew(t.Context(), broken, errUnusable); err != nil || s.db.Load() != renewed {
		t.Errorf("opened once more, error %v", err)
	}
}

func TestAWrongQuestionIsAskedOnce(t *testing.T) {
	s := blog(t)
	tries := 0
	_, err := reading(t.Context(), s, func() (int, error) {
		tries++
		return 0, errors.New("Binder Error: no such column")
	})
	if err == nil || tries != 1 {
		t.Errorf("after %d tries error %v", tries, err)
	}
}
