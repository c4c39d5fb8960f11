package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	conn "github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const (
	// dialTimeout is how long a server may take to be reached.
	dialTimeout = 5 * time.Second
	// readTimeout is how long a server may be silent while a query runs; it
	// tells of its progress all the while.
	readTimeout = 5 * time.Minute
)

// server is the way to ClickHouse. The tables are made when it is reached for
// the first time.
type server struct {
	config  Config
	options *driver.Options
	conn    conn.Conn

	mu    sync.Mutex
	ready bool

	// more are settings that only current servers know.
	more atomic.Pointer[driver.Settings]
}

func newServer(c Config) (*server, error) {
	o, err := driver.ParseDSN(c.URL)
	if err != nil {
		return nil, fmt.Errorf("the address of ClickHouse: %w: must be like clickhouse://user:password@host:9000/database", err)
	}
	o.Auth.Database = cmp.Or(o.Auth.Database, "default")
	o.DialTimeout = dialTimeout
	o.ReadTimeout = cmp.Or(o.ReadTimeout, readTimeout)
	o.MaxOpenConns, o.MaxIdleConns = c.Readers+2, c.Readers+2 // and who sends, and who adds up
	o.Compression = cmp.Or(o.Compression, &driver.Compression{Method: driver.CompressionLZ4})
	if o.Settings == nil {
		o.Settings = driver.Settings{}
	}
	o.Settings["max_query_size"] = 16 << 20
	if c.Cluster != "" {
		o.Settings["insert_distributed_sync"] = 1
	}
	if c.Quorum > 1 {
		o.Settings["insert_quorum"] = c.Quorum
		o.Settings["select_sequential_consistency"] = 1
	}
	s := &server{config: c, options: o}
	s.config.parsed = o.Auth.Database
	s.conn, err = driver.Open(o)
	return s, err
}

func (s *server) close() error { return s.conn.Close() }

// open makes what is not there yet. It is called before anything is asked, and
// does nothing once it has succeeded.
func (s *server) open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready {
		return nil
	}
	if err := s.makeDatabase(ctx); err != nil {
		return fmt.Errorf("reach ClickHouse: %w", err)
	}
	if err := s.know(); err != nil {
		return fmt.Errorf("reach ClickHouse: %w", err)
	}
	if err := s.migrate(ctx); err != nil {
		return fmt.Errorf("make tables in ClickHouse: %w", err)
	}
	s.ready = true
	return nil
}

// makeDatabase makes the database, for which one must be connected to another.
func (s *server) makeDatabase(ctx context.Context) error {
	if s.conn.Ping(ctx) == nil {
		return nil
	}
	o := *s.options
	o.Auth.Database = "default"
	o.MaxOpenConns, o.MaxIdleConns = 1, 1
	c, err := driver.Open(&o)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Exec(ctx, fmt.Sprintf("CREATE DATABASE IF NOT EXISTS %s %s", name(s.config.database()), s.config.onCluster()))
}

// know learns what the server is. Where a quorum is asked for, current servers
// insert side by side, and then no reader can ask for what all have: ours insert
// one after another.
func (s *server) know() error {
	v, err := s.conn.ServerVersion()
	if err == nil && v.Version.Major >= 21 && s.config.Quorum > 1 {
		s.more.Store(&driver.Settings{"insert_quorum_parallel": 0})
	}
	return err
}

// with has a query asked with the settings that only current servers know, and,
// if one is given, under an id.
func (s *server) with(ctx context.Context, id string) context.Context {
	var options []driver.QueryOption
	if more := s.more.Load(); more != nil {
		options = append(options, driver.WithSettings(*more))
	}
	if id != "" {
		options = append(options, driver.WithQueryID(id))
	}
	return driver.Context(ctx, options...)
}

// exec carries out a statement.
func (s *server) exec(ctx context.Context, statement string) error {
	return s.conn.Exec(s.with(ctx, ""), statement)
}

// each calls row for each row of an answer, with what reads its columns.
func (s *server) each(ctx context.Context, query string, row func(scan func(...any) error) error) error {
	rows, err := s.conn.Query(s.with(ctx, ""), query)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// number is an answer of one number.
func (s *server) number(ctx context.Context, query string) (n int64, err error) {
	err = s.conn.QueryRow(s.with(ctx, ""), query).Scan(&n)
	return n, err
}

// insert adds rows to a table, given by columns. The insert is known by an id
// while it runs.
func (s *server) insert(ctx context.Context, id, table string, columns []string, values ...any) error {
	batch, err := s.conn.PrepareBatch(s.with(ctx, id), fmt.Sprintf("INSERT INTO %s (%s)", table, strings.Join(columns, ", ")))
	if err != nil {
		return err
	}
	for i, v := range values {
		if err := batch.Column(i).Append(v); err != nil {
			return errors.Join(err, batch.Abort())
		}
	}
	return batch.Send()
}

// mutate deletes rows of a table and waits until they are gone.
func (s *server) mutate(ctx context.Context, table, where string) error {
	statement := fmt.Sprintf("ALTER TABLE %s %s DELETE WHERE %s", table, s.config.onCluster(), where)
	if err := s.exec(ctx, statement); err != nil {
		return err
	}
	return s.settle(ctx, 20*time.Millisecond, "mutations",
		fmt.Sprintf("database = %s AND table = %s AND NOT is_done", quote(s.config.database()), quote(table)))
}

// settle waits until no row of a system table, on any server of the cluster, is
// as the condition says, and looks again after each of such times.
func (s *server) settle(ctx context.Context, every time.Duration, table, where string) error {
	from := "system." + table
	if s.config.Cluster != "" {
		from = fmt.Sprintf("cluster(%s, system, %s)", quote(s.config.Cluster), table)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		n, err := s.number(ctx, fmt.Sprintf("SELECT toInt64(count()) FROM %s WHERE %s", from, where))
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
