package move

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// table is a table that both sides have.
type table struct {
	name    string
	columns []column
}

// column is a column of a table, with the type that PostgreSQL knows it by.
type column struct{ table, name, kind string }

// own are tables that are of one side only: what the schema is, and what is
// found out anew by each replica, or kept for some days.
var own = map[string]bool{"schema": true, "facts": true, "snapshot_revision": true, "replicas": true, "claims": true}

// inSeconds are the instants that SQLite has in seconds; it has the others in
// microseconds.
var inSeconds = map[string]bool{"salts.used": true, "tokens.created": true, "tokens.used": true}

// separators are what stands between the texts of a list in SQLite.
var separators = map[string]string{"tokens.scopes": " ", "tokens.sites": "\n"}

// readTables reads which tables there are, those last that refer to others.
func readTables(ctx context.Context, server *pgx.Conn) ([]table, error) {
	rows, err := server.Query(ctx, `SELECT c.table_name::text, c.column_name::text, c.udt_name::text FROM information_schema.columns c
		WHERE c.table_schema = 'beforehand' ORDER BY EXISTS (
			SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = ('beforehand.' || quote_ident(c.table_name))::regclass
		), c.table_name COLLATE "C", c.ordinal_position`)
	if err != nil {
		return nil, err
	}
	var tables []table
	columns, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c column, err error) {
		err = row.Scan(&c.table, &c.name, &c.kind)
		return c, err
	})
	for _, c := range columns {
		if own[c.table] {
			continue
		}
		if n := len(tables); n == 0 || tables[n-1].name != c.table {
			tables = append(tables, table{name: c.table})
		}
		t := &tables[len(tables)-1]
		t.columns = append(t.columns, c)
	}
	return tables, err
}

// matches refuses a table that the two sides do not have alike.
func (t *table) matches(ctx context.Context, file *sql.DB) error {
	rows, err := file.QueryContext(ctx, "SELECT name FROM pragma_table_info(?)", "beforehand_"+t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	var here, there []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		here = append(here, name)
	}
	for _, c := range t.columns {
		there = append(there, c.name)
	}
	slices.Sort(here)
	slices.Sort(there)
	if !slices.Equal(here, there) {
		return fmt.Errorf("table %s has columns %v in SQLite and %v in PostgreSQL", t.name, here, there)
	}
	return rows.Err()
}

// list is the names of the columns, each changed by of.
func (t *table) list(of func(c column) string) string {
	var names []string
	for _, c := range t.columns {
		names = append(names, of(c))
	}
	return strings.Join(names, ", ")
}

