package sqlite

import (
	"context"
	"fmt"
	"os"
)

// Backup copies everything into a new file, as it was at one moment, while it
// is used.
func (s *State) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up state: %s exists", path)
	}
	// The connection for reading refuses whatever writes.
	if _, err := s.db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("back up state: %w", err)
	}
	return nil
}

// Forget deletes all that is kept of a site of pageviews: its salts and
// messages, and the jobs, ticks and snapshots of its reports, whose names begin with the site's
// and a slash. No process may be running them.
func (s *State) Forget(ctx context.Context, site string) error {
	err := s.write(ctx, func(c *conn) error {
		for _, table := range []string{"beforehand_salts", "beforehand_outbox"} {
			if err := c.exec("DELETE FROM "+table+" WHERE site = ?", site); err != nil {
				return err
			}
		}
		for table, column := range map[string]string{
			"beforehand_jobs": "name", "beforehand_ticks": "job",
			"beforehand_snapshots": "report", "beforehand_snapshot_keys": "report",
		} {
			if err := c.exec("DELETE FROM "+table+" WHERE substr("+column+", 1, ?) = ?", len(site)+1, site+"/"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete state of site %q: %w", site, err)
	}
	return nil
}
