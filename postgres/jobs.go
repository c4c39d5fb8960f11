package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand/internal/hint"
	"github.com/beforehand-go/beforehand/scheduler"
)

var _ scheduler.Store = (*Jobs)(nil)

// Jobs keeps jobs and ledger in two tables.
type Jobs struct {
	pool    *pgxpool.Pool
	purger  scheduler.Purger
	id      string // this State's own notifications
	changed chan struct{}
	known   chan struct{} // closed when it is known whether notifications are heard
	deaf    bool          // they are not; set before known is closed, if ever

	snapshots *hint.Hint // given when one was put

	mu      sync.Mutex
	timer   *time.Timer // a notification is to be sent
	closed  bool
	sending sync.WaitGroup
}

// Due implements scheduler.Store. The clock is the database's.
func (s *Jobs) Due(ctx context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	shown, taken := map[string]bool{}, 0
	for ask := limit; ; ask *= 4 {
		due, list, err := s.due(ctx, ask)
		if err != nil {
			return due, fmt.Errorf("read due jobs: %w", err)
		}
		for _, st := range list {
			if taken < limit && !shown[st.Name] {
				if shown[st.Name] = true; take(st) {
					taken++
				}
			}
		}
		if len(list) < ask || taken >= limit {
			return due, nil
		}
	}
}

// due reads at most ask due jobs.
func (s *Jobs) due(ctx context.Context, ask int) (due scheduler.Due, list []*scheduler.State, err error) {
	b := &pgx.Batch{}
	b.Queue("SELECT clock_timestamp(), (SELECT min(wake) FROM beforehand.jobs WHERE wake > (SELECT clock_timestamp()))").QueryRow(func(row pgx.Row) error {
		var next *time.Time
		err := row.Scan(&due.Now, &next)
		due.Now, due.Next = due.Now.UTC(), fromInstant(next)
		return err
	})
	if ask > 0 {
		b.Queue("SELECT "+jobColumns+" FROM beforehand.jobs WHERE wake <= (SELECT clock_timestamp()) ORDER BY wake LIMIT $1", ask).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				st, err := scanJob(rows)
				if err != nil {
					return err
				}
				list = append(list, st)
			}
			return rows.Err()
		})
	}
	err = s.pool.SendBatch(ctx, b).Close()
	return due, list, err
}

// Jobs implements scheduler.Store.
func (s *Jobs) Jobs(ctx context.Context, names ...string) ([]*scheduler.State, error) {
	text, args := "SELECT "+jobColumns+" FROM beforehand.jobs WHERE NOT removed ORDER BY name", []any(nil)
	if len(names) > 0 {
		text, args = "SELECT "+jobColumns+" FROM beforehand.jobs WHERE name = ANY ($1) ORDER BY name", []any{names}
	}
	list, err := query(ctx, s.pool, scanJob, text, args...)
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	return list, nil
}

// query reads all rows of a query.
func query[T any](ctx context.Context, pool *pgxpool.Pool, scan func(pgx.Rows) (*T, error), sql string, args ...any) ([]*T, error) {
	rows, err := pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// Ticks implements scheduler.Store.
func (s *Jobs) Ticks(ctx context.Context, q scheduler.Query) ([]*scheduler.Tick, error) {
	var where []string
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	if q.Keys != nil {
		jobs, dues := columns(q.Keys)
		where = append(where, "(job, due) IN (SELECT * FROM unnest("+arg(jobs)+"::text[], "+arg(dues)+"::timestamptz[]))")
	}
	if q.Job != "" {
		where = append(where, "job = "+arg(q.Job))
	}
	if q.Outcome == scheduler.Running {
		where = append(where, "outcome = 'running'") // in so many words, for the index
	} else if q.Outcome != "" {
		where = append(where, "outcome = "+arg(string(q.Outcome)))
	}
	if !q.Before.IsZero() {
		where = append(where, "due < "+arg(q.Before))
	}
	text := "SELECT " + tickColumns + " FROM beforehand.ticks"
	if len(where) > 0 {
		text += " WHERE " + strings.Join(where, " AND ")
	}
	text += " ORDER BY due DESC, job"
	if q.Limit == 0 {
		q.Limit = 100
	}
	if q.Limit > 0 {
		text += " LIMIT " + strconv.Itoa(q.Limit)
	}
	list, err := query(ctx, s.pool, scanTick, text, args...)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return list, nil
}

func columns(keys []scheduler.Key) (jobs []string, dues []time.Time) {
	jobs, dues = make([]string, len(keys)), make([]time.Time, len(keys))
	for i, k := range keys {
		jobs[i], dues[i] = k.Job, k.Due
	}
	return jobs, dues
}

// errRace tells that two transactions made the same job at once.
var errRace = errors.New("somebody else made the same job")

// many is how many changes are written in two transactions side by side, so that
// neither side of a large write waits for the other.
const many = 256

// Write implements scheduler.Store.
func (s *Jobs) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	s.purger.Note(changes)
	parts := [][]scheduler.Change{changes}
	if n := len(changes); n >= many {
		parts = [][]scheduler.Change{changes[:n/2], changes[n/2:]}
	}
	stood, errs := make([][]error, len(parts)), make([]error, len(parts))
	var writing sync.WaitGroup
	for i := range parts[1:] {
		writing.Go(func() { stood[i+1], errs[i+1] = s.tryWrite(ctx, parts[i+1]) })
	}
	stood[0], errs[0] = s.tryWrite(ctx, parts[0])
	writing.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("write jobs: %w", err)
	}
	s.tell()
	return slices.Concat(stood...), nil
}

