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

// view is what is known of ClickHouse at one moment. Nothing in it is changed;
// what is learned makes another one.
type view struct {
	clock   uint64            // the newest number of a block, or of anything that is numbered like blocks
	through uint64            // the newest block
	blocks  map[uint64]uint64 // of each spool the newest block
	sites   map[string]site
	dropped map[string]uint64 // when sites were deleted that are no more
	days    map[string]siteDays
	added   map[string]map[dayPart]added
	gone    map[string]map[dayPart]gone
	told    uint64    // when the newest row of days or gone was written
	asked   time.Time // when all of this was asked for, by the wall clock
}

func newView() *view {
	return &view{
		blocks: map[uint64]uint64{}, sites: map[string]site{}, dropped: map[string]uint64{},
		days: map[string]siteDays{}, added: map[string]map[dayPart]added{}, gone: map[string]map[dayPart]gone{},
	}
}

// dayPart is what has versions: the counts of a day, or its scores by one
// half-life.
type dayPart struct {
	day  pageview.Day
	part rolled
}

// added is a version of a day that is complete.
type added struct {
	version uint64
	rows    int64 // of the ledger that it was added up from
	rules   string
	persons int64 // pageviews that count
	first   int64 // the oldest of them, in microseconds since 1970
	last    int64
	at      uint64
	blocks  map[uint64]uint64 // of each spool, the newest block that it was added up from; nil where that is not known
	leftOut []pageview.Source // sources that did not count
}

// gone tells of raw rows that were deleted.
type gone struct {
	version uint64            // under which they were added up
	rows    int64             // how many there were
	blocks  map[uint64]uint64 // of each spool, the newest block of those
	at      uint64
}

// late is how long after it was dated a row of days may come.
const late = 10 * time.Minute

// refresh asks ClickHouse for what is new. Who comes while somebody asks waits,
// and takes what was asked for after that.
func (s *Store) refresh(ctx context.Context) (*view, error) {
	came := time.Now()
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	if s.closed.Load() {
		return nil, pageview.ErrClosed
	}
	if s.asked.After(came) {
		return s.view.Load(), nil
	}
	asked := time.Now()
	if err := s.server.open(ctx); err != nil {
		return nil, err
	}
	next := s.view.Load().clone()
	next.asked = asked.Round(0)
	if err := s.learn(ctx, next); err != nil {
		return nil, fmt.Errorf("ask ClickHouse for what is new: %w", err)
	}
	s.asked = asked
	s.view.Store(next)
	return next, nil
}

// learn changes a view into one of now. The ledger comes last: whatever was added
// up is of blocks that it then knows.
func (s *Store) learn(ctx context.Context, v *view) error {
	recent := v.recent()
	if err := s.loadSites(ctx, v); err != nil {
		return err
	}
	if err := s.loadAdded(ctx, v, recent); err != nil {
		return err
	}
	if err := s.loadGone(ctx, v, recent); err != nil {
		return err
	}
	return s.loadLedger(ctx, v)
}

// clone is a view that may be changed: its maps may, what these hold must be
// replaced.
func (v *view) clone() *view {
	next := *v
	next.blocks, next.days = maps.Clone(v.blocks), maps.Clone(v.days)
	next.added, next.gone = maps.Clone(v.added), maps.Clone(v.gone)
	return &next
}

// loadLedger learns of blocks.
func (s *Store) loadLedger(ctx context.Context, v *view) error {
	fresh := map[string]bool{} // sites whose days are changed already
	condensed, err := s.condensed(ctx)
	if err != nil {
		return err
	}
	for spool, block := range condensed {
		if v.blocks[spool] < block { // rows that are not known may be gone
			v.blocks, v.days = map[uint64]uint64{}, map[string]siteDays{}
			break
		}
	}
	query := fmt.Sprintf(`SELECT spool, site, day, source, bot, sum(pageviews), sum(stays), min(if(kind = %d, toUInt64OrZero(value), block)), max(block)
		FROM ledger WHERE %s AND %s GROUP BY spool, site, day, source, bot`, kindSum, rowsOrSums(condensed), v.unknown())
	newest := maps.Clone(v.blocks)
	err = s.server.each(ctx, query, func(scan func(...any) error) error {
		var spool, first, last uint64
		var name string
		var day int32
		var source, bot uint8
		var n tally
		if err := scan(&spool, &name, &day, &source, &bot, &n.pageviews, &n.stays, &first, &last); err != nil {
			return err
		}
		newest[spool] = max(newest[spool], last)
		v.through = max(v.through, last)
		v.clock = max(v.clock, last)
		if _, known := v.sites[name]; !known || n == (tally{}) {
			return nil
		}
		if !fresh[name] {
			v.days[name], fresh[name] = maps.Clone(v.days[name]), true
			if v.days[name] == nil {
				v.days[name] = siteDays{}
			}
		}
		v.days[name].note(pageview.Day(day), pageview.Source(source), bot != 0, n, first)
		return nil
	})
	v.blocks = newest
	return err
}

// forget lets go of what is known of a site.
func (v *view) forget(name string) {
	delete(v.days, name)
	delete(v.added, name)
	delete(v.gone, name)
}

