package duckdb

import (
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
	driver "github.com/duckdb/duckdb-go/v2"
)

// TestGroupsOfMoreThanAChunk keeps groups that DuckDB reads in one piece, in
// several whole ones, and with a rest.
func TestGroupsOfMoreThanAChunk(t *testing.T) {
	s := openBlog(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	kept := 0
	for _, n := range []int{1, driver.GetDataChunkCapacity(), 2*driver.GetDataChunkCapacity() + 1, mostHeld + 1} {
		var b pageview.Batch
		for i := range n {
			v := benchView(i)
			v.Visitor = uint64(kept + i + 1)
			b.Pageviews = append(b.Pageviews, v)
		}
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		kept += n
		var rows, seqs, visitors, late int
		row := readers(t, s).QueryRowContext(t.Context(), `
			SELECT count(*), count(DISTINCT seq), count(DISTINCT visitor), count(*) FILTER ("at" < "hour" OR "at" >= "hour" + INTERVAL 1 HOUR OR CAST("at" AS DATE) <> "day")
			FROM pageviews`)
		if err := row.Scan(&rows, &seqs, &visitors, &late); err != nil {
			t.Fatal(err)
		}
		if rows != kept || seqs != kept || visitors != kept || late != 0 {
			t.Errorf("after a group of %d: %d rows, %d numbers, %d visitors of %d, %d at another time", n, rows, seqs, visitors, kept, late)
		}
		if held := cap(s.w.pageviews.rows); held > mostHeld {
			t.Errorf("after a group of %d there is memory for %d rows", n, held)
		}
	}
}

// TestRowThatCannotBeWritten has the second chunk of a group fail: nothing of it
// is kept.
func TestRowThatCannotBeWritten(t *testing.T) {
	s := openBlog(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	conn, err := readers(t, s).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `CREATE TEMP TABLE odd (n USMALLINT)`); err != nil {
		t.Fatal(err)
	}
	odd, err := newInserter(t.Context(), conn, "odd", []typedColumn[uint32]{columnOf("n", func(n *uint32) uint32 { return *n })})
	if err != nil {
		t.Fatal(err)
	}
	defer odd.close()
	for i := range 5_000 {
		odd.rows = append(odd.rows, uint32(i))
	}
	odd.rows[3_000] = 1 << 16
	if err := odd.flush(t.Context()); err == nil {
		t.Error("no error")
	}
	odd.rows[3_000] = 0
	for _, want := range []int{0, 5_000} {
		var rows int
		if err := conn.QueryRowContext(t.Context(), `SELECT count(*) FROM odd`).Scan(&rows); err != nil || rows != want {
			t.Errorf("%d rows, error %v, want %d", rows, err, want)
		}
		if want == 0 {
			if err := odd.flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}
