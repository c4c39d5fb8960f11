package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

var _ scheduler.Store = (*Jobs)(nil)

// Jobs keeps jobs and ledger in two tables.
type Jobs struct {
	state  *State
	purger scheduler.Purger
}

const (
	jobColumns  = "name, version, definition, declared, due, last, wake, paused, removed, fence, count, open, record"
	tickColumns = "job, due, version, outcome, reason, asked, count, until, attempt, fence, holder, lease, ready, started, ended, cancel, progress, earlier"

	insertJob = "INSERT OR IGNORE INTO beforehand_jobs (" + jobColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	updateJob = `UPDATE beforehand_jobs SET version = ?2, due = ?3, last = ?4, wake = ?5, paused = ?6, removed = ?7,
		fence = ?8, count = ?9, open = ?10, record = ?11`
	redefine = ", definition = ?12, declared = ?13"
	ifJob    = " WHERE name = ?1 AND version = ?2 - 1"

	insertTick = "INSERT OR IGNORE INTO beforehand_ticks (" + tickColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	updateTick = `UPDATE beforehand_ticks SET version = ?3, outcome = ?4, reason = ?5, asked = ?6, count = ?7, until = ?8,
		attempt = ?9, fence = ?10, holder = ?11, lease = ?12, ready = ?13, started = ?14, ended = ?15, cancel = ?16,
		progress = ?17, earlier = ?18 WHERE job = ?1 AND due = ?2 AND version = ?3 - 1`
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
		named, err := keyList(q.Keys)
		if err != nil {
			return "", nil, err
		}
		where, args = append(where, isNamed), append(args, named)
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
	text += " ORDER BY due DESC, job"
	if q.Limit >= 0 { // in so many words: SQLite plans anew for each value that is bound to it
		text += " LIMIT " + strconv.Itoa(cmp.Or(q.Limit, 100))
	}
	return text, args, nil
}

// Write implements scheduler.Store, in a transaction that nobody else can write
// beside.
func (s *Jobs) Write(ctx context.Context, changes []scheduler.Change) ([]error, error) {
	s.purger.Note(changes)
	stood, err := s.write(ctx, changes, false)
	if errors.Is(err, errHalf) {
		stood, err = s.write(ctx, changes, true)
	}
	return stood, wrap("write jobs", err)
}

// errHalf ends a transaction in which a change was found not to stand after
// part of it had been written.
var errHalf = errors.New("half a change")

// write writes changes. That a job fits and its tick does not is rare: only when
// it has happened is each change guarded by a savepoint.
func (s *Jobs) write(ctx context.Context, changes []scheduler.Change, guarded bool) ([]error, error) {
	stood := make([]error, len(changes))
	err := s.state.write(ctx, func(c *conn) error {
		for i := range changes {
			var err error
			if stood[i], err = c.change(&changes[i], guarded); err != nil {
				return err
			}
		}
		return nil
	})
	return stood, err
}

// change writes one change. Its first result tells whether it stands; the
// second that the transaction cannot go on.
func (c *conn) change(ch *scheduler.Change, guarded bool) (stood, err error) {
	if !guarded && len(ch.Effects) == 0 {
		half, stood, err := c.put(ch)
		if half && err == nil {
			err = errHalf
		}
		return stood, err
	}
	if err := c.exec("SAVEPOINT beforehand_change"); err != nil {
		return nil, err
	}
	_, stood, err = c.put(ch)
	if err == nil && stood != nil {
		err = c.exec("ROLLBACK TO beforehand_change")
	}
	if err == nil {
		err = c.exec("RELEASE beforehand_change")
	}
	return stood, err
}

// put writes what a change consists of. If it does not stand, half tells
// whether some of it was written.
func (c *conn) put(ch *scheduler.Change) (half bool, stood, err error) {
	if ch.Job != nil {
		if stood, err := c.putJob(ch.Job, ch.SameDefinition); stood != nil || err != nil {
			return false, stood, err
		}
	}
	for i, t := range ch.Ticks {
		if stood, err := c.putTick(t); stood != nil || err != nil {
			return i > 0 || ch.Job != nil, stood, err
		}
	}
	if err := c.putNotes(ch); err != nil {
		return true, nil, err
	}
	for _, e := range ch.Effects {
		if err := c.writeEffect(e); refused(err) {
			return true, err, nil
		} else if err != nil {
			return true, nil, err
		}
	}
	return false, nil, nil
}

// putNotes writes what a change tells beside jobs and ticks.
func (c *conn) putNotes(ch *scheduler.Change) error {
	if ch.Log != nil {
		if err := c.putLog(ch.Ticks[0].Key(), ch.Log); err != nil {
			return err
		}
	}
	if ch.Replica != nil {
		return c.putReplica(ch.Replica)
	}
	return nil
}

// putJob writes a job if nobody has meanwhile.
func (c *conn) putJob(st *scheduler.State, same bool) (stood, err error) {
	open, err := optional(st.Open, len(st.Open) == 0)
	if err != nil {
		return nil, err
	}
	record, err := optional(st.Record, st.Record == nil)
	if err != nil {
		return nil, err
	}
	rest := []any{
		micro(st.Due), micro(st.Last), micro(st.Wake),
		st.Paused, st.Removed, st.Fence, st.Count, open, record,
	}
	if same {
		return c.stands(updateJob+ifJob, append([]any{st.Name, st.Version}, rest...)...)
	}
	definition, err := json.Marshal(st.Definition)
	if err != nil {
		return nil, err
	}
	declared, err := json.Marshal(st.Declared)
	if err != nil {
		return nil, err
	}
	if st.Version == 1 {
		return c.stands(insertJob, append([]any{st.Name, st.Version, string(definition), string(declared)}, rest...)...)
	}
	return c.stands(updateJob+redefine+ifJob, slices.Concat([]any{st.Name, st.Version}, rest, []any{string(definition), string(declared)})...)
}

// stands writes a row that somebody else may have written meanwhile.
func (c *conn) stands(sql string, args ...any) (stood, err error) {
	n, err := c.affect(sql, args...)
	if err == nil && n == 0 {
		return scheduler.ErrStale, nil
	}
	return nil, err
}

// putTick writes a row if nobody has meanwhile.
func (c *conn) putTick(t *scheduler.Tick) (stood, err error) {
	progress, err := optional(t.Progress, t.Progress == scheduler.Progress{})
	if err != nil {
		return nil, err
	}
	earlier, err := optional(t.Earlier, len(t.Earlier) == 0)
	if err != nil {
		return nil, err
	}
	text := updateTick
	if t.Version == 1 {
		text = insertTick
	}
	return c.stands(text,
		t.Job, t.Due.UnixMicro(), t.Version, string(t.Outcome), t.Reason, t.Asked, t.Count, micro(t.Until),
		t.Attempt, t.Fence, t.Holder, int64(t.Lease), micro(t.Ready), micro(t.Started), micro(t.Ended),
		t.Cancel, progress, earlier)
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
