package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver Open uses

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/internal/hint"
	"github.com/beforehand-go/beforehand/internal/migrations"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

var _ beforehand.State = (*State)(nil)

//go:embed migrations/*.sql
var files embed.FS

const (
	// busy is how long a statement waits for another process's transaction.
	busy = 5 * time.Second
	// pause is left between two transactions of this process.
	pause = time.Millisecond
	// sqliteBusy is SQLite's code for a file that another process has locked.
	sqliteBusy = 5
)

// State is everything kept in one SQLite file.
type State struct {
	db   *sql.DB // our own connections
	jobs *Jobs

	snapshots hint.Hint // something was put
	watch     func()    // begins to look for that, once
	stop      context.CancelFunc
	watching  sync.WaitGroup

	writing *conn // one transaction at a time
	reading *conn
	free    time.Time // when the next transaction may begin
}

// Open opens or creates the file and brings its tables up to date. Tables are
// named beforehand_…, so the file may hold others.
func Open(path string) (*State, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return open(db, path, fileSystem, busy)
}

// New keeps state in the file that db has open, next to whatever is in it. It
// opens connections of its own to that file, with the same driver, so that
// neither waits for the other's; closing the State leaves db alone.
func New(db *sql.DB) (*State, error) {
	var seq int
	var name, path string
	row := db.QueryRow("SELECT seq, name, file FROM pragma_database_list WHERE name = 'main'")
	if err := row.Scan(&seq, &name, &path); err != nil {
		return nil, fmt.Errorf("open state: find the file of the database: %w", err)
	}
	if path == "" {
		return nil, errors.New("open state: the database has no file: use memory.New() for state that lasts as long as the process")
	}
	return open(sql.OpenDB(connector{db.Driver(), dsn(path)}), path, fileSystem, busy)
}

// dsn is the URI of a file, which keeps special characters in its path from
// being read as options.
func dsn(path string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

// A connector opens connections with a driver that is already there.
type connector struct {
	driver driver.Driver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// open is told how to find out which file system the file lies on, and how long
// to wait for other processes.
func open(db *sql.DB, path string, kindOf func(string) (uint32, error), wait time.Duration) (*State, error) {
	s := &State{db: db}
	s.writing, s.reading = newConn(db, true, wait), newConn(db, false, wait)
	s.jobs = &Jobs{state: s}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.watch = sync.OnceFunc(func() { s.watching.Go(func() { s.watchSnapshots(ctx) }) })
	err := onThisMachine(path, kindOf)
	if err == nil {
		err = s.migrate(context.Background())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), s.Close())
	}
	return s, nil
}

// Jobs returns the scheduler's store.
func (s *State) Jobs() scheduler.Store { return s.jobs }

// Snapshots returns the store of finished results.
func (s *State) Snapshots() snapshot.Store { return &Snapshots{s} }

// Close closes the connections, once nobody uses them.
func (s *State) Close() error {
	s.stop()
	s.watching.Wait()
	err := s.db.Close() // opens no more; those that are held are closed here
	for _, c := range []*conn{s.reading, s.writing} {
		c.turn <- struct{}{}
		c.close()
		c.leave()
	}
	return err
}

// migrate applies what the file lacks, one process at a time.
func (s *State) migrate(ctx context.Context) error {
	list, err := migrations.Load(files, "migrations")
	if err != nil {
		return err
	}
	err = s.write(ctx, func(c *conn) error {
		if err := c.exec(`CREATE TABLE IF NOT EXISTS beforehand_schema (
			version INTEGER NOT NULL, -- migrations applied
			oldest  INTEGER NOT NULL  -- migrations a program must know to use the file
		)`); err != nil {
			return err
		}
		var version, oldest int
		err := c.row("SELECT version, oldest FROM beforehand_schema").Scan(&version, &oldest)
		if errors.Is(err, sql.ErrNoRows) {
			err = c.exec("INSERT INTO beforehand_schema VALUES (0, 0)")
		}
		if err != nil {
			return err
		}
		pending, err := migrations.Pending(list, version, oldest)
		if err != nil {
			return err
		}
		for _, m := range pending {
			if err := c.script(m.SQL); err != nil {
				return fmt.Errorf("migrate to %s: %w", m.Name, err)
			}
			if err := c.exec("UPDATE beforehand_schema SET version = ?, oldest = max(oldest, ?)", m.Number, m.Oldest); err != nil {
				return err
			}
		}
		return nil
	})
	if isBusy(err) {
		// A process that stands still amid a write keeps nobody from opening
		// a file that lacks nothing.
		if current, err := s.isCurrent(ctx, list); current || err != nil {
			return err
		}
	}
	return err
}

