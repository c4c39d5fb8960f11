package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/beforehand-go/beforehand/collect"
)

// Fact keeps something that all processes must agree on, where nothing of that
// name is kept, and returns what is kept.
func (s *State) Fact(ctx context.Context, name, value string) (kept string, err error) {
	// The update changes nothing, and returns the row that is there.
	err = s.pool.QueryRow(ctx, `INSERT INTO beforehand.facts AS f VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = f.value RETURNING value`, name, value).Scan(&kept)
	if err != nil {
		return "", fmt.Errorf("keep %s: %w", name, err)
	}
	return kept, nil
}

// SetFact replaces what is kept.
func (s *State) SetFact(ctx context.Context, name, value string) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO beforehand.facts VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	if err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}

// Forget deletes all that is kept of a site of pageviews: its salts and
// messages, the jobs, ticks and snapshots of its reports, whose names begin with
// the site's and a slash, and its other jobs, whose names begin with what they do.
// Tokens are no longer good for it, and those that were for it alone are revoked.
// No process may be running its jobs.
func (s *State) Forget(ctx context.Context, site string) error {
	names, begins := collect.JobsOf(site)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		for _, table := range []string{"salts", "outbox"} {
			if _, err := tx.Exec(ctx, "DELETE FROM beforehand."+table+" WHERE site = $1", site); err != nil {
				return err
			}
		}
		for _, t := range []struct{ table, column string }{
			{"jobs", "name"}, {"ticks", "job"}, {"snapshots", "report"}, {"snapshot_keys", "report"},
		} {
			sql := "DELETE FROM beforehand." + t.table + " WHERE " + t.column + " = ANY($2) OR EXISTS (SELECT FROM unnest($1::text[]) b WHERE starts_with(" + t.column + ", b))"
			if _, err := tx.Exec(ctx, sql, begins, names); err != nil {
				return err
			}
		}
		// A token without sites would be good for every one.
		if _, err := tx.Exec(ctx, "DELETE FROM beforehand.tokens WHERE sites = ARRAY[$1::text]", site); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE beforehand.tokens SET sites = array_remove(sites, $1) WHERE $1 = ANY(sites)", site)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete state of site %q: %w", site, err)
	}
	return nil
}