// tryWrite writes changes in one transaction, as often as it takes.
func (s *Jobs) tryWrite(ctx context.Context, changes []scheduler.Change) (stood []error, err error) {
	for range 10 {
		if stood, err = s.write(ctx, changes); !errors.Is(err, errRace) {
			return stood, err
		}
	}
	return nil, err
}

// write locks what the changes are about, in an order that is the same for
// everybody, compares, and writes what stands.
func (s *Jobs) write(ctx context.Context, changes []scheduler.Change) (stood []error, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		f, err := lock(ctx, tx, changes)
		if err != nil {
			return err
		}
		stood = make([]error, len(changes))
		for i := range changes {
			if !f.fits(&changes[i]) {
				stood[i] = scheduler.ErrStale
				continue
			}
			if stood[i], err = effects(ctx, tx, changes[i].Effects); err != nil {
				return err
			}
			if stood[i] == nil {
				f.take(&changes[i])
			}
		}
		return f.put(ctx, tx)
	})
	return stood, err
}

// effects writes what a run committed. The first result tells what is wrong
// with them, the second that the transaction cannot go on.
func effects(ctx context.Context, tx pgx.Tx, list []any) (wrong, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	sub, err := tx.Begin(ctx) // a savepoint
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if err := writeEffect(ctx, sub, e); refused(err) {
			return err, sub.Rollback(ctx)
		} else if err != nil {
			return nil, err
		}
	}
	return nil, sub.Commit(ctx)
}

// A found is what a transaction has locked, and what it is going to write.
type found struct {
	jobs  map[string]int64
	ticks map[scheduler.Key]int64

	newJobs map[string]*scheduler.Change
	newRows map[scheduler.Key]*scheduler.Tick
	notes   []*scheduler.Change // with a log or a replica
}

// lock reads the versions of jobs and rows and keeps others from writing them.
func lock(ctx context.Context, tx pgx.Tx, changes []scheduler.Change) (*found, error) {
	f := &found{
		jobs: map[string]int64{}, ticks: map[scheduler.Key]int64{},
		newJobs: map[string]*scheduler.Change{}, newRows: map[scheduler.Key]*scheduler.Tick{},
	}
	var names []string
	var keys []scheduler.Key
	for _, c := range changes {
		if c.Job != nil {
			names = append(names, c.Job.Name)
		}
		for _, t := range c.Ticks {
			keys = append(keys, t.Key())
		}
	}
	b := &pgx.Batch{}
	b.Queue("SELECT name, version FROM beforehand.jobs WHERE name = ANY ($1) ORDER BY name FOR UPDATE", names).Query(func(rows pgx.Rows) error {
		var name string
		var version int64
		_, err := pgx.ForEachRow(rows, []any{&name, &version}, func() error {
			f.jobs[name] = version
			return nil
		})
		return err
	})
	jobs, dues := columns(keys)
	b.Queue(`SELECT job, due, version FROM beforehand.ticks
		WHERE (job, due) IN (SELECT * FROM unnest($1::text[], $2::timestamptz[])) ORDER BY job, due FOR UPDATE`, jobs, dues).Query(func(rows pgx.Rows) error {
		var k scheduler.Key
		var version int64
		_, err := pgx.ForEachRow(rows, []any{&k.Job, &k.Due, &version}, func() error {
			f.ticks[scheduler.Key{Job: k.Job, Due: k.Due.UTC()}] = version
			return nil
		})
		return err
	})
	return f, tx.SendBatch(ctx, b).Close()
}

// fits tells whether a change was worked out from what is there.
func (f *found) fits(c *scheduler.Change) bool {
	if c.Job != nil && c.Job.Version != f.jobs[c.Job.Name]+1 {
		return false
	}
	for _, t := range c.Ticks {
		if t.Version != f.ticks[t.Key()]+1 {
			return false
		}
	}
	return true
}

// take notes a change to be written. Later changes see it.
func (f *found) take(c *scheduler.Change) {
	if c.Job != nil {
		f.jobs[c.Job.Name], f.newJobs[c.Job.Name] = c.Job.Version, c
	}
	for _, t := range c.Ticks {
		f.ticks[t.Key()], f.newRows[t.Key()] = t.Version, t
	}
	if c.Log != nil || c.Replica != nil {
		f.notes = append(f.notes, c)
	}
}

const (
	// A definition of JSON's null is left as it is.
	putJobs = `INSERT INTO beforehand.jobs (` + jobColumns + `)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::jsonb[], $4::jsonb[], $5::timestamptz[], $6::timestamptz[],
			$7::timestamptz[], $8::boolean[], $9::boolean[], $10::bigint[], $11::bigint[], $12::jsonb[], $13::jsonb[])
		ON CONFLICT (name) DO UPDATE SET version = excluded.version,
			definition = CASE excluded.definition WHEN 'null' THEN jobs.definition ELSE excluded.definition END,
			declared = CASE excluded.declared WHEN 'null' THEN jobs.declared ELSE excluded.declared END,
			due = excluded.due, last = excluded.last, wake = excluded.wake,
			paused = excluded.paused, removed = excluded.removed, fence = excluded.fence, count = excluded.count,
			open = excluded.open, record = excluded.record
		WHERE jobs.version < excluded.version AND excluded.version > 1`
	putTicks = `INSERT INTO beforehand.ticks (` + tickColumns + `)
		SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::text[], $5::text[], $6::boolean[],
			$7::bigint[], $8::timestamptz[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::timestamptz[],
			$14::timestamptz[], $15::timestamptz[], $16::text[], $17::jsonb[], $18::jsonb[])
		ON CONFLICT (job, due) DO UPDATE SET version = excluded.version, outcome = excluded.outcome,
			reason = excluded.reason, asked = excluded.asked, count = excluded.count, until = excluded.until,
			attempt = excluded.attempt, fence = excluded.fence, holder = excluded.holder, lease = excluded.lease,
			ready = excluded.ready, started = excluded.started, ended = excluded.ended, cancel = excluded.cancel,
			progress = excluded.progress, earlier = excluded.earlier
		WHERE ticks.version < excluded.version AND excluded.version > 1`
)

// put writes everything in two statements.
func (f *found) put(ctx context.Context, tx pgx.Tx) error {
	jobs, err := jobRows(f.newJobs)
	if err != nil {
		return err
	}
	ticks, err := tickRows(f.newRows)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	queue(b, putJobs, len(jobs), jobColumnsOf(jobs))
	queue(b, putTicks, len(ticks), tickColumnsOf(ticks))
	for _, c := range f.notes {
		if err := queueNotes(b, c); err != nil {
			return err
		}
	}
	return tx.SendBatch(ctx, b).Close()
}

// queue adds a statement that writes so many rows, every one of which must be
// written.
func queue(b *pgx.Batch, sql string, rows int, columns []any) {
	if rows == 0 {
		return
	}
	b.Queue(sql, columns...).Fn = func(br pgx.BatchResults) error {
		tag, err := br.Exec()
		if err == nil && tag.RowsAffected() != int64(rows) {
			return errRace
		}
		return err
	}
}
