package sqlite

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/collect"
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
// messages, the jobs, ticks and snapshots of its reports, whose names begin with
// the site's and a slash, and its other jobs, whose names begin with what they do.
// Tokens are no longer good for it, and those that were for it alone are revoked.
// No process may be running its jobs.
func (s *State) Forget(ctx context.Context, site string) error {
	names, begins := collect.JobsOf(site)
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
			sql := "DELETE FROM " + table + " WHERE substr(" + column + ", 1, ?1) = ?2"
			for _, begin := range begins {
				if err := c.exec(sql, len(begin), begin); err != nil {
					return err
				}
			}
			for _, name := range names {
				if err := c.exec("DELETE FROM "+table+" WHERE "+column+" = ?", name); err != nil {
					return err
				}
			}
		}
		return forgetTokens(c, site)
	})
	if err != nil {
		return fmt.Errorf("delete state of site %q: %w", site, err)
	}
	return nil
}

// forgetTokens takes a site from the tokens that name it. A token without sites
// would be good for every one, so that it goes.
func forgetTokens(c *conn, site string) error {
	named := map[string][]string{}
	err := c.each(func(row scanner) error {
		t, err := scanToken(row)
		if slices.Contains(t.Sites, site) {
			named[t.Name] = slices.DeleteFunc(t.Sites, func(v string) bool { return v == site })
		}
		return err
	}, selectTokens)
	for name, sites := range named {
		if err != nil {
			break
		}
		if len(sites) == 0 {
			err = c.exec("DELETE FROM beforehand_tokens WHERE name = ?", name)
		} else {
			err = c.exec("UPDATE beforehand_tokens SET sites = ? WHERE name = ?", strings.Join(sites, "\n"), name)
		}
	}
	return err
}
