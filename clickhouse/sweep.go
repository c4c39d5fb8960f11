package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	// sweepEvery is the pause between deletions of what nobody uses any more.
	sweepEvery = time.Hour
	// unused is how long a version stays after another one took its place, for
	// whoever is reading it.
	unused = time.Hour
	// unnamed is how long a version stays that was never named.
	unnamed = 24 * time.Hour
)

// sweepAlways sweeps until the store is closed.
func (s *Store) sweepAlways() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.sweep(s.life, time.Now()); err != nil && s.life.Err() == nil {
				s.config.Logger.Warn("what nobody uses in ClickHouse stays for now", "error", err)
			}
		case <-s.life.Done():
			return
		}
	}
}

// sweep deletes versions that nobody uses any more, and what is old in the ledger.
func (s *Store) sweep(ctx context.Context, now time.Time) error {
	v, err := s.refresh(ctx)
	if err != nil {
		return err
	}
	if old, err := s.replaced(ctx, v, now); err != nil {
		return fmt.Errorf("look for old versions: %w", err)
	} else if len(old) > 0 {
		for _, table := range []string{"rollups", "days"} {
			if err := s.server.mutate(ctx, table, in("version", old)); err != nil {
				return fmt.Errorf("delete old versions from %s: %w", table, err)
			}
		}
	}
	if err := s.removeFromLedger(ctx, fmt.Sprintf("kind = %d AND block < %d", kindKey, now.Add(-keyLife).UnixMicro())); err != nil {
		return fmt.Errorf("delete old keys: %w", err)
	}
	if err := s.condense(ctx, now); err != nil {
		return fmt.Errorf("condense the ledger: %w", err)
	}
	return nil
}

// removeFromLedger deletes rows of the ledger, if there are any.
func (s *Store) removeFromLedger(ctx context.Context, where string) error {
	n, err := s.server.number(ctx, "SELECT toInt64(count()) FROM ledger WHERE "+where)
	if err != nil || n == 0 {
		return err
	}
	return s.server.mutate(ctx, "ledger", where)
}

// replaced are versions in whose place others are used, for all of their days
// and for long enough, and versions that were never named.
func (s *Store) replaced(ctx context.Context, v *view, now time.Time) ([]uint64, error) {
	used, old := map[uint64]bool{}, map[uint64]bool{}
	for _, days := range v.gone {
		for _, g := range days {
			used[g.version] = true
		}
	}
	recent := uint64(now.Add(-unused).UnixMicro())
	err := s.server.each(ctx, `SELECT site, day, part, version FROM days`, func(scan func(...any) error) error {
		var site string
		var day int32
		var part uint32
		var version uint64
		if err := scan(&site, &day, &part, &version); err != nil {
			return err
		}
		current, ok := v.added[site][dayPart{pageview.Day(day), rolled(part)}]
		if ok && (current.version == version || current.at > recent) {
			used[version] = true
		}
		old[version] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(old, func(version uint64, _ bool) bool { return used[version] })
	query := fmt.Sprintf(`SELECT DISTINCT version FROM rollups WHERE version < %d AND version NOT IN (SELECT version FROM days) AND version NOT IN (SELECT version FROM gone)`,
		uint64(now.Add(-unnamed).UnixMicro())<<versionBits)
	err = s.server.each(ctx, query, func(scan func(...any) error) error {
		var version uint64
		err := scan(&version)
		old[version] = true
		return err
	})
	return slices.Sorted(maps.Keys(old)), err
}
