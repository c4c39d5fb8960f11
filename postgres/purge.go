package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand/scheduler"
)

// Purge implements scheduler.Store, some rows at a time.
func (s *Jobs) Purge(ctx context.Context, keep scheduler.Retention) (int, error) {
	var now time.Time
	err := s.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	if err != nil {
		return 0, fmt.Errorf("purge ledger: %w", err)
	}
	n, err := s.purger.Purge(ctx, ledger{s.pool}, now, keep)
	if err != nil {
		return n, fmt.Errorf("purge ledger: %w", err)
	}
	return n, nil
}

// ledger is the ledger as it is purged.
type ledger struct{ pool *pgxpool.Pool }

var _ scheduler.PurgeRows = ledger{}

// mayGo tells of a row t and its job j whether the row may be deleted.
const mayGo = "t.outcome NOT IN ('waiting', 'running') AND (j.name IS NULL OR t.due < j.last)"

// Aged implements scheduler.PurgeRows.
func (l ledger) Aged(ctx context.Context, before time.Time, after scheduler.Key, limit int) ([]scheduler.PurgeRow, error) {
	rows, err := l.pool.Query(ctx, `SELECT t.job, t.due, coalesce(t.ended < $1 AND `+mayGo+`, false)
		FROM beforehand.ticks t LEFT JOIN beforehand.jobs j ON j.name = t.job
		WHERE t.due < $1 AND t.due >= $2 AND (t.due, t.job) > ($2, $3) ORDER BY t.due, t.job LIMIT $4`, before, after.Due, after.Job, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r scheduler.PurgeRow, err error) {
		err = row.Scan(&r.Job, &r.Due, &r.Gone)
		r.Due = r.Due.UTC()
		return r, err
	})
}

// Crowded implements scheduler.PurgeRows.
func (l ledger) Crowded(ctx context.Context, count int, after string, jobs int) (crowded []string, last string, err error) {
	rows, err := l.pool.Query(ctx, "SELECT job, count(*) FROM beforehand.ticks WHERE job > $1 GROUP BY job ORDER BY job LIMIT $2", after, jobs)
	if err != nil {
		return nil, "", err
	}
	n, in := 0, 0
	_, err = pgx.ForEachRow(rows, []any{&last, &in}, func() error {
		if n++; in > count {
			crowded = append(crowded, last)
		}
		return nil
	})
	if n < jobs {
		last = ""
	}
	return crowded, last, err
}

// Beyond implements scheduler.PurgeRows.
func (l ledger) Beyond(ctx context.Context, job string, count, limit int) ([]scheduler.Key, error) {
	rows, err := l.pool.Query(ctx, `SELECT t.due FROM beforehand.ticks t LEFT JOIN beforehand.jobs j ON j.name = t.job
		WHERE t.job = $1 AND `+mayGo+` AND t.due <
			(SELECT due FROM beforehand.ticks WHERE job = $1 ORDER BY due DESC LIMIT 1 OFFSET $2)
		ORDER BY t.due LIMIT $3`, job, count-1, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (scheduler.Key, error) {
		k := scheduler.Key{Job: job}
		err := row.Scan(&k.Due)
		k.Due = k.Due.UTC()
		return k, err
	})
}

// Delete implements scheduler.PurgeRows.
func (l ledger) Delete(ctx context.Context, keys []scheduler.Key) (int, error) {
	jobs, dues := columns(keys)
	tag, err := l.pool.Exec(ctx, "DELETE FROM beforehand.ticks WHERE (job, due) IN (SELECT * FROM unnest($1::text[], $2::timestamptz[]))", jobs, dues)
	return int(tag.RowsAffected()), err
}
