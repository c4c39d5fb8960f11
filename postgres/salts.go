package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

var _ collect.KeptSalts = (*Salts)(nil)

// Salts keeps the sealed salts of visitors.
type Salts struct{ pool *pgxpool.Pool }

// Salts returns the store of salts.
func (s *State) Salts() collect.KeptSalts { return &Salts{s.pool} }

// Salt implements collect.Salts. The salt is on disk when it returns, also
// where the database is told to answer before its commits are.
func (s *Salts) Salt(ctx context.Context, site string, day pageview.Day, fresh []byte) (sealed []byte, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'")
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `INSERT INTO beforehand.salts AS s VALUES ($1, $2, $3, false, clock_timestamp())
			ON CONFLICT (site, day) DO UPDATE SET used = clock_timestamp(),
				renewed = s.renewed OR s.sealed IS NULL, sealed = coalesce(s.sealed, excluded.sealed)
			RETURNING sealed`, site, int32(day), fresh).Scan(&sealed)
	})
	if err != nil {
		return nil, fmt.Errorf("keep salt: %w", err)
	}
	return sealed, nil
}

// Delete implements collect.KeptSalts.
func (s *Salts) Delete(ctx context.Context, now time.Time) error {
	_, err := s.pool.Exec(ctx, "UPDATE beforehand.salts SET sealed = NULL WHERE sealed IS NOT NULL AND used <= $1 AND day < $2",
		now.Add(-collect.SaltLife), int32(pageview.DayOf(now.UTC().Add(-12*time.Hour))))
	if err != nil {
		return fmt.Errorf("delete salts: %w", err)
	}
	return nil
}

// Renewed implements collect.KeptSalts.
func (s *Salts) Renewed(ctx context.Context, site string) ([]pageview.Day, error) {
	rows, err := s.pool.Query(ctx, "SELECT day FROM beforehand.salts WHERE site = $1 AND renewed ORDER BY day", site)
	if err != nil {
		return nil, fmt.Errorf("list renewed salts: %w", err)
	}
	days, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (day pageview.Day, err error) {
		var n int32
		err = row.Scan(&n)
		return pageview.Day(n), err
	})
	if err != nil {
		return nil, fmt.Errorf("list renewed salts: %w", err)
	}
	return days, nil
}
