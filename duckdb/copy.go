package duckdb

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// totals counts the rows of an attached database.
func totals(ctx context.Context, conn *sql.Conn, database string) (t pageview.Totals, err error) {
	p := quote(database, '"') + `.main.`
	err = conn.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM `+p+`pageviews), (SELECT count(*) FROM `+p+`stays),
		greatest((SELECT max(seq) FROM `+p+`pageviews), (SELECT max(seq) FROM `+p+`stays), 0)`,
	).Scan(&t.Pageviews, &t.Stays, &t.Through)
	return t, err
}

// Totals counts all rows.
func (s *Store) Totals(ctx context.Context) (t pageview.Totals, err error) {
	err = s.withConn(ctx, func(conn *sql.Conn) error {
		own, err := ownName(ctx, conn)
		if err == nil {
			t, err = totals(ctx, conn, own)
		}
		return err
	})
	if err != nil {
		return t, fmt.Errorf("count rows: %w", err)
	}
	return t, nil
}

// ownName is the name of the database within itself.
func ownName(ctx context.Context, conn *sql.Conn) (name string, err error) {
	err = conn.QueryRowContext(ctx, `SELECT current_database()`).Scan(&name)
	return name, err
}

// Backup copies everything into a new file, as it was at one moment, while
// pageviews come in. It opens the copy and compares its totals, and has it on
// disk when it returns.
func (s *Store) Backup(ctx context.Context, path string) (t pageview.Totals, err error) {
	if _, err := os.Lstat(path); err == nil {
		return t, fmt.Errorf("back up pageviews: %s exists", path)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("back up pageviews to %s: %w", path, errors.Join(full(err), os.RemoveAll(path), os.RemoveAll(path+".wal")))
		}
	}()
	s.copying.Lock() // since the copy has a name of its own within the database
	defer s.copying.Unlock()
	err = s.withConn(ctx, func(conn *sql.Conn) error {
		t, err = copyInto(ctx, conn, path)
		return err
	})
	if err != nil {
		return t, err
	}
	return t, syncFile(path)
}

func copyInto(ctx context.Context, conn *sql.Conn, path string) (t pageview.Totals, err error) {
	if _, err := conn.ExecContext(ctx, `ATTACH `+quote(path, '\'')+` AS backup`); err != nil {
		return t, err
	}
	defer func() {
		_, again := conn.ExecContext(context.WithoutCancel(ctx), `DETACH backup`)
		err = errors.Join(err, again)
	}()
	own, err := ownName(ctx, conn)
	if err != nil {
		return t, err
	}
	if t, err = inTransaction(ctx, conn, func() (pageview.Totals, error) {
		if _, err := conn.ExecContext(ctx, `COPY FROM DATABASE `+quote(own, '"')+` TO backup`); err != nil {
			return pageview.Totals{}, err
		}
		return totals(ctx, conn, own)
	}); err != nil {
		return t, err
	}
	if _, err := conn.ExecContext(ctx, `CHECKPOINT backup`); err != nil {
		return t, err
	}
	copied, err := totals(ctx, conn, "backup")
	if err == nil && copied != t {
		err = fmt.Errorf("the copy has %+v where the store has %+v", copied, t)
	}
	return t, err
}

// inTransaction runs f on a connection, in a transaction that sees the database
// as it was at one moment.
func inTransaction[T any](ctx context.Context, conn *sql.Conn, f func() (T, error)) (v T, err error) {
	if _, err := conn.ExecContext(ctx, `BEGIN TRANSACTION`); err != nil {
		return v, err
	}
	if v, err = f(); err != nil {
		conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
		return v, err
	}
	_, err = conn.ExecContext(ctx, `COMMIT`)
	return v, err
}

// withConn runs f with a connection of its own.
func (s *Store) withConn(ctx context.Context, f func(*sql.Conn) error) error {
	db, _, err := s.reader(ctx)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return f(conn)
}

// syncFile has a file and its name on disk.
func syncFile(path string) error {
	for _, name := range []string{path, filepath.Dir(path)} {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

//go:embed queries/export.sql
var exportSQL string

// exportOptions say how DuckDB writes the formats of an export.
var exportOptions = map[string]string{"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}

// Export writes everything into files of a folder, with all names written out,
// as it was at one moment: pageviews, stays, sites, and what is gone of the two
// first, in the format "parquet" or "csv". The folder must be empty.
func (s *Store) Export(ctx context.Context, dir, format string) (t pageview.Totals, err error) {
	options, ok := exportOptions[format]
	if !ok {
		return t, fmt.Errorf("export pageviews: unknown format %q: use parquet or csv", format)
	}
	var written []string
	defer func() {
		if err != nil {
			err = fmt.Errorf("export pageviews to %s: %w", dir, full(err))
			for _, path := range written {
				os.Remove(path)
			}
		}
	}()
	err = s.withConn(ctx, func(conn *sql.Conn) error {
		own, err := ownName(ctx, conn)
		if err != nil {
			return err
		}
		t, err = inTransaction(ctx, conn, func() (pageview.Totals, error) {
			for name, query := range exports() {
				path := filepath.Join(dir, name+"."+format)
				written = append(written, path)
				if err := copyOut(ctx, conn, query, path, options); err != nil {
					return pageview.Totals{}, err
				}
			}
			return totals(ctx, conn, own)
		})
		return err
	})
	return t, err
}

// copyOut writes what a query gives into a file, and has it on disk.
func copyOut(ctx context.Context, db interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, query, path, options string,
) error {
	_, err := db.ExecContext(ctx, `COPY (`+query+`) TO `+quote(path, '\'')+` (`+options+`)`)
	if err == nil {
		err = syncFile(path)
	}
	return err
}

// exports are the queries of the files of an export, by name.
func exports() map[string]string {
	var names strings.Builder
	for i, source := range pageview.AllSources() {
		if i > 0 {
			names.WriteString(", ")
		}
		fmt.Fprintf(&names, "(%d, %s)", source, quote(source.String(), '\''))
	}
	queries := map[string]string{}
	for part := range strings.SplitSeq(exportSQL, "-- file: ") {
		if name, query, ok := strings.Cut(part, "\n"); ok && !strings.HasPrefix(name, "--") {
			queries[name] = strings.ReplaceAll(query, "{sources}", names.String())
		}
	}
	return queries
}
