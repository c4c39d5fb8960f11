package statistics

import (
	"os"
	"testing"

	"github.com/beforehand-go/beforehand/duckdb"
)

// BenchmarkYear asks for a year by month and page of a store that is there already, and
// of SQLite and PostgreSQL with its rows. Its path is in BEFOREHAND_STORE, and its site's
// name is blog. For the one question these need few columns, so that a hundred million
// rows have room:
//
//	BEFOREHAND_STORE=… go test -run '^$' -bench Year -benchtime 3x -timeout 0 ./statistics
func BenchmarkYear(b *testing.B) {
	path := os.Getenv("BEFOREHAND_STORE")
	if path == "" {
		b.Skip("BEFOREHAND_STORE is not set")
	}
	q := questions()[0]
	var want int64
	same := func(b *testing.B, sum int64) {
		if want = max(want, sum); sum != want {
			b.Fatalf("%d pageviews, others told of %d", sum, want)
		}
	}
	b.Run("own", func(b *testing.B) {
		store, err := duckdb.Open(b.Context(), duckdb.Config{Path: path})
		if err != nil {
			b.Fatal(err)
		}
		measure(b, "added up", self, func(b *testing.B) { same(b, ask(b, store, q, false)) })
		measure(b, "raw", self, func(b *testing.B) { same(b, ask(b, store, q, true)) })
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		db := open(b, "duckdb", path)
		defer db.Close()
		measure(b, "by hand", self, func(b *testing.B) { same(b, count(b, db, q.duck, q.at)) })
	})
	b.Run("SQLite", func(b *testing.B) {
		db := fillSQLite(b, stored(b, path))
		measure(b, "a year by month and page", self, func(b *testing.B) { same(b, count(b, db, q.sql, q.at)) })
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		server, conn := fillPostgres(b, stored(b, path))
		measure(b, "a year by month and page", server, func(b *testing.B) { same(b, countPostgres(b, conn, q.sql, q.at)) })
	})
}

// stored are the rows of a store.
func stored(b *testing.B, path string) table {
	return table{"at, month, page", []string{"months"}, func(yield func([]any) bool) {
		db := open(b, "duckdb", path)
		defer db.Close()
		rows, err := db.QueryContext(b.Context(), `SELECT epoch_us("at"), month("day"), CAST(page AS BIGINT) FROM pageviews`)
		if err != nil {
			b.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var at, month, page int64
			if err := rows.Scan(&at, &month, &page); err != nil {
				b.Fatal(err)
			}
			if !yield([]any{at, month, page}) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			b.Fatal(err)
		}
	}}
}
