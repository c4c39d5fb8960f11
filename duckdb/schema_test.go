package duckdb

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestFileOfTheFirstVersion opens a file that the first version made, on each
// version that came between.
func TestFileOfTheFirstVersion(t *testing.T) {
	const rows = `
		INSERT INTO sites VALUES (1, 'blog', 'Asia/Shanghai');
		INSERT INTO pages VALUES (1, 1, '/a', 'A'), (2, 1, '/b', '');
		INSERT INTO names VALUES (1, 'Firefox'), (2, 'agent');
		INSERT INTO pageviews VALUES
			(1, 1, TIMESTAMP '2026-01-01 10:00:00', DATE '2026-01-01', 1, 7, 0, 1, 0, 0, 0, 1),
			(2, 1, TIMESTAMP '2026-01-01 11:00:00', DATE '2026-01-01', 2, 7, 0, 1, 0, 0, 0, 1),
			(3, 1, TIMESTAMP '2026-01-01 11:00:00', DATE '2026-01-01', 2, 8, 0, 1, 0, 0, 2, 1),
			(4, 1, TIMESTAMP '2026-01-02 11:00:00', DATE '2026-01-02', 2, 8, 0, 1, 0, 0, 2, 1);
		INSERT INTO logs VALUES (1, 5, '\x05\x00\x00\x00\x00\x00\x00\x00'::BLOB, 100, 9, TIMESTAMP '2026-01-01 10:00:00');`
	for made := 1; made <= len(migrations()); made++ {
		path := filepath.Join(t.TempDir(), "pageviews.duckdb")
		db, err := sql.Open("duckdb", path)
		if err != nil {
			t.Fatal(err)
		}
		for version, text := range migrations()[:made] {
			if version == 0 {
				text += rows + `; CREATE TABLE schema_version (version INTEGER NOT NULL)`
			}
			if err := step(t.Context(), db, text, version+1); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		s := open(t, path)
		script := pageview.Pageview{
			Site: "blog", At: day("2026-01-02").Date(utc), Day: day("2026-01-02"), Hour: day("2026-01-02").Date(utc),
			Path: "/b", Visitor: 5, Browser: "Firefox", Source: pageview.SourceScript,
		}
		if err := s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{script}}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Sources(t.Context(), "blog", 0, day("2026-12-31"))
		want := []pageview.SourceDay{
			{Day: day("2026-01-01"), Source: pageview.SourceLog, Pageviews: 2, Bots: 1, Counts: true},
			{Day: day("2026-01-02"), Source: pageview.SourceLog, Bots: 1},
			{Day: day("2026-01-02"), Source: pageview.SourceScript, Pageviews: 1, Counts: true},
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("made by version %d, error %v:\n got %+v\nwant %+v", made, err, got, want)
		}
		known, err := s.Logs(t.Context(), "blog", 5)
		if err != nil || len(known) != 1 || known[0].Mark != (pageview.Mark{Offset: 100, Lines: 9}) {
			t.Errorf("made by version %d: logs %+v, error %v", made, known, err)
		}
		s.Close()
	}
}

func TestFileOfANewerVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	open(t, path).Close()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO schema_version VALUES (99)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err = Open(t.Context(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), "use a newer beforehand") {
		t.Errorf("error %v", err)
	}
}

func day(text string) pageview.Day {
	var d pageview.Day
	for d.String() < text {
		d++
	}
	return d
}
