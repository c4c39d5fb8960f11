package clickhouse

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse/spool"
	"github.com/beforehand-go/beforehand/pageview"
)

// Kinds of rows of the ledger. The numbers are stored: append, never reorder.
const (
	kindRows uint8 = iota
	kindMark
	kindLog
	kindKey
	kindSum // what the blocks of a spool up to one hold together; see condense.go
)

// keyLife is how long keys stay in the ledger at least.
const keyLife = 48 * time.Hour

// entry is what a row of kindRows is of.
type entry struct {
	site   string
	day    pageview.Day
	source pageview.Source
	bot    bool
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.day, b.day), cmp.Compare(a.source, b.source), cmp.Compare(flag(a.bot), flag(b.bot)))
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// tally is how many rows there are of it.
type tally struct{ pageviews, stays int64 }

// tallies counts the rows of a block.
func tallies(b *spool.Block) map[entry]tally {
	counts := map[entry]tally{}
	for i := range b.Groups {
		for j := range b.Groups[i].Pageviews {
			v := &b.Groups[i].Pageviews[j]
			e := entry{v.Site, v.Day, v.Source, v.Bot != ""}
			n := counts[e]
			n.pageviews++
			counts[e] = n
		}
		for j := range b.Groups[i].Stays {
			v := &b.Groups[i].Stays[j]
			e := entry{v.Site, v.Day, 0, false}
			n := counts[e]
			n.stays++
			counts[e] = n
		}
	}
	return counts
}

// ledgerRows are rows of the ledger as they are inserted.
type ledgerRows struct {
	kinds            []uint8
	sites, names     []string
	days             []int32
	sources, bots    []uint8
	pageviews, stays []int64
	values           []string
}

func (r *ledgerRows) add(kind uint8, e entry, n tally, name, value string) {
	r.kinds, r.sites, r.names = append(r.kinds, kind), append(r.sites, e.site), append(r.names, name)
	r.days, r.sources, r.bots = append(r.days, int32(e.day)), append(r.sources, uint8(e.source)), append(r.bots, flag(e.bot))
	r.pageviews, r.stays, r.values = append(r.pageviews, n.pageviews), append(r.stays, n.stays), append(r.values, value)
}

// enter enters a block into the ledger: from now on it counts.
func (d *delivery) enter(ctx context.Context) error {
	var r ledgerRows
	counts := tallies(d.b)
	for _, e := range slices.SortedFunc(maps.Keys(counts), compareEntries) {
		r.add(kindRows, e, counts[e], "", "")
	}
	for i := range d.b.Groups {
		g := &d.b.Groups[i]
		if g.Alone() && len(counts) == 0 { // so that everybody learns of the block
			r.add(kindRows, entry{}, tally{}, "", "")
		}
		if g.Mark != nil {
			r.add(kindMark, entry{site: g.Mark.Site}, tally{}, g.Mark.Source, g.Mark.To)
		}
		if g.Log != nil {
			value, err := d.s.logValue(ctx, g.Log, fmt.Sprintf("%x-%x-%d", d.s.spool.ID(), d.b.Number, i))
			if err != nil {
				return err
			}
			r.add(kindLog, entry{site: g.Log.Site}, tally{}, fmt.Sprint(g.Log.Prints[0]), value)
		}
		for _, k := range g.Keys {
			r.add(kindKey, entry{}, tally{}, keyName(k), hex.EncodeToString(k.Digest[:]))
		}
	}
	return d.s.server.enter(ctx, fmt.Sprintf("%s-ledger-%x", d.id, time.Now().UnixNano()), d.s.spool.ID(), d.b.Number, &r)
}

// enter adds rows to the ledger, all or none.
func (s *server) enter(ctx context.Context, id string, spool, block uint64, r *ledgerRows) error {
	n := len(r.kinds)
	return s.insert(ctx, id, "ledger",
		[]string{"kind", "site", "name", "spool", "block", "day", "source", "bot", "pageviews", "stays", "value"},
		r.kinds, r.sites, r.names, same(spool, n), same(block, n), r.days, r.sources, r.bots, r.pageviews, r.stays, r.values)
}

// keyName is what a key is called in the ledger.
func keyName(k pageview.Key) string { return k.Token + "\x00" + k.Name }

// keyOf is the key of a row of the ledger.
func keyOf(name, digest string) (k pageview.Key, err error) {
	k.Token, k.Name, _ = strings.Cut(name, "\x00")
	sum, err := hex.DecodeString(digest)
	copy(k.Digest[:], sum)
	return k, err
}

// sentBefore refuses a request that another process has sent before. Where
// ClickHouse cannot tell, only this machine's spool does.
func (s *Store) sentBefore(ctx context.Context, k pageview.Key) error {
	if s.sender.trouble() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var digest string
	err := s.server.open(ctx)
	if err == nil {
		query := fmt.Sprintf(`SELECT value FROM ledger WHERE kind = %d AND name = %s AND block > %d ORDER BY block LIMIT 1`,
			kindKey, quote(keyName(k)), time.Now().Add(-keyLife).UnixMicro())
		err = s.server.each(ctx, query, func(scan func(...any) error) error { return scan(&digest) })
	}
	switch {
	case err != nil:
		s.config.Logger.Warn("ClickHouse does not tell whether a request was kept before", "error", err)
		return nil
	case digest == "":
		return nil
	case digest == hex.EncodeToString(k.Digest[:]):
		return pageview.ErrRepeated
	}
	return pageview.ErrKeyReused
}