func quoted(c column) string { return `"` + c.name + `"` }

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// fileRows calls f for each row of the file, as PostgreSQL takes it.
func (t *table) fileRows(ctx context.Context, file querier, f func(row []any) error) error {
	rows, err := file.QueryContext(ctx, "SELECT "+t.list(quoted)+" FROM beforehand_"+t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	values, into := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		row := make([]any, len(values))
		for i, c := range t.columns {
			if row[i], err = c.fromFile(values[i]); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// serverRows calls f for each row of the database.
func (t *table) serverRows(ctx context.Context, server pgx.Tx, f func(row []any) error) error {
	rows, err := server.Query(ctx, "SELECT "+t.list(func(c column) string {
		if c.kind == "json" || c.kind == "jsonb" {
			return quoted(c) + "::text"
		}
		return quoted(c)
	})+" FROM beforehand."+t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := rows.Values()
		if err != nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// fromFile is a value of SQLite as PostgreSQL takes it.
func (c column) fromFile(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	n, number := v.(int64)
	switch c.kind {
	case "int8":
		if number {
			return n, nil
		}
	case "int4":
		if number {
			return int32(n), nil
		}
	case "bool":
		if number {
			return n != 0, nil
		}
	case "timestamptz":
		switch {
		case number && inSeconds[c.table+"."+c.name]:
			return time.Unix(n, 0).UTC(), nil
		case number:
			return time.UnixMicro(n).UTC(), nil
		}
	case "bytea":
		if b, ok := v.([]byte); ok {
			return bytes.Clone(b), nil
		}
		return fmt.Append(nil, v), nil
	case "text", "json", "jsonb":
		switch v := v.(type) {
		case []byte:
			return string(v), nil
		case string:
			return v, nil
		}
	case "_text":
		if text, ok := v.(string); ok {
			if text == "" {
				return []string{}, nil
			}
			return strings.Split(text, separators[c.table+"."+c.name]), nil
		}
	}
	return nil, fmt.Errorf("a %T is no %s", v, c.kind)
}

// toFile is a value of PostgreSQL as SQLite takes it.
func (c column) toFile(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, []byte, int64:
		return v, nil
	case int32:
		return int64(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case time.Time:
		if inSeconds[c.table+"."+c.name] {
			return v.Unix(), nil
		}
		return v.UnixMicro(), nil
	case []any:
		var texts []string
		for _, text := range v {
			texts = append(texts, fmt.Sprint(text))
		}
		return strings.Join(texts, separators[c.table+"."+c.name]), nil
	}
	return nil, fmt.Errorf("a %T is not known", v)
}

// toServer copies a table of the file into the database.
func (t *table) toServer(ctx context.Context, file *sql.DB, tx pgx.Tx) error {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	var batch [][]any
	flush := func() error {
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"beforehand", t.name}, names, pgx.CopyFromRows(batch))
		batch = nil
		return err
	}
	size := 0
	err := t.fileRows(ctx, file, func(row []any) error {
		batch = append(batch, row)
		for _, v := range row {
			if b, ok := v.([]byte); ok {
				size += len(b)
			}
		}
		if size += 1 << 10; size < 8<<20 {
			return nil
		}
		size = 0
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// toFile copies a table of the database into the file.
func (t *table) toFile(ctx context.Context, reading pgx.Tx, tx *sql.Tx) error {
	insert, err := tx.PrepareContext(ctx, "INSERT INTO beforehand_"+t.name+" ("+t.list(quoted)+") VALUES ("+t.list(func(column) string { return "?" })+")") //nolint:sqlclosecheck // it is closed below
	if err != nil {
		return err
	}
	defer insert.Close()
	return t.serverRows(ctx, reading, func(row []any) error {
		for i, c := range t.columns {
			if row[i], err = c.toFile(row[i]); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		_, err := insert.ExecContext(ctx, row...)
		return err
	})
}

// sum is what the rows of a table are known by, in whatever order.
type sum struct {
	rows int64
	hash [sha256.Size]byte
}

func (s *sum) add(t *table, row []any) error {
	h := sha256.New()
	for i, c := range t.columns {
		text, err := c.text(row[i])
		if err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
		fmt.Fprintf(h, "%d:%s,", len(text), text)
	}
	for i, b := range h.Sum(nil) {
		s.hash[i] ^= b
	}
	s.rows++
	return nil
}

// text is a value as both sides have it.
func (c column) text(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	switch c.kind {
	case "json", "jsonb":
		in := json.NewDecoder(strings.NewReader(fmt.Sprint(v)))
		in.UseNumber()
		var value any
		if err := in.Decode(&value); err != nil {
			return "", err
		}
		out, err := json.Marshal(value)
		return "j" + string(out), err
	}
	switch v := v.(type) {
	case time.Time:
		if inSeconds[c.table+"."+c.name] {
			return fmt.Sprint("t", v.Unix()), nil
		}
		return fmt.Sprint("t", v.UnixMicro()), nil
	case []byte:
		return "b" + hex.EncodeToString(v), nil
	case []string:
		out, err := json.Marshal(v)
		return "l" + string(out), err
	case []any:
		out, err := json.Marshal(v)
		return "l" + string(out), err
	}
	return fmt.Sprint("v", v), nil
}

func (t *table) sumFile(ctx context.Context, file querier) (s sum, err error) {
	err = t.fileRows(ctx, file, func(row []any) error { return s.add(t, row) })
	return s, err
}

func (t *table) sumServer(ctx context.Context, server pgx.Tx) (s sum, err error) {
	err = t.serverRows(ctx, server, func(row []any) error { return s.add(t, row) })
	return s, err
}
