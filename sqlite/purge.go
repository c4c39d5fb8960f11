package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
)

// Purge implements scheduler.Store, some rows at a time.
func (s *Jobs) Purge(ctx context.Context, keep scheduler.Retention) (int, error) {
	n, err := s.purger.Purge(ctx, ledger{s.state}, time.Now(), keep)
	return n, wrap("purge ledger", err)
}

// ledger is the ledger as it is purged.
type ledger struct{ state *State }

var _ scheduler.PurgeRows = ledger{}

// mayGo tells of a row t and its job j whether the row may be deleted.
const mayGo = "t.outcome NOT IN ('waiting', 'running') AND (j.name IS NULL OR t.due < j.last)"

// Aged implements scheduler.PurgeRows.
func (l ledger) Aged(ctx context.Context, before time.Time, after scheduler.Key, limit int) ([]scheduler.PurgeRow, error) {
	var list []scheduler.PurgeRow
	err := l.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			var r scheduler.PurgeRow
			var due int64
			err := row.Scan(&r.Job, &due, &r.Gone)
			r.Due = time.UnixMicro(due).UTC()
			list = append(list, r)
			return err
		}, `SELECT t.job, t.due, coalesce(t.ended < ?1 AND `+mayGo+`, 0)
			FROM beforehand_ticks t LEFT JOIN beforehand_jobs j ON j.name = t.job
			WHERE t.due < ?1 AND (t.due, t.job) > (?2, ?3) ORDER BY t.due, t.job LIMIT ?4`,
			before.UnixMicro(), after.Due.UnixMicro(), after.Job, limit)
	})
	return list, err
}

// Crowded implements scheduler.PurgeRows.
func (l ledger) Crowded(ctx context.Context, count int, after string, jobs int) (crowded []string, last string, err error) {
	n := 0
	err = l.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			var rows int
			err := row.Scan(&last, &rows)
			if n++; rows > count {
				crowded = append(crowded, last)
			}
			return err
		}, "SELECT job, count(*) FROM beforehand_ticks WHERE job > ? GROUP BY job ORDER BY job LIMIT ?", after, jobs)
	})
	if n < jobs {
		last = ""
	}
	return crowded, last, err
}

// Beyond implements scheduler.PurgeRows.
func (l ledger) Beyond(ctx context.Context, job string, count, limit int) ([]scheduler.Key, error) {
	var keys []scheduler.Key
	err := l.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			var due int64
			err := row.Scan(&due)
			keys = append(keys, scheduler.Key{Job: job, Due: time.UnixMicro(due).UTC()})
			return err
		}, `SELECT t.due FROM beforehand_ticks t LEFT JOIN beforehand_jobs j ON j.name = t.job
			WHERE t.job = ?1 AND `+mayGo+` AND t.due <
				(SELECT due FROM beforehand_ticks WHERE job = ?1 ORDER BY due DESC LIMIT 1 OFFSET ?2)
			ORDER BY t.due LIMIT ?3`, job, count-1, limit)
	})
	return keys, err
}

// Delete implements scheduler.PurgeRows.
func (l ledger) Delete(ctx context.Context, keys []scheduler.Key) (int, error) {
	named, err := keyList(keys)
	if err != nil {
		return 0, err
	}
	var n int64
	err = l.state.write(ctx, func(c *conn) (err error) {
		n, err = c.affect("DELETE FROM beforehand_ticks WHERE "+isNamed, named)
		return err
	})
	return int(n), err
}

// isNamed tells whether a row is one of a keyList.
const isNamed = "(job, due) IN (SELECT value->>'Job', value->>'Due' FROM json_each(?))"

// keyList is keys as SQLite reads them.
func keyList(keys []scheduler.Key) (string, error) {
	type key struct {
		Job string
		Due int64
	}
	list := make([]key, len(keys))
	for i, k := range keys {
		list[i] = key{k.Job, k.Due.UnixMicro()}
	}
	text, err := json.Marshal(list)
	return string(text), err
}
