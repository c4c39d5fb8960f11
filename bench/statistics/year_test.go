package statistics

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/pgtest"
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
		db := yearInSQLite(b, path)
		measure(b, "a year by month and page", self, func(b *testing.B) { same(b, count(b, db, q.sql, q.at)) })
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		server, conn := yearInPostgres(b, path)
		measure(b, "a year by month and page", server, func(b *testing.B) { same(b, countPostgres(b, conn, q.sql, q.at)) })
	})
}

const yearColumns = "at, month, page"

// stored are the rows of a store.
func stored(b *testing.B, path string) *sql.Rows {
	b.Helper()
	db := open(b, "duckdb", path)
	b.Cleanup(func() { db.Close() })
	rows, err := db.QueryContext(b.Context(), `SELECT epoch_us("at"), month("day"), CAST(page AS BIGINT) FROM pageviews`)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { rows.Close() })
	return rows
}

func yearInSQLite(b *testing.B, path string) *sql.DB {
	b.Helper()
	db := open(b, "sqlite", filepath.Join(b.TempDir(), "pageviews.sqlite"))
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { db.Close() })
	exec := func(query string) {
		if _, err := db.ExecContext(b.Context(), query); err != nil {
			b.Fatal(err)
		}
	}
	exec(`PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -2000000`)
	exec(`CREATE TABLE pageviews (id INTEGER PRIMARY KEY, ` + strings.ReplaceAll(yearColumns, ",", " INTEGER,") + ` INTEGER)`)
	tx, err := db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	insert := func(values []any) {
		query := `INSERT INTO pageviews (` + yearColumns + `) VALUES (?, ?, ?)` + strings.Repeat(", (?, ?, ?)", len(values)/3-1)
		if _, err := tx.ExecContext(b.Context(), query, values...); err != nil {
			b.Fatal(err)
		}
	}
	const most = 300 // values of a statement
	some, err := tx.PrepareContext(b.Context(), `INSERT INTO pageviews (`+yearColumns+`) VALUES (?, ?, ?)`+strings.Repeat(", (?, ?, ?)", most/3-1))
	if err != nil {
		b.Fatal(err)
	}
	var values []any
	for rows := stored(b, path); rows.Next(); {
		var at, month, page int64
		if err := rows.Scan(&at, &month, &page); err != nil {
			b.Fatal(err)
		}
		if values = append(values, at, month, page); len(values) < most {
			continue
		}
		if _, err := some.ExecContext(b.Context(), values...); err != nil {
			b.Fatal(err)
		}
		values = values[:0]
	}
	if len(values) > 0 {
		insert(values)
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	exec(`CREATE INDEX months ON pageviews (` + indexes["months"] + `)`)
	exec(`ANALYZE`)
	return db
}

func yearInPostgres(b *testing.B, path string) (func() time.Duration, *pgx.Conn) {
	b.Helper()
	s := pgtest.Start(b, "fsync=off", "shared_buffers=2GB", "work_mem=256MB", "maintenance_work_mem=1GB", "max_wal_size=16GB", "wal_level=minimal", "max_wal_senders=0")
	conn, err := pgx.Connect(b.Context(), s.Database(b))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(context.Background()) })
	exec := func(query string) {
		if _, err := conn.Exec(b.Context(), query); err != nil {
			b.Fatal(err)
		}
	}
	exec(`CREATE UNLOGGED TABLE pageviews (` + strings.ReplaceAll(yearColumns, ",", " bigint,") + ` bigint)`)
	rows := stored(b, path)
	_, err = conn.CopyFrom(b.Context(), pgx.Identifier{"pageviews"}, strings.Split(yearColumns, ", "), pgx.CopyFromFunc(func() ([]any, error) {
		if !rows.Next() {
			return nil, rows.Err()
		}
		var at, month, page int64
		err := rows.Scan(&at, &month, &page)
		return []any{at, month, page}, err
	}))
	if err != nil {
		b.Fatal(err)
	}
	exec(`CREATE INDEX months ON pageviews (` + indexes["months"] + `)`)
	exec(`VACUUM ANALYZE pageviews`)
	server := statOf(b, fmt.Sprint(conn.PgConn().PID())).parent
	return func() time.Duration { return familyTime(b, server) }, conn
}
