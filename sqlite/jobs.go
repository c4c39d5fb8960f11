package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

var _ scheduler.Store = (*Jobs)(nil)

// Jobs keeps jobs and ledger in two tables.
type Jobs struct{ state *State }

const (
	jobColumns  = "name, version, definition, declared, due, last, wake, paused, removed, fence, count, open, record"
	tickColumns = "job, due, version, outcome, reason, asked, count, until, attempt, fence, holder, lease, ready, started, ended, cancel, progress, earlier"

	insertJob = "INSERT OR IGNORE INTO beforehand_jobs (" + jobColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	updateJob = `UPDATE beforehand_jobs SET version = ?2, definition = ?3, declared = ?4, due = ?5, last = ?6, wake = ?7,
		paused = ?8, removed = ?9, fence = ?10, count = ?11, open = ?12, record = ?13
		WHERE name = ?1 AND version = ?2 - 1`
)

// Due implements scheduler.Store. The clock is that of this process.
func (s *Jobs) Due(ctx context.Context, limit int, take func(*scheduler.State) bool) (scheduler.Due, error) {
	due := scheduler.Due{Now: time.Now().UTC().Truncate(time.Microsecond)}
	err := s.state.read(ctx, func(c *conn) error {
		now := due.Now.UnixMicro()
		if limit > 0 {
			taken := 0
			err := c.each(func(row scanner) error {
				st, err := scanJob(row)
				if err == nil && take(st) {
					taken++
				}
				if taken >= limit {
					return errEnough
				}
				return err
			}, "SELECT "+jobColumns+" FROM beforehand_jobs WHERE wake <= ? ORDER BY wake", now)
			if err != nil && !errors.Is(err, errEnough) {
				return err
			}
		}
		var next sql.NullInt64
		err := c.row("SELECT min(wake) FROM beforehand_jobs WHERE wake > ?", now).Scan(&next)
		due.Next = fromMicro(next)
		return err
	})
	return due, wrap("read due jobs", err)
}

// errEnough ends a read early.
var errEnough = errors.New("enough")

// Jobs implements scheduler.Store.
func (s *Jobs) Jobs(ctx context.Context, names ...string) ([]*scheduler.State, error) {
	var list []*scheduler.State
	add := func(row scanner) error {
		st, err := scanJob(row)
		list = append(list, st)
		return err
	}
	err := s.state.read(ctx, func(c *conn) error {
		if len(names) == 0 {
			return c.each(add, "SELECT "+jobColumns+" FROM beforehand_jobs WHERE NOT removed ORDER BY name")
		}
		named, err := json.Marshal(names)
		if err != nil {
			return err
		}
		return c.each(add, "SELECT "+jobColumns+" FROM beforehand_jobs WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name", string(named))
	})
	return list, wrap("read jobs", err)
}

// Ticks implements scheduler.Store.
func (s *Jobs) Ticks(ctx context.Context, q scheduler.Query) ([]*scheduler.Tick, error) {
	var list []*scheduler.Tick
	text, args, err := ticksSQL(q)
	if err != nil {
		return nil, wrap("read ledger", err)
	}
	err = s.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			t, err := scanTick(row)
			list = append(list, t)
			return err
		}, text, args...)
	})
	return list, wrap("read ledger", err)
}

// ticksSQL writes a query.
func ticksSQL(q scheduler.Query) (string, []any, error) {
	var where []string
	var args []any
	if q.Keys != nil {
		type key struct {
			Job string
			Due int64
		}
		keys := make([]key, len(q.Keys))
		for i, k := range q.Keys {
			keys[i] = key{k.Job, k.Due.UnixMicro()}
		}
		text, err := json.Marshal(keys)
		if err != nil {
			return "", nil, err
		}
		where = append(where, "(job, due) IN (SELECT value->>'Job', value->>'Due' FROM json_each(?))")
		args = append(args, string(text))
	}
	if q.Job != "" {
		where, args = append(where, "job = ?"), append(args, q.Job)
	}
	if q.Outcome == scheduler.Running {
		where = append(where, "outcome = 'running'") // in so many words, for the index
	} else if q.Outcome != "" {
		where, args = append(where, "outcome = ?"), append(args, string(q.Outcome))
	}
	if !q.Before.IsZero() {
		where, args = append(where, "due < ?"), append(args, q.Before.UnixMicro())
	}
	text := "SELECT " + tickColumns + " FROM beforehand_ticks"
	if len(where) > 0 {
		text += " WHERE " + strings.Join(where, " AND ")
	}
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	return text + " ORDER BY due DESC, job LIMIT ?", append(args, limit), nil
}