// isCurrent tells, without writing, whether the file lacks no migration.
func (s *State) isCurrent(ctx context.Context, list []migrations.Migration) (current bool, err error) {
	err = s.read(ctx, func(c *conn) error {
		var tables, version, oldest int
		err := c.row("SELECT count(*) FROM sqlite_schema WHERE name = 'beforehand_schema'").Scan(&tables)
		if err != nil || tables == 0 {
			return err
		}
		if err := c.row("SELECT version, oldest FROM beforehand_schema").Scan(&version, &oldest); err != nil {
			return err
		}
		pending, err := migrations.Pending(list, version, oldest)
		current = len(pending) == 0
		return err
	})
	return current, err
}

// write runs f in a transaction, one after the other. If it fails, or the
// transaction cannot be committed, nothing was written, unless the process or
// the disk died while committing. No code of users runs inside.
func (s *State) write(ctx context.Context, f func(*conn) error) error {
	c := s.writing
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.leave()
	time.Sleep(time.Until(s.free))
	defer func() { s.free = time.Now().Add(pause) }()
	if err := c.open(); err != nil {
		return err
	}
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", c.explain(err))
	}
	err := f(c)
	if err == nil {
		if err = c.exec("COMMIT"); err == nil {
			return nil
		}
		err = fmt.Errorf("commit: %w", err)
	}
	if back := c.exec("ROLLBACK"); back != nil {
		c.close() // a new connection knows no transaction
	}
	return err
}

// isBusy tells whether another process kept the file locked for too long.
func isBusy(err error) bool {
	var code interface{ Code() int } // as the driver's errors have it
	return errors.As(err, &code) && code.Code()&0xff == sqliteBusy
}

// explain says of a file that stays locked what to do.
func (c *conn) explain(err error) error {
	if isBusy(err) {
		return fmt.Errorf("another process has been amid a write for %s: let it go on if it is stopped, or end it: %w", c.wait, err)
	}
	return err
}

// read runs f with the connection for reading.
func (s *State) read(ctx context.Context, f func(*conn) error) error {
	c := s.reading
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.leave()
	if err := c.open(); err != nil {
		return err
	}
	return f(c)
}

// A conn is one connection with its prepared statements.
type conn struct {
	db     *sql.DB
	writes bool
	wait   time.Duration // for another process's transaction
	turn   chan struct{} // holds a token while somebody uses it
	c      *sql.Conn
	stmts  map[string]*sql.Stmt
}

func newConn(db *sql.DB, writes bool, wait time.Duration) *conn {
	return &conn{db: db, writes: writes, wait: wait, turn: make(chan struct{}, 1)}
}

// take waits for the connection to be free.
func (c *conn) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *conn) leave() { <-c.turn }

// open connects, if that is not done, and sets what SQLite keeps for each
// connection.
func (c *conn) open() error {
	if c.c != nil {
		return nil
	}
	one, err := c.db.Conn(context.Background())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	c.c, c.stmts = one, map[string]*sql.Stmt{}
	pragmas := []string{fmt.Sprintf("PRAGMA busy_timeout = %d", c.wait.Milliseconds())}
	if c.writes {
		pragmas = append(pragmas, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
	} else {
		pragmas = append(pragmas, "PRAGMA query_only = 1")
	}
	for _, p := range pragmas {
		if err := c.script(p); err != nil {
			c.close()
			return fmt.Errorf("connect: %s: %w", p, c.explain(err))
		}
	}
	return nil
}

// close ends the connection for good. Its statements come first: the driver keeps
// a connection, and its files, as long as one of them is there.
func (c *conn) close() {
	for _, st := range c.stmts {
		_ = st.Close()
	}
	if c.c != nil {
		_ = c.c.Raw(func(any) error { return driver.ErrBadConn })
		_ = c.c.Close()
	}
	c.c, c.stmts = nil, nil
}

// script runs SQL that is not worth preparing.
func (c *conn) script(sql string) error {
	_, err := c.c.ExecContext(context.Background(), sql)
	return err
}

// stmt prepares a statement, once.
func (c *conn) stmt(sql string) (*sql.Stmt, error) {
	if st := c.stmts[sql]; st != nil {
		return st, nil
	}
	st, err := c.c.PrepareContext(context.Background(), sql)
	if err == nil {
		c.stmts[sql] = st
	}
	return st, err
}

func (c *conn) exec(sql string, args ...any) error {
	_, err := c.affect(sql, args...)
	return err
}

// affect tells how many rows a statement has changed.
func (c *conn) affect(sql string, args ...any) (int64, error) {
	st, err := c.stmt(sql)
	if err != nil {
		return 0, err
	}
	res, err := st.Exec(args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// row reads one row.
func (c *conn) row(sql string, args ...any) scanner {
	st, err := c.stmt(sql)
	if err != nil {
		return failed{err}
	}
	return st.QueryRow(args...)
}

// each calls f for each row.
func (c *conn) each(f func(scanner) error, sql string, args ...any) error {
	st, err := c.stmt(sql)
	if err != nil {
		return err
	}
	rows, err := st.Query(args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

type scanner interface{ Scan(...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }
