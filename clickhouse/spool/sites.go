package spool

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/beforehand-go/beforehand/pageview"
)

// Sites are those that were kept last.
func (s *Spool) Sites(ctx context.Context) (sites []pageview.Site, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, zone, precedence, rate FROM sites ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read sites of the spool: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var v pageview.Site
		var precedence, rate string
		if err = rows.Scan(&v.Name, &v.Zone, &precedence, &rate); err == nil {
			v.Precedence, err = pageview.ParsePrecedence(precedence)
		}
		if err == nil {
			v.Rate, err = pageview.ParseRate(rate)
		}
		if err != nil {
			return nil, fmt.Errorf("read sites of the spool: %w", err)
		}
		sites = append(sites, v)
	}
	return sites, rows.Err()
}

// KeepSites replaces those that are kept.
func (s *Spool) KeepSites(ctx context.Context, sites []pageview.Site) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM sites`)
		for _, v := range sites {
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO sites VALUES (?, ?, ?, ?)`, v.Name, v.Zone, v.Precedence.String(), v.Rate.String())
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("keep sites in the spool: %w", err)
	}
	return nil
}
