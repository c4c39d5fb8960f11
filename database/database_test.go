package database_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/internal/mariadbtest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
)

// each runs a test on a database of each kind, with a connection that may
// write.
func each(t *testing.T, f func(t *testing.T, url string, w *sql.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a site?mode=rw#.db")
		f(t, "sqlite:"+path, open(t, "sqlite", "file:"+strings.NewReplacer("?", "%3f", "#", "%23", " ", "%20").Replace(path)))
	})
	t.Run("postgres", func(t *testing.T) {
		url := pgtest.Start(t, "fsync=off").Database(t)
		f(t, url, open(t, "pgx", url))
	})
	t.Run("mariadb", func(t *testing.T) {
		url := mariadbtest.Start(t).Database(t)
		f(t, url, open(t, "mysql", strings.NewReplacer("mysql://", "", "@", "@tcp(", "/", ")/").Replace(url)))
	})
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestADatabaseIsReadAndNeverWritten(t *testing.T) {
	each(t, func(t *testing.T, url string, w *sql.DB) {
		exec(t, w, "CREATE TABLE visits (id INTEGER PRIMARY KEY, path VARCHAR(50))", "INSERT INTO visits VALUES (1, '/')")
		d, err := database.Open(database.Config{URL: url, Timeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		columns, err := d.Columns(t.Context(), "visits")
		if err != nil || fmt.Sprint(columns.Names()) != "[id path]" {
			t.Errorf("columns %v, error %v", columns, err)
		}
		if _, err := d.Columns(t.Context(), "visit`\"s"); err == nil || !strings.Contains(err.Error(), "there are visits") {
			t.Errorf("a missing table: %v", err)
		}
		for _, s := range []string{
			"INSERT INTO visits VALUES (2, '/x')", "DELETE FROM visits", "DROP TABLE visits", "CREATE TABLE other (id INTEGER)",
			"SELECT 1; DELETE FROM visits", "COMMIT; DELETE FROM visits",
		} {
			if _, err := run(t, d, s); err == nil {
				t.Errorf("%s was carried out", s)
			}
		}
		var n int
		if err := w.QueryRow("SELECT count(*) FROM visits").Scan(&n); err != nil || n != 1 {
			t.Errorf("%d rows, error %v", n, err)
		}
		testTimeout(t, d, url)
	})
}

// testTimeout has a query that never ends be ended.
func testTimeout(t *testing.T, d *database.DB, url string) {
	engine, _, _ := strings.Cut(url, ":")
	slow := map[string]string{
		"sqlite":   "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c",
		"postgres": "SELECT pg_sleep(60)",
		"mysql":    "SELECT sleep(60)",
	}[engine]
	began := time.Now()
	if v, err := run(t, d, slow); err == nil || time.Since(began) > 20*time.Second {
		t.Errorf("after %s: %v, error %v", time.Since(began), v, err)
	}
	if v, err := run(t, d, "SELECT 7"); err != nil || fmt.Sprint(v) != "7" {
		t.Errorf("the next query: %v, error %v", v, err)
	}
}

func run(t *testing.T, d *database.DB, query string) (v any, err error) {
	err = d.Read(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(&v); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	return v, err
}

func TestAnAddressThatIsWrongIsRefusedAndNoPasswordShown(t *testing.T) {
	for _, url := range []string{
		"", "oracle://x", "sqlite:" + filepath.Join(t.TempDir(), "no.db"), "sqlite:" + t.TempDir(),
		"mysql://u:secret%@h/x", "mysql://u:secret@h", "mysql://u:secret@h/x?multiStatements=true", "postgres://u:secret@h:port/x",
	} {
		d, err := database.Open(database.Config{URL: url})
		if err == nil {
			d.Close()
			t.Errorf("%s was taken", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
}

func TestNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := database.Open(database.Config{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got := d.Name("main.a`b"); got != "`main`.`a``b`" {
		t.Error(got)
	}
	for _, name := range []string{"", "a.", "a\x00b", "a\nb", "a\xffb", strings.Repeat("x", 200)} {
		if database.CheckName(name) == nil {
			t.Errorf("%q was taken", name)
		}
	}
}