// unknown is the condition that a row of the ledger is of a block that a view
// does not know.
func (v *view) unknown() string {
	var c []string
	spools := slices.Sorted(maps.Keys(v.blocks))
	for _, spool := range spools {
		c = append(c, fmt.Sprintf("spool = %d AND block > %d", spool, v.blocks[spool]))
	}
	fresh := "1"
	if len(spools) > 0 {
		fresh = "(" + strings.Join(c, " OR ") + fmt.Sprintf(" OR spool NOT IN (%s))", list(spools))
	}
	for name, since := range v.dropped {
		fresh += fmt.Sprintf(" AND NOT (site = %s AND block <= %d)", quote(name), since)
	}
	return fresh
}

// loadAdded learns of versions.
func (s *Store) loadAdded(ctx context.Context, v *view, recent uint64) error {
	fresh := map[string]bool{}
	query := fmt.Sprintf(`SELECT site, day, part, version, rows, rules, persons, first, last, at, spools, blocks, left_out FROM days WHERE at > %d
		ORDER BY site, day, part, rows DESC, at DESC LIMIT 1 BY site, day, part, rules`, recent)
	return s.server.each(ctx, query, func(scan func(...any) error) error {
		var name string
		var k dayPart
		var day int32
		var part uint32
		var a added
		var spools, blocks, sources []uint64
		if err := scan(&name, &day, &part, &a.version, &a.rows, &a.rules, &a.persons, &a.first, &a.last, &a.at, &spools, &blocks, &sources); err != nil {
			return err
		}
		a.blocks, a.leftOut = zip(spools, blocks), columnOf(sources, func(n uint64) pageview.Source { return pageview.Source(n) })
		k.day, k.part = pageview.Day(day), rolled(part)
		v.told = max(v.told, a.at)
		site := v.sites[name]
		if known, ok := v.added[name][k]; a.at <= site.since || ok && !a.better(known, site.rules()) {
			return nil
		}
		own(v.added, fresh, name)[k] = a
		return nil
	})
}

// own is what a view holds of a site, to be changed: readers may have it, so it is
// replaced the first time.
func own[V any](held map[string]map[dayPart]V, fresh map[string]bool, name string) map[dayPart]V {
	if !fresh[name] {
		held[name], fresh[name] = maps.Clone(held[name]), true
		if held[name] == nil {
			held[name] = map[dayPart]V{}
		}
	}
	return held[name]
}

// better tells whether a version is to be used in place of another: one of the
// rules that hold rather than one of others, else the one of more rows.
func (a added) better(than added, rules string) bool {
	if (a.rules == rules) != (than.rules == rules) {
		return a.rules == rules
	}
	if a.rows != than.rows {
		return a.rows > than.rows
	}
	return a.at > than.at
}

// recent is from when on rows of days and gone are asked for again.
func (v *view) recent() uint64 {
	if v.told < uint64(late.Microseconds()) {
		return 0
	}
	return v.told - uint64(late.Microseconds())
}

// loadGone learns which raw rows were deleted.
func (s *Store) loadGone(ctx context.Context, v *view, recent uint64) error {
	fresh := map[string]bool{}
	query := fmt.Sprintf(`SELECT site, day, part, version, rows, spools, blocks, at FROM gone WHERE at > %d ORDER BY at DESC LIMIT 1 BY site, day, part`, recent)
	return s.server.each(ctx, query, func(scan func(...any) error) error {
		var name string
		var k dayPart
		var day int32
		var part uint32
		var g gone
		var spools, blocks []uint64
		if err := scan(&name, &day, &part, &g.version, &g.rows, &spools, &blocks, &g.at); err != nil {
			return err
		}
		k.day, k.part = pageview.Day(day), rolled(part)
		if g.at <= max(v.sites[name].since, v.gone[name][k].at) {
			return nil
		}
		g.blocks = zip(spools, blocks)
		own(v.gone, fresh, name)[k] = g
		return nil
	})
}

// zip are blocks by their spools.
func zip(spools, blocks []uint64) map[uint64]uint64 {
	of := map[uint64]uint64{}
	for i, spool := range spools {
		of[spool] = blocks[i]
	}
	return of
}

// at is a view of the blocks up to one.
func (v *view) at(through uint64) *view {
	if through == 0 || through >= v.through {
		return v
	}
	earlier := *v
	earlier.through = through
	return &earlier
}

// counts is the condition that a row of a site is of a block that counts.
func (v *view) counts(s site) string {
	var c strings.Builder
	c.WriteString(upTo(v.blocks))
	for _, newest := range v.blocks {
		if newest > v.through {
			fmt.Fprintf(&c, " AND block <= %d", v.through)
			break
		}
	}
	if s.since > 0 {
		fmt.Fprintf(&c, " AND block > %d", s.since)
	}
	return c.String()
}

// upTo is the condition that a row is of a block up to the newest of its spool.
func upTo(blocks map[uint64]uint64) string {
	spools := slices.Sorted(maps.Keys(blocks))
	newest := make([]uint64, len(spools))
	for i, spool := range spools {
		newest[i] = blocks[spool]
	}
	switch len(spools) {
	case 0:
		return "0"
	case 1:
		return fmt.Sprintf("spool = %d AND block <= %d", spools[0], newest[0])
	}
	return fmt.Sprintf("block <= transform(spool, [%s], [%s], toUInt64(0))", list(spools), list(newest))
}
