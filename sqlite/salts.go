package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

var _ collect.KeptSalts = (*Salts)(nil)

// Salts keeps the sealed salts of visitors.
type Salts struct{ state *State }

// Salts returns the store of salts.
func (s *State) Salts() collect.KeptSalts { return &Salts{s} }

// Salt implements collect.Salts.
func (s *Salts) Salt(ctx context.Context, site string, day pageview.Day, fresh []byte) (sealed []byte, err error) {
	err = s.state.write(ctx, func(c *conn) error {
		now := time.Now().Unix()
		err := c.row("SELECT sealed FROM beforehand_salts WHERE site = ? AND day = ?", site, day).Scan(&sealed)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			sealed = fresh
			return c.exec("INSERT INTO beforehand_salts (site, day, sealed, used) VALUES (?, ?, ?, ?)", site, day, fresh, now)
		case err != nil:
			return err
		case sealed == nil:
			sealed = fresh
			return c.exec("UPDATE beforehand_salts SET sealed = ?, renewed = 1, used = ? WHERE site = ? AND day = ?", fresh, now, site, day)
		}
		return c.exec("UPDATE beforehand_salts SET used = ? WHERE site = ? AND day = ?", now, site, day)
	})
	if err != nil {
		return nil, fmt.Errorf("keep salt: %w", err)
	}
	return sealed, nil
}

// Delete implements collect.KeptSalts.
func (s *Salts) Delete(ctx context.Context, now time.Time) error {
	err := s.state.write(ctx, func(c *conn) error {
		return c.exec("UPDATE beforehand_salts SET sealed = NULL WHERE sealed IS NOT NULL AND used <= ? AND day < ?",
			now.Add(-collect.SaltLife).Unix(), pageview.DayOf(now.UTC().Add(-12*time.Hour)))
	})
	if err != nil {
		return fmt.Errorf("delete salts: %w", err)
	}
	return nil
}

// Renewed implements collect.KeptSalts.
func (s *Salts) Renewed(ctx context.Context, site string) (days []pageview.Day, err error) {
	err = s.state.read(ctx, func(c *conn) error {
		days = nil
		return c.each(func(row scanner) error {
			var day pageview.Day
			err := row.Scan(&day)
			days = append(days, day)
			return err
		}, "SELECT day FROM beforehand_salts WHERE site = ? AND renewed = 1 ORDER BY day", site)
	})
	if err != nil {
		return nil, fmt.Errorf("list renewed salts: %w", err)
	}
	return days, nil
}
