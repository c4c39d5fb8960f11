package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// A block a second is tens of millions of rows of the ledger a year. So each
// process condenses what its own spool has there: one insert says what all blocks
// up to one hold together, and an hour later, when nobody reads without that any
// more, the rows of these blocks are deleted, but for the sums themselves. Whoever
// knows fewer blocks of a spool than are condensed begins anew with the sums.

const (
	// condenseRows is from how many rows on.
	condenseRows = 10_000
	// settled is how old a block is that is condensed.
	settled = time.Hour
)

// condensed are the newest blocks of spools up to which there are sums.
func (s *Store) condensed(ctx context.Context) (map[uint64]uint64, error) {
	of := map[uint64]uint64{}
	query := fmt.Sprintf(`SELECT spool, max(block) FROM ledger WHERE kind = %d GROUP BY spool`, kindSum)
	err := s.server.each(ctx, query, func(scan func(...any) error) error {
		var spool, block uint64
		err := scan(&spool, &block)
		of[spool] = block
		return err
	})
	return of, err
}

// rowsOrSums is the condition that a row of the ledger tells what blocks hold and
// that no other one does as well.
func rowsOrSums(condensed map[uint64]uint64) string {
	either := []string{fmt.Sprintf("kind = %d AND NOT (%s)", kindRows, upTo(condensed))}
	for _, spool := range slices.Sorted(maps.Keys(condensed)) {
		either = append(either, fmt.Sprintf("kind = %d AND spool = %d AND block = %d", kindSum, spool, condensed[spool]))
	}
	return "(" + strings.Join(either, " OR ") + ")"
}

// condense deletes what was condensed the last time, and condenses what came since.
func (s *Store) condense(ctx context.Context, now time.Time) error {
	known, err := s.condensed(ctx)
	if err != nil {
		return err
	}
	spool := s.spool.ID()
	own := map[uint64]uint64{}
	if block, ok := known[spool]; ok {
		own[spool] = block
		if err := s.removeCondensed(ctx, spool, block); err != nil {
			return err
		}
	}
	if err := s.forgetMarks(ctx, now); err != nil {
		return err
	}
	of := fmt.Sprintf("spool = %d AND block <= %d", spool, now.Add(-settled).UnixMicro())
	n, err := s.server.number(ctx, fmt.Sprintf("SELECT toInt64(count()) FROM ledger WHERE kind = %d AND %s", kindRows, of))
	if err != nil || n < condenseRows {
		return err
	}
	var r ledgerRows
	var newest uint64
	query := fmt.Sprintf(`SELECT site, day, source, bot, sum(pageviews), sum(stays), min(if(kind = %d, toUInt64OrZero(value), block)), max(block)
		FROM ledger WHERE %s AND %s GROUP BY site, day, source, bot ORDER BY site, day, source, bot`, kindSum, of, rowsOrSums(own))
	err = s.server.each(ctx, query, func(scan func(...any) error) error {
		var e entry
		var day int32
		var source, bot uint8
		var n tally
		var first, last uint64
		err := scan(&e.site, &day, &source, &bot, &n.pageviews, &n.stays, &first, &last)
		e.day, e.source, e.bot = pageview.Day(day), pageview.Source(source), bot != 0
		r.add(kindSum, e, n, "", fmt.Sprint(first))
		newest = max(newest, last)
		return err
	})
	if err != nil || newest == own[spool] {
		return err
	}
	return s.server.enter(ctx, "", spool, newest, &r)
}

// removeCondensed deletes the rows of blocks of a spool up to one that has sums,
// and older sums, if they add up to the same.
func (s *Store) removeCondensed(ctx context.Context, spool, block uint64) error {
	of := fmt.Sprintf("spool = %d AND block <= %d", spool, block)
	before, err := s.server.number(ctx, fmt.Sprintf("SELECT toInt64(max(block)) FROM ledger WHERE kind = %d AND spool = %d AND block < %d", kindSum, spool, block))
	if err != nil {
		return err
	}
	earlier := map[uint64]uint64{}
	if before > 0 {
		earlier[spool] = uint64(before)
	}
	differ, err := s.server.number(ctx, fmt.Sprintf("SELECT toInt64(sum(if(kind = %d AND block = %d, -1, 1) * (pageviews + stays))) FROM ledger WHERE %s AND (%s OR kind = %[1]d AND block = %[2]d)",
		kindSum, block, of, rowsOrSums(earlier)))
	if err != nil {
		return err
	}
	old := of + fmt.Sprintf(" AND (kind = %d OR kind = %d AND block < %d)", kindRows, kindSum, block)
	left, err := s.server.number(ctx, "SELECT toInt64(count()) FROM ledger WHERE "+old)
	switch {
	case err != nil || left == 0:
		return err
	case differ != 0:
		return fmt.Errorf("the sums of spool %d up to block %d are off by %d: nothing is deleted", spool, block, differ)
	}
	// Older programs do not know sums, and must not begin without the rows.
	if err := s.server.raise(ctx, 2); err != nil {
		return err
	}
	return s.server.mutate(ctx, "ledger", old)
}

// forgetMarks deletes marks of sources and log files in whose place newer ones are,
// of this spool; the first of a file stays, since it tells the order of files.
func (s *Store) forgetMarks(ctx context.Context, now time.Time) error {
	var old []string
	query := fmt.Sprintf(`SELECT kind, site, name, visitParamExtractString(value, 'file') AS file, min(block), max(block) FROM ledger
		WHERE kind IN (%d, %d) AND block < %d GROUP BY kind, site, name, file HAVING count() > 1000`, kindMark, kindLog, now.Add(-settled).UnixMicro())
	err := s.server.each(ctx, query, func(scan func(...any) error) error {
		var kind uint8
		var site, name, file string
		var first, last uint64
		err := scan(&kind, &site, &name, &file, &first, &last)
		old = append(old, fmt.Sprintf("kind = %d AND site = %s AND name = %s AND visitParamExtractString(value, 'file') = %s AND block > %d AND block < %d",
			kind, quote(site), quote(name), quote(file), first, last))
		return err
	})
	for _, where := range old {
		if err == nil {
			err = s.server.mutate(ctx, "ledger", where)
		}
	}
	return err
}
