package tables_test

import (
	"fmt"
	"slices"
	"testing"
)

// TestProgressTellsOfAllRows reads more rows than are read at once, by a number
// and by another key, and a table of totals.
func TestProgressTellsOfAllRows(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, createVisits)
	exec(t, w, "CREATE TABLE counts (page TEXT, total INTEGER)")
	exec(t, w, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
		INSERT INTO visits SELECT i, '2026-01-01 00:00:00', '/' || i, '203.0.113.1', '', '' FROM n`)
	exec(t, w, "INSERT INTO counts VALUES ('/a', 3), ('/b', 2), ('/c', 1)")
	byText, totals := visits(), visits()
	byText.Key = "path"
	totals.Table, totals.Key, totals.Columns.At, totals.Columns.URL, totals.Columns.Total = "counts", "", "", "page", "total"
	totals.Columns.Addr, totals.Columns.Agent, totals.Columns.Host = "", "", ""
	for _, c := range []struct {
		name        string
		table       string
		done, total int64
		steps       int
	}{{"by a number", "visits", 25000, 25000, 3}, {"by a text", "visits", 25000, 25000, 3}, {"totals", "counts", 3, 3, 2}} {
		config := visits()
		switch c.name {
		case "by a text":
			config = byText
		case "totals":
			config = totals
		}
		table := newTable(t, url, config)
		var told []string
		var done, total int64
		table.Progress = func(d, of int64, line string) {
			if d < done || of < d || line != c.table {
				t.Errorf("%s: %d of %d, %s, after %d of %d", c.name, d, of, line, done, total)
			}
			done, total = d, of
			told = append(told, fmt.Sprintf("%d/%d", d, of))
		}
		must(t, table)
		if done != c.done || total != c.total || len(slices.Compact(told)) < c.steps {
			t.Errorf("%s: told %v", c.name, told)
		}
	}
}
