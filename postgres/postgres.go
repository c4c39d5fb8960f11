package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/internal/hint"
	"github.com/beforehand-go/beforehand/internal/migrations"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

var _ beforehand.State = (*State)(nil)

//go:embed migrations/*.sql
var files embed.FS

// migrating is the advisory lock that one process holds while it migrates.
const migrating = 0x6265666f72656861 // "beforeha"

// State is everything kept in one PostgreSQL database.
type State struct {
	pool *pgxpool.Pool
	own  bool // the pool is ours to close
	jobs *Jobs

	snapshots hint.Hint // something was put
	claimed   atomic.Int64

	stop      context.CancelFunc // ends listening
	listening sync.WaitGroup
}

// Open connects to a database, by a URL or by key=value pairs, and brings the
// tables in the schema beforehand up to date.
func Open(ctx context.Context, dsn string) (*State, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	if !strings.Contains(dsn, "default_query_exec_mode") {
		if err := suitPooler(ctx, cfg.ConnConfig); err != nil {
			return nil, fmt.Errorf("open state: %w", err)
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	s, err := New(ctx, pool)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.own = true
	return s, nil
}

// New keeps state in the database of a pool that is there already. Closing the
// State leaves the pool open.
func New(ctx context.Context, pool *pgxpool.Pool) (*State, error) {
	s := &State{pool: pool}
	if err := s.migrate(ctx); err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	s.jobs = &Jobs{pool: pool, snapshots: &s.snapshots, changed: make(chan struct{}, 1), known: make(chan struct{})}
	s.jobs.id = fmt.Sprintf("%p-%d", s, time.Now().UnixNano())
	listening, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.listening.Go(func() { s.jobs.listen(listening) })
	select {
	case <-s.jobs.known:
		return s, nil
	case <-ctx.Done():
		s.stop()
		s.listening.Wait()
		return nil, fmt.Errorf("open state: %w", context.Cause(ctx))
	}
}

// behindPooler finds out whether a pooler stands between, which gives out
// another process number than the database's.
func behindPooler(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var pid uint32
	err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid != conn.PgConn().PID(), err
}

// suitPooler has no statement prepared for long behind a pooler, which may
// change its connections with every transaction.
func suitPooler(ctx context.Context, cfg *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	pooled, err := behindPooler(ctx, conn)
	if pooled {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	return errors.Join(err, conn.Close(ctx))
}

// Polled tells that what other processes write is only found by asking, since
// notifications do not arrive: a pooler in transaction mode stands between.
func (s *State) Polled() bool { return s.jobs.deaf }

// Jobs returns the scheduler's store.
func (s *State) Jobs() scheduler.Store { return s.jobs }

// Snapshots returns the store of finished results.
func (s *State) Snapshots() snapshot.Store {
	if s.Polled() {
		return &Snapshots{pool: s.pool}
	}
	return &Snapshots{s.pool, &s.snapshots}
}

// Close stops listening and closes the connections that Open has made.
func (s *State) Close() error {
	s.stop()
	s.listening.Wait()
	s.jobs.quiet()
	if s.own {
		s.pool.Close()
	}
	return nil
}

// migrate applies what the database lacks, one process at a time.
func (s *State) migrate(ctx context.Context) error {
	list, err := migrations.Load(files, "migrations")
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrating)); err != nil {
			return err
		}
		// The schema may have been made by somebody with the right to.
		for _, sql := range []string{
			`DO $$ BEGIN
				IF to_regnamespace('beforehand') IS NULL THEN CREATE SCHEMA beforehand; END IF;
			END $$`,
			`CREATE TABLE IF NOT EXISTS beforehand.schema (
				version bigint NOT NULL, -- migrations applied
				oldest  bigint NOT NULL  -- migrations a program must know to use the database
			)`,
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return apply(ctx, tx, list)
	})
}

func apply(ctx context.Context, tx pgx.Tx, list []migrations.Migration) error {
	var version, oldest int
	err := tx.QueryRow(ctx, "SELECT version, oldest FROM beforehand.schema").Scan(&version, &oldest)
	if errors.Is(err, pgx.ErrNoRows) {
		_, err = tx.Exec(ctx, "INSERT INTO beforehand.schema VALUES (0, 0)")
	}
	if err != nil {
		return err
	}
	pending, err := migrations.Pending(list, version, oldest)
	if err != nil {
		return err
	}
	for _, m := range pending {
		if _, err := tx.Conn().PgConn().Exec(ctx, m.SQL).ReadAll(); err != nil {
			return fmt.Errorf("migrate to %s: %w", m.Name, err)
		}
		if _, err := tx.Exec(ctx, "UPDATE beforehand.schema SET version = $1, oldest = greatest(oldest, $2)", m.Number, m.Oldest); err != nil {
			return err
		}
	}
	return nil
}
