package statistics

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
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
// added up and from raw rows, and as the engines do.
func BenchmarkBeside(b *testing.B) {
	n := rows(b)
	path := filepath.Join(b.TempDir(), "pageviews.duckdb")
	sums := map[string]int64{} // pageviews in the rows of each answer, the same from all
	check := func(b *testing.B, name string, sum int64) {
		if want, known := sums[name]; known && sum != want {
			b.Fatalf("%d pageviews, others told of %d", sum, want)
		}
		sums[name] = sum
	}
	store := fill(b, path, n)
	for _, raw := range []bool{false, true} {
		for _, q := range questions() {
			measure(b, map[bool]string{false: "added up", true: "raw"}[raw]+"/"+q.name, self, func(b *testing.B) {
				check(b, q.name, ask(b, store, q, raw))
			})
		}
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	own := open(b, "duckdb", path)
	for _, q := range questions() {
		measure(b, "DuckDB/"+q.name, self, func(b *testing.B) { check(b, q.name, count(b, own, q.duck, q.at)) })
	}
	own.Close()
	lite := fillSQLite(b, n)
	for _, q := range questions() {
		measure(b, "SQLite/"+q.name, self, func(b *testing.B) { check(b, q.name, count(b, lite, q.sql, q.at)) })
	}
	server, conn := fillPostgres(b, n)
	for _, q := range questions() {
		measure(b, "PostgreSQL/"+q.name, server, func(b *testing.B) { check(b, q.name, countPostgres(b, conn, q.sql, q.at)) })
	}
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

func fillSQLite(b *testing.B, n int) *sql.DB {
	b.Helper()
	db := open(b, "sqlite", filepath.Join(b.TempDir(), "pageviews.sqlite"))
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { db.Close() })
	exec := func(query string, args ...any) {
		if _, err := db.ExecContext(b.Context(), query, args...); err != nil {
			b.Fatal(err)
		}
	}
	exec(`PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; PRAGMA cache_size = -500000`)
	exec(`CREATE TABLE pageviews (id INTEGER PRIMARY KEY, ` + strings.ReplaceAll(columns, ",", " INTEGER,") + ` INTEGER)`)
	tx, err := db.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	insert, err := tx.PrepareContext(b.Context(), `INSERT INTO pageviews (`+columns+`) VALUES (?`+strings.Repeat(", ?", 11)+`)`)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		r := rowOf(i, n)
		if _, err := insert.ExecContext(b.Context(), r.values()...); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	exec(`CREATE INDEX days ON pageviews (day); ANALYZE`)
	return db
}

// fillPostgres starts a PostgreSQL and gives, besides a connection, what tells its CPU
// time: that of the one process that answers.
func fillPostgres(b *testing.B, n int) (func() time.Duration, *pgx.Conn) {
	b.Helper()
	s := pgtest.Start(b, "fsync=off", "shared_buffers=1GB", "work_mem=256MB", "max_parallel_workers_per_gather=0")
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
	exec(`CREATE TABLE pageviews (` + strings.ReplaceAll(columns, ",", " bigint,") + ` bigint)`)
	next := 0
	_, err = conn.CopyFrom(b.Context(), pgx.Identifier{"pageviews"}, strings.Split(columns, ", "), pgx.CopyFromFunc(func() ([]any, error) {
		if next == n {
			return nil, nil
		}
		r := rowOf(next, n)
		next++
		return r.values(), nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	exec(`CREATE INDEX ON pageviews (day)`)
	exec(`VACUUM ANALYZE pageviews`)
	pid := conn.PgConn().PID()
	return func() time.Duration { return processTime(b, pid) }, conn
}

// processTime is the CPU time of a process.
func processTime(b *testing.B, pid uint32) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	var user, system int64
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
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