// Write implements scheduler.Store. What was read before is compared inside a
// transaction that nobody else can write beside.
func (s *Jobs) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	stood := make([]error, len(changes))
	err := s.state.write(ctx, func(c *conn) error {
		for i := range changes {
			var err error
			if stood[i], err = c.change(&changes[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return stood, wrap("write jobs", err)
}

// change writes one change. Its first result tells whether it stands; the
// second that the transaction cannot go on.
func (c *conn) change(ch *scheduler.Change) (stood, err error) {
	for _, t := range ch.Ticks {
		var version int64
		err := c.row("SELECT version FROM beforehand_ticks WHERE job = ? AND due = ?", t.Job, t.Due.UnixMicro()).Scan(&version)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if t.Version != version+1 {
			return scheduler.ErrStale, nil
		}
	}
	if len(ch.Effects) > 0 {
		if err := c.exec("SAVEPOINT beforehand_change"); err != nil {
			return nil, err
		}
		defer func() {
			if err == nil && stood != nil {
				err = c.exec("ROLLBACK TO beforehand_change")
			}
			if err == nil {
				err = c.exec("RELEASE beforehand_change")
			}
		}()
	}
	if ch.Job != nil {
		if stood, err := c.putJob(ch.Job); stood != nil || err != nil {
			return stood, err
		}
	}
	for _, t := range ch.Ticks {
		if err := c.putTick(t); err != nil {
			return nil, err
		}
	}
	for _, e := range ch.Effects {
		if err := c.writeEffect(e); refused(err) {
			return err, nil
		} else if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// putJob writes a job if nobody has meanwhile.
func (c *conn) putJob(st *scheduler.State) (stood, err error) {
	definition, err := json.Marshal(st.Definition)
	if err != nil {
		return nil, err
	}
	declared, err := json.Marshal(st.Declared)
	if err != nil {
		return nil, err
	}
	open, err := optional(st.Open, len(st.Open) == 0)
	if err != nil {
		return nil, err
	}
	record, err := optional(st.Record, st.Record == nil)
	if err != nil {
		return nil, err
	}
	text := updateJob
	if st.Version == 1 {
		text = insertJob
	}
	n, err := c.affect(text,
		st.Name, st.Version, string(definition), string(declared), micro(st.Due), micro(st.Last), micro(st.Wake),
		st.Paused, st.Removed, st.Fence, st.Count, open, record)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return scheduler.ErrStale, nil
	}
	return nil, nil
}

// putTick writes a row whose version was compared.
func (c *conn) putTick(t *scheduler.Tick) error {
	progress, err := optional(t.Progress, t.Progress == scheduler.Progress{})
	if err != nil {
		return err
	}
	earlier, err := optional(t.Earlier, len(t.Earlier) == 0)
	if err != nil {
		return err
	}
	return c.exec("INSERT OR REPLACE INTO beforehand_ticks ("+tickColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		t.Job, t.Due.UnixMicro(), t.Version, string(t.Outcome), t.Reason, t.Asked, t.Count, micro(t.Until),
		t.Attempt, t.Fence, t.Holder, int64(t.Lease), micro(t.Ready), micro(t.Started), micro(t.Ended),
		t.Cancel, progress, earlier)
}

// Purge implements scheduler.Store, some rows at a time.
func (s *Jobs) Purge(ctx context.Context, keep scheduler.Retention) (int, error) {
	if keep.Age <= 0 && keep.Count <= 0 {
		return 0, nil
	}
	var old int64
	if keep.Age > 0 {
		old = time.Now().Add(-keep.Age).UnixMicro()
	}
	count := keep.Count
	if count <= 0 {
		count = -1
	}
	all := 0
	for {
		var n int64
		err := s.state.write(ctx, func(c *conn) (err error) {
			n, err = c.affect(`DELETE FROM beforehand_ticks WHERE (job, due) IN (
				SELECT t.job, t.due FROM (
					SELECT job, due, outcome, ended, row_number() OVER (PARTITION BY job ORDER BY due DESC) AS place
					FROM beforehand_ticks) t
				LEFT JOIN beforehand_jobs j ON j.name = t.job
				WHERE t.outcome NOT IN ('waiting', 'running') AND (j.name IS NULL OR t.due < j.last)
					AND (t.ended < ?1 OR ?2 > 0 AND t.place > ?2)
				LIMIT 1000)`, old, count)
			return err
		})
		if all += int(n); err != nil || n < 1000 {
			return all, wrap("purge ledger", err)
		}
	}
}

// Changed implements scheduler.Store: SQLite does not tell.
func (s *Jobs) Changed() <-chan struct{} { return nil }

func scanJob(row scanner) (*scheduler.State, error) {
	var st scheduler.State
	var definition, declared string
	var open, record sql.NullString
	var due, last, wake sql.NullInt64
	err := row.Scan(&st.Name, &st.Version, &definition, &declared, &due, &last, &wake,
		&st.Paused, &st.Removed, &st.Fence, &st.Count, &open, &record)
	if err != nil {
		return nil, err
	}
	st.Due, st.Last, st.Wake = fromMicro(due), fromMicro(last), fromMicro(wake)
	st.Definition, st.Declared = scheduler.ParseDefinition([]byte(definition)), scheduler.ParseDefinition([]byte(declared))
	return &st, errors.Join(fromOptional(open, &st.Open), fromOptional(record, &st.Record))
}

func scanTick(row scanner) (*scheduler.Tick, error) {
	var t scheduler.Tick
	var due, until, ready, started, ended sql.NullInt64
	var progress, earlier sql.NullString
	err := row.Scan(&t.Job, &due, &t.Version, &t.Outcome, &t.Reason, &t.Asked, &t.Count, &until, &t.Attempt, &t.Fence,
		&t.Holder, &t.Lease, &ready, &started, &ended, &t.Cancel, &progress, &earlier)
	if err != nil {
		return nil, err
	}
	t.Due, t.Until, t.Ready, t.Started, t.Ended = fromMicro(due), fromMicro(until), fromMicro(ready), fromMicro(started), fromMicro(ended)
	return &t, errors.Join(fromOptional(progress, &t.Progress), fromOptional(earlier, &t.Earlier))
}

// micro is how an instant is kept.
func micro(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func fromMicro(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// optional is how a value is kept that is often empty.
func optional(v any, empty bool) (any, error) {
	if empty {
		return nil, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

func fromOptional(s sql.NullString, v any) error {
	if !s.Valid {
		return nil
	}
	return json.Unmarshal([]byte(s.String), v)
}

// wrap says what was tried.
func wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", verb, err)
}
