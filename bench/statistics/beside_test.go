package statistics

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"

	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/pageview"
)

// question is asked of every engine.
type question struct {
	name  string
	query pageview.Query
	rank  *pageview.RankQuery // in place of query
	sql   string              // of SQLite and PostgreSQL
	duck  string              // of the program's own file
	at    int                 // where in a row of these the number of pageviews is
}

const lastDays = 30

func questions() []question {
	both := []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisitors}
	from := end.AddDate(0, 0, -lastDays)
	cut := fmt.Sprintf("pow(2, CAST(%%s - %d AS DOUBLE PRECISION) / %d)", end.UnixMicro(), (7 * 24 * time.Hour).Microseconds())
	return []question{
		{
			name: "a year by month and page", query: pageview.Query{By: []pageview.Dimension{pageview.ByMonth, pageview.ByPage}},
			sql:  `SELECT month, page, count(*) FROM pageviews GROUP BY month, page`,
			duck: `SELECT date_trunc('month', "day"), page, count(*) FROM pageviews GROUP BY ALL`,
			at:   2,
		},
		{
			name: "a year by day, visitors", query: pageview.Query{By: []pageview.Dimension{pageview.ByDay}, Metrics: both},
			sql:  `SELECT day, count(*), count(DISTINCT visitor) FROM pageviews GROUP BY day`,
			duck: `SELECT "day", count(*), count(DISTINCT visitor) FROM pageviews GROUP BY ALL`,
			at:   1,
		},
		{
			name: "30 days by page, visitors", query: pageview.Query{By: []pageview.Dimension{pageview.ByPage}, From: pageview.DayOf(from), Metrics: both},
			sql:  `SELECT page, count(*), count(DISTINCT visitor) FROM pageviews WHERE day >= ` + from.Format("20060102") + ` GROUP BY page`,
			duck: `SELECT page, count(*), count(DISTINCT visitor) FROM pageviews WHERE "day" >= DATE '` + from.Format(time.DateOnly) + `' GROUP BY ALL`,
			at:   1,
		},
		{
			name: "hot, half-life 7 days", rank: &pageview.RankQuery{HalfLife: 7 * 24 * time.Hour, Limit: 20, Until: end},
			sql:  `SELECT page, count(*), sum(` + fmt.Sprintf(cut, "at") + `) AS score FROM pageviews GROUP BY page ORDER BY score DESC LIMIT 20`,
			duck: `SELECT page, count(*), sum(` + fmt.Sprintf(cut, `epoch_us("at")`) + `) AS score FROM pageviews GROUP BY page ORDER BY score DESC LIMIT 20`,
			at:   1,
		},
	}
}

// BenchmarkBeside measures each question as the program answers it, from what is
// added up and from raw rows, and as the engines do. Each engine fills its tables
// first: -bench Beside/SQLite fills those of SQLite only.
func BenchmarkBeside(b *testing.B) {
	n := rows(b)
	sums := map[string]int64{} // pageviews in the rows of each answer, the same from all
	all := func(b *testing.B, cpu func() time.Duration, answer func(*testing.B, question) int64) {
		for _, q := range questions() {
			measure(b, q.name, cpu, func(b *testing.B) {
				sum := answer(b, q)
				if want, known := sums[q.name]; known && sum != want {
					b.Fatalf("%d pageviews, others told of %d", sum, want)
				}
				sums[q.name] = sum
			})
		}
	}
	b.Run("own", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "pageviews.duckdb")
		store := fill(b, path, n)
		for _, raw := range []bool{false, true} {
			b.Run(map[bool]string{false: "added up", true: "raw"}[raw], func(b *testing.B) {
				all(b, self, func(b *testing.B, q question) int64 { return ask(b, store, q, raw) })
			})
		}
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
		b.Run("by hand", func(b *testing.B) {
			db := open(b, "duckdb", path)
			defer db.Close()
			all(b, self, func(b *testing.B, q question) int64 { return count(b, db, q.duck, q.at) })
		})
	})
	b.Run("SQLite", func(b *testing.B) {
		db := fillSQLite(b, made(n))
		all(b, self, func(b *testing.B, q question) int64 { return count(b, db, q.sql, q.at) })
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		server, conn := fillPostgres(b, made(n))
		all(b, server, func(b *testing.B, q question) int64 { return countPostgres(b, conn, q.sql, q.at) })
	})
}

