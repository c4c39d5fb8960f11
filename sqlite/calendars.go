package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/calendar"
)

var _ calendar.Store = (*Calendars)(nil)

// Calendars keeps calendars.
type Calendars struct{ state *State }

// Calendars returns the store of calendars.
func (s *State) Calendars() calendar.Store { return &Calendars{s} }

// Calendars implements calendar.Store.
func (s *Calendars) Calendars(ctx context.Context) (list []calendar.Calendar, err error) {
	err = s.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			var v calendar.Calendar
			var days string
			var changed int64
			err := row.Scan(&v.Name, &v.Version, &days, &v.Source, &v.Declared, &changed)
			if err == nil {
				v.Days, err = calendar.ParseDays(days)
			}
			v.Changed = time.UnixMicro(changed).UTC()
			list = append(list, v)
			return err
		}, "SELECT name, version, days, source, declared, changed FROM beforehand_calendars ORDER BY name")
	})
	return list, wrap("read calendars", err)
}

// Versions implements calendar.Store.
func (s *Calendars) Versions(ctx context.Context) (map[string]int64, error) {
	versions := map[string]int64{}
	err := s.state.read(ctx, func(c *conn) error {
		return c.each(func(row scanner) error {
			var name string
			var version int64
			err := row.Scan(&name, &version)
			versions[name] = version
			return err
		}, "SELECT name, version FROM beforehand_calendars")
	})
	return versions, wrap("read calendars", err)
}

// Put implements calendar.Store.
func (s *Calendars) Put(ctx context.Context, v calendar.Calendar) error {
	err := s.state.write(ctx, func(c *conn) error {
		sql := `UPDATE beforehand_calendars SET version = ?2, days = ?3, source = ?4, declared = ?5, changed = ?6
			WHERE name = ?1 AND version = ?2 - 1`
		if v.Version == 1 {
			sql = "INSERT OR IGNORE INTO beforehand_calendars (name, version, days, source, declared, changed) VALUES (?, ?, ?, ?, ?, ?)"
		}
		n, err := c.affect(sql, v.Name, v.Version, v.Text(), v.Source, v.Declared, v.Changed.UnixMicro())
		if err == nil && n == 0 {
			err = calendar.ErrStale
		}
		return err
	})
	return wrap(fmt.Sprintf("write calendar %q", v.Name), err)
}

// Remove implements calendar.Store.
func (s *Calendars) Remove(ctx context.Context, name string) error {
	err := s.state.write(ctx, func(c *conn) error {
		n, err := c.affect("DELETE FROM beforehand_calendars WHERE name = ?", name)
		if err == nil && n == 0 {
			err = calendar.ErrUnknown
		}
		return err
	})
	return wrap(fmt.Sprintf("remove calendar %q", name), err)
}
