package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/beforehand-go/beforehand/calendar"
)

var _ calendar.Store = (*Calendars)(nil)

// Calendars keeps calendars.
type Calendars struct{ pool *pgxpool.Pool }

// Calendars returns the store of calendars.
func (s *State) Calendars() calendar.Store { return &Calendars{s.pool} }

// Calendars implements calendar.Store.
func (s *Calendars) Calendars(ctx context.Context) ([]calendar.Calendar, error) {
	rows, err := s.pool.Query(ctx, "SELECT name, version, days, source, declared, changed FROM beforehand.calendars ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v calendar.Calendar, err error) {
		var days string
		if err := row.Scan(&v.Name, &v.Version, &days, &v.Source, &v.Declared, &v.Changed); err != nil {
			return v, err
		}
		v.Changed = v.Changed.UTC()
		v.Days, err = calendar.ParseDays(days)
		return v, err
	})
	if err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	return list, nil
}

// Versions implements calendar.Store.
func (s *Calendars) Versions(ctx context.Context) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, "SELECT name, version FROM beforehand.calendars")
	if err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	versions := map[string]int64{}
	var name string
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&name, &version}, func() error {
		versions[name] = version
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	return versions, nil
}

// Put implements calendar.Store.
func (s *Calendars) Put(ctx context.Context, v calendar.Calendar) error {
	sql := `UPDATE beforehand.calendars SET version = $2, days = $3, source = $4, declared = $5, changed = $6
		WHERE name = $1 AND version = $2::bigint - 1`
	if v.Version == 1 {
		sql = `INSERT INTO beforehand.calendars (name, version, days, source, declared, changed)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`
	}
	tag, err := s.pool.Exec(ctx, sql, v.Name, v.Version, v.Text(), v.Source, v.Declared, v.Changed)
	if err == nil && tag.RowsAffected() == 0 {
		err = calendar.ErrStale
	}
	if err != nil {
		return fmt.Errorf("write calendar %q: %w", v.Name, err)
	}
	return nil
}

// Remove implements calendar.Store.
func (s *Calendars) Remove(ctx context.Context, name string) error {
	tag, err := s.pool.Exec(ctx, "DELETE FROM beforehand.calendars WHERE name = $1", name)
	if err == nil && tag.RowsAffected() == 0 {
		err = calendar.ErrUnknown
	}
	if err != nil {
		return fmt.Errorf("remove calendar %q: %w", name, err)
	}
	return nil
}