// BenchmarkRefresh measures what all questions cost after 10,000 new pageviews.
func BenchmarkRefresh(b *testing.B) {
	n := rows(b)
	store := fill(b, filepath.Join(b.TempDir(), "pageviews.duckdb"), n)
	defer store.Close()
	all := func(b *testing.B, raw bool) {
		for _, q := range questions() {
			ask(b, store, q, raw)
		}
	}
	all(b, false)
	next := n - n/730 // half a day back, as if they came now
	b.Run("new", func(b *testing.B) {
		var used time.Duration
		for b.Loop() {
			b.StopTimer()
			keep(b, store, next, next+10_000, n)
			b.StartTimer()
			before := self()
			all(b, false)
			used += self() - before
		}
		b.ReportMetric(used.Seconds()*1000/float64(b.N), "cpu-ms/op")
	})
	measure(b, "recomputed", self, func(b *testing.B) { all(b, true) })
}

// measure runs a benchmark that tells CPU time.
func measure(b *testing.B, name string, cpu func() time.Duration, f func(*testing.B)) {
	b.Run(name, func(b *testing.B) {
		f(b) // what is new is added up, what is read is in memory
		before := cpu()
		for b.Loop() {
			f(b)
		}
		b.ReportMetric((cpu()-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
	})
}

// self is the CPU time of this process.
func self() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// ask asks the program and adds up the pageviews of the answer's rows.
func ask(b *testing.B, store *duckdb.Store, q question, raw bool) (sum int64) {
	b.Helper()
	if q.rank != nil {
		rank := *q.rank
		rank.Site, rank.Raw = "blog", raw
		r, err := store.Rank(b.Context(), rank)
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range r.Pages {
			sum += p.Pageviews
		}
		return sum
	}
	query := q.query
	query.Site, query.Raw = "blog", raw
	a, err := store.Query(b.Context(), query)
	if err != nil || a.Rollup == raw {
		b.Fatalf("from rollups %t, error %v", a.Rollup, err)
	}
	for _, r := range a.Rows {
		sum += r.Pageviews
	}
	return sum
}

// fill makes a store of n pageviews.
func fill(b *testing.B, path string, n int) *duckdb.Store {
	b.Helper()
	store, err := duckdb.Open(b.Context(), duckdb.Config{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := store.Site(b.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		b.Fatal(err)
	}
	const step = 100_000
	for from := 0; from < n; from += step {
		keep(b, store, from, min(from+step, n), n)
	}
	return store
}

func keep(b *testing.B, store *duckdb.Store, from, to, n int) {
	b.Helper()
	batch := pageview.Batch{Pageviews: make([]pageview.Pageview, 0, to-from), Wait: true}
	for i := from; i < to; i++ {
		r := rowOf(i, n)
		batch.Pageviews = append(batch.Pageviews, r.view())
	}
	if err := store.Append(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
}

func open(b *testing.B, driver, path string) *sql.DB {
	b.Helper()
	db, err := sql.Open(driver, path)
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// count adds up one column of an answer.
func count(b *testing.B, db *sql.DB, query string, at int) (sum int64) {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		b.Fatal(err)
	}
	cells, into := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			b.Fatal(err)
		}
		sum += cells[at].(int64)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return sum
}

// indexes hold all that a question asks for, one for each, so that neither SQLite nor
// PostgreSQL reads a table for it.
var indexes = map[string]string{
	"months": "month, page", "visitors": "day, visitor", "days": "day, page, visitor", "pages": "page, at",
}

// made are the rows of n pageviews.
func made(n int) table {
	return table{columns, slices.Collect(maps.Keys(indexes)), func(yield func([]any) bool) {
		for i := range n {
			r := rowOf(i, n)
			if !yield(r.values()) {
				return
			}
		}
	}}
}

// A table is rows of numbers for SQLite and PostgreSQL.
type table struct {
	columns string
	indexes []string // of those above
	rows    iter.Seq[[]any]
}

func fillSQLite(b *testing.B, t table) *sql.DB {
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
	exec(`CREATE TABLE pageviews (id INTEGER PRIMARY KEY, ` + strings.ReplaceAll(t.columns, ",", " INTEGER,") + ` INTEGER)`)
	tx, err := db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	width := strings.Count(t.columns, ",") + 1
	insert := func(rows int) func(values []any) {
		row := `(?` + strings.Repeat(", ?", width-1) + `)`
		st, err := tx.PrepareContext(b.Context(), `INSERT INTO pageviews (`+t.columns+`) VALUES `+row+strings.Repeat(", "+row, rows-1))
		if err != nil {
			b.Fatal(err)
		}
		return func(values []any) {
			if _, err := st.ExecContext(b.Context(), values...); err != nil {
				b.Fatal(err)
			}
		}
	}
	const many = 25 // rows of a statement
	some, one := insert(many), insert(1)
	var values []any
	for row := range t.rows {
		if values = append(values, row...); len(values) == many*width {
			some(values)
			values = values[:0]
		}
	}
	for row := range slices.Chunk(values, width) {
		one(row)
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	for _, name := range t.indexes {
		exec(`CREATE INDEX ` + name + ` ON pageviews (` + indexes[name] + `)`)
	}
	exec(`ANALYZE`)
	return db
}

// fillPostgres starts a PostgreSQL, which may use as many processes for a question as
// it does by itself, and gives, besides a connection, what tells its CPU time: that of
// all its processes.
func fillPostgres(b *testing.B, t table) (func() time.Duration, *pgx.Conn) {
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
	exec(`CREATE UNLOGGED TABLE pageviews (` + strings.ReplaceAll(t.columns, ",", " bigint,") + ` bigint)`)
	next, stop := iter.Pull(t.rows)
	defer stop()
	_, err = conn.CopyFrom(b.Context(), pgx.Identifier{"pageviews"}, strings.Split(t.columns, ", "), pgx.CopyFromFunc(func() ([]any, error) {
		row, _ := next() // nil ends it
		return row, nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range t.indexes {
		exec(`CREATE INDEX ` + name + ` ON pageviews (` + indexes[name] + `)`)
	}
	exec(`VACUUM ANALYZE pageviews`)
	server := statOf(b, fmt.Sprint(conn.PgConn().PID())).parent
	return func() time.Duration { return familyTime(b, server) }, conn
}

// familyTime is the CPU time of a process and of its children, also of those that
// have ended.
func familyTime(b *testing.B, parent int) (used time.Duration) {
	b.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range processes {
		s := statOf(b, filepath.Base(p))
		switch {
		case s.pid == parent:
			used += s.own + s.ended
		case s.parent == parent:
			used += s.own
		}
	}
	return used
}

// stat is what Linux tells of a process.
type stat struct {
	pid, parent int
	own, ended  time.Duration // CPU time, and that of children that have ended
}

// statOf is empty where there is no such process any more.
func statOf(b *testing.B, pid string) (s stat) {
	b.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return s
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var times [4]time.Duration
	if _, err := fmt.Sscan(pid+" "+fields[1]+" "+strings.Join(fields[11:15], " "),
		&s.pid, &s.parent, (*int64)(&times[0]), (*int64)(&times[1]), (*int64)(&times[2]), (*int64)(&times[3])); err != nil {
		b.Fatal(err)
	}
	const tick = 10 * time.Millisecond
	s.own, s.ended = (times[0]+times[1])*tick, (times[2]+times[3])*tick
	return s
}

func countPostgres(b *testing.B, conn *pgx.Conn, query string, at int) (sum int64) {
	b.Helper()
	rows, err := conn.Query(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			b.Fatal(err)
		}
		sum += values[at].(int64)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return sum
}
