package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says where a database is.
type Config struct {
	// URL is "sqlite:PATH", "postgres://USER:PASSWORD@HOST/NAME" or
	// "mysql://USER:PASSWORD@HOST:3306/NAME", which is also MariaDB's.
	URL string `yaml:"url"`
	// Timeout bounds one query; zero means half a minute.
	Timeout time.Duration `yaml:"timeout"`
}

const defaultTimeout = 30 * time.Second

// DB is a database that is read. It is safe for concurrent use.
type DB struct {
	db      *sql.DB
	engine  engine
	timeout time.Duration
}

// engine is what differs from one kind of database to the next.
type engine struct {
	name   string
	quote  string // around a name
	dollar bool   // placeholders are $1, not ?
	plain  string // before a column, so that its values come as they are kept
	begin  string // first statement of a transaction; %d is the time a statement may take, in milliseconds
	zoned  string // type of a column whose times are instants, and come as such or in UTC
	tables string // query for the names of tables and views
}

// Open makes a DB. It reaches the database at the first use only.
func Open(c Config) (*DB, error) {
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	scheme, _, _ := strings.Cut(c.URL, ":")
	open := map[string]func(Config) (*DB, error){
		"sqlite": openSQLite, "postgres": openPostgres, "postgresql": openPostgres, "mysql": openMySQL, "mariadb": openMySQL,
	}[scheme]
	if open == nil {
		return nil, fmt.Errorf("open database: the address begins with %q: allowed are sqlite:, postgres:// and mysql://", scheme+":")
	}
	d, err := open(c)
	if err != nil {
		return nil, err
	}
	d.timeout = c.Timeout
	d.db.SetMaxOpenConns(4)
	d.db.SetConnMaxIdleTime(time.Minute)
	return d, nil
}

// Close closes the connections.
func (d *DB) Close() error { return d.db.Close() }

// Read runs f with a read-only transaction, in which each query must end
// within the timeout. What f reads it should read quickly: on SQLite a writer
// may have to wait for it.
func (d *DB) Read(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d.timeout, fmt.Errorf("%s took longer than %s", d.engine.name, d.timeout))
	defer cancel()
	tx, err := d.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return d.because(ctx, err)
	}
	defer tx.Rollback()
	if d.engine.begin != "" {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(d.engine.begin, d.timeout.Milliseconds())); err != nil {
			return d.because(ctx, err)
		}
	}
	if err := f(ctx, tx); err != nil {
		return d.because(ctx, err)
	}
	return nil
}

// because puts the timeout in the place of what a driver says of it.
func (d *DB) because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%s: %w", d.engine.name, err)
}

// Name quotes the name of a table or a column, whose parts are separated by
// dots.
func (d *DB) Name(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = d.engine.quote + strings.ReplaceAll(p, d.engine.quote, d.engine.quote+d.engine.quote) + d.engine.quote
	}
	return strings.Join(parts, ".")
}

// Column is a column to select, whose values come as they are kept.
func (d *DB) Column(name string) string { return d.engine.plain + d.Name(name) }

// Zoned tells whether the times of a column of that type are instants. Others
// are dates and clock times of a zone that the database does not know.
func (d *DB) Zoned(kind string) bool { return d.engine.zoned != "" && kind == d.engine.zoned }

// Placeholder stands for the nth value of a statement, from 1.
func (d *DB) Placeholder(n int) string {
	if d.engine.dollar {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

// Whole is the placeholder of a whole number that may be too large for the
// column it is compared with.
func (d *DB) Whole(n int) string {
	if d.engine.dollar {
		return d.Placeholder(n) + "::bigint"
	}
	return d.Placeholder(n)
}

// Column types as a database names them, by the name of the column.
type Columns map[string]string

// Names are the columns' names in order.
func (c Columns) Names() []string {
	var names []string
	for name := range c {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Columns tells what a table or a view has. Where there is none of that name
// the error says which there are.
func (d *DB) Columns(ctx context.Context, table string) (Columns, error) {
	if err := CheckName(table); err != nil {
		return nil, err
	}
	columns := Columns{}
	err := d.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT * FROM "+d.Name(table)+" LIMIT 0")
		if err != nil {
			return err
		}
		defer rows.Close()
		types, err := rows.ColumnTypes()
		for _, t := range types {
			columns[t.Name()] = t.DatabaseTypeName()
		}
		return errors.Join(err, rows.Err())
	})
	if err != nil {
		there, again := d.tables(ctx)
		if again != nil {
			return nil, err // it cannot be reached
		}
		if slices.Contains(there, table) {
			return nil, fmt.Errorf("table %q cannot be read: %w", table, err)
		}
		return nil, fmt.Errorf("no table %q: there are %s", table, list(there))
	}
	return columns, nil
}

func (d *DB) tables(ctx context.Context) ([]string, error) {
	var names []string
	err := d.Read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, d.engine.tables)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		return rows.Err()
	})
	return names, err
}

// list names things in an error; a long list is cut.
func list(names []string) string {
	const most = 30
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// Missing is the error for a column that a table does not have.
func (c Columns) Missing(table, column string) error {
	return fmt.Errorf("table %q has no column %q: it has %s", table, column, list(c.Names()))
}

// CheckName refuses what cannot be the name of a table or a column.
func CheckName(name string) error {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || len(part) > 128 || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
			return fmt.Errorf("%q is no name of a table or a column", name)
		}
	}
	return nil
}
