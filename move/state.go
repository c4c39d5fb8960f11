package move

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/sqlite"
)

// State is a copy of the state in an SQLite file and in a PostgreSQL database.
// Nobody may work on either meanwhile.
type State struct {
	file   *sql.DB
	server *pgx.Conn
	tables []table
}

// Moved says how many rows a table has.
type Moved struct {
	Table string
	Rows  int64
}

// OpenState opens both sides, and brings their tables up to date.
func OpenState(ctx context.Context, path, dsn string) (*State, error) {
	file, err := sqlite.Open(path)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	server, err := postgres.Open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if err := server.Close(); err != nil {
		return nil, err
	}
	s := &State{}
	if s.file, err = sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()+"?_pragma=synchronous(full)&_pragma=busy_timeout(5000)"); err != nil {
		return nil, err
	}
	s.file.SetMaxOpenConns(1)
	if err := s.connect(ctx, dsn); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

func (s *State) connect(ctx context.Context, dsn string) error {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // a pooler may stand between
	if s.server, err = pgx.ConnectConfig(ctx, cfg); err != nil {
		return err
	}
	if s.tables, err = readTables(ctx, s.server); err != nil {
		return fmt.Errorf("read the tables of PostgreSQL: %w", err)
	}
	for i := range s.tables {
		if err := s.tables[i].matches(ctx, s.file); err != nil {
			return err
		}
	}
	return nil
}

// Close closes both sides.
func (s *State) Close(ctx context.Context) error {
	err := s.file.Close()
	if s.server != nil {
		err = errors.Join(err, s.server.Close(ctx))
	}
	return err
}

// ToServer copies the file into the database, all of it or nothing. A database
// that has the same already is left as it is; one that has anything else is
// refused.
func (s *State) ToServer(ctx context.Context) ([]Moved, error) {
	tx, err := s.server.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // nothing, once it is committed
	there, err := s.count(ctx, func(t *table) (sum, error) { return t.sumServer(ctx, tx) })
	if err != nil {
		return nil, err
	}
	if total(there) == 0 {
		for i := range s.tables {
			if err := s.tables[i].toServer(ctx, s.file, tx); err != nil {
				return nil, fmt.Errorf("move table %s: %w", s.tables[i].name, err)
			}
		}
		if err := s.numbersToServer(ctx, tx); err != nil {
			return nil, err
		}
	}
	moved, err := s.compare(ctx, s.file, tx)
	if err != nil {
		if total(there) > 0 {
			err = fmt.Errorf("the state in PostgreSQL is another one already, and not empty: %w", err)
		}
		return nil, err
	}
	return moved, tx.Commit(ctx)
}

// ToFile copies the database into the file, likewise.
func (s *State) ToFile(ctx context.Context) ([]Moved, error) {
	reading, err := s.server.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer func() { _ = reading.Rollback(ctx) }()
	if err := idle(ctx, reading); err != nil {
		return nil, err
	}
	tx, err := s.file.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	there, err := s.count(ctx, func(t *table) (sum, error) { return t.sumFile(ctx, tx) })
	if err != nil {
		return nil, err
	}
	if total(there) == 0 {
		for i := range s.tables {
			if err := s.tables[i].toFile(ctx, reading, tx); err != nil {
				return nil, fmt.Errorf("move table %s: %w", s.tables[i].name, err)
			}
		}
		if err := s.numbersToFile(ctx, reading, tx); err != nil {
			return nil, err
		}
	}
	moved, err := s.compare(ctx, tx, reading)
	if err != nil {
		if total(there) > 0 {
			err = fmt.Errorf("the state in the file is another one already, and not empty, so that it must be put away first: %w", err)
		}
		return nil, err
	}
	return moved, tx.Commit()
}

// idle refuses a database on which replicas work, as far as they tell of
// themselves.
func idle(ctx context.Context, tx pgx.Tx) error {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM beforehand.replicas
		WHERE seen > clock_timestamp() - interval '2 minutes' AND replica::jsonb -> 'stopped' IS DISTINCT FROM 'true'`).Scan(&n)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d replicas worked on the state within the last two minutes: stop them first, and wait for those that were killed", n)
	}
	return err
}

func (s *State) count(_ context.Context, of func(t *table) (sum, error)) ([]sum, error) {
	var all []sum
	for i := range s.tables {
		n, err := of(&s.tables[i])
		if err != nil {
			return nil, fmt.Errorf("count table %s: %w", s.tables[i].name, err)
		}
		all = append(all, n)
	}
	return all, nil
}

func total(sums []sum) (n int64) {
	for _, s := range sums {
		n += s.rows
	}
	return n
}

// compare holds every row of one side to be on the other.
func (s *State) compare(ctx context.Context, file querier, server pgx.Tx) ([]Moved, error) {
	here, err := s.count(ctx, func(t *table) (sum, error) { return t.sumFile(ctx, file) })
	if err != nil {
		return nil, err
	}
	there, err := s.count(ctx, func(t *table) (sum, error) { return t.sumServer(ctx, server) })
	if err != nil {
		return nil, err
	}
	var moved []Moved
	for i := range here {
		name := s.tables[i].name
		if here[i].rows != there[i].rows {
			return nil, fmt.Errorf("table %s has %d rows in the file and %d in PostgreSQL", name, here[i].rows, there[i].rows)
		}
		if here[i].hash != there[i].hash {
			return nil, fmt.Errorf("the %d rows of table %s are not the same in the file and in PostgreSQL", here[i].rows, name)
		}
		moved = append(moved, Moved{name, here[i].rows})
	}
	return moved, nil
}

// Revisions of snapshots are never given twice, on either side.
func (s *State) numbersToServer(ctx context.Context, tx pgx.Tx) error {
	var last int64
	err := s.file.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'beforehand_snapshots'").Scan(&last)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE beforehand.snapshot_revision SET n = greatest(n, $1)", last)
	}
	return err
}

func (s *State) numbersToFile(ctx context.Context, reading pgx.Tx, tx *sql.Tx) error {
	var last int64
	if err := reading.QueryRow(ctx, "SELECT n FROM beforehand.snapshot_revision").Scan(&last); err != nil {
		return err
	}
	for _, statement := range []string{
		"DELETE FROM sqlite_sequence WHERE name = 'beforehand_snapshots'",
		"INSERT INTO sqlite_sequence (name, seq) VALUES ('beforehand_snapshots', ?)",
	} {
		var args []any
		if strings.Contains(statement, "?") {
			args = append(args, last)
		}
		if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
			return err
		}
	}
	return nil
}
