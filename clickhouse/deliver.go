package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse/spool"
	"github.com/beforehand-go/beforehand/pageview"
)

// movedError says that a block is not to be kept, since its mark was moved by
// somebody else.
type movedError struct{ error }

// deliver has ClickHouse keep a block, once, however often it is called for it:
// first the rows of each month, then their titles, and last the ledger.
func (s *Store) deliver(ctx context.Context, b *spool.Block) error {
	if err := s.server.open(ctx); err != nil {
		return err
	}
	d := delivery{s: s, b: b, id: fmt.Sprintf("beforehand-%x-%x", s.spool.ID(), b.Number)}
	if b.Again {
		if err := d.settle(ctx); err != nil {
			return err
		}
		kept, err := d.kept(ctx, "ledger", "")
		if err != nil || kept > 0 {
			return err
		}
	}
	if err := d.claim(ctx); err != nil {
		return err
	}
	if err := d.marksHold(ctx); err != nil {
		return err
	}
	views, stays := months(b)
	for _, m := range slices.Sorted(maps.Keys(views)) {
		if err := d.rows(ctx, "pageviews", m, viewColumns(s.spool.ID(), b.Number, views[m]), len(views[m])); err != nil {
			return err
		}
	}
	for _, m := range slices.Sorted(maps.Keys(stays)) {
		if err := d.rows(ctx, "stays", m, stayColumns(s.spool.ID(), b.Number, stays[m]), len(stays[m])); err != nil {
			return err
		}
	}
	if err := s.sendTitles(ctx, b); err != nil {
		return err
	}
	if err := d.enter(ctx); err != nil {
		return err
	}
	return d.holds(ctx, "ledger", "", func(kept int64) bool { return kept > 0 })
}

// delivery is one try to deliver a block.
type delivery struct {
	s  *Store
	b  *spool.Block
	id string // begins the ids of its inserts
}

// settle waits until no insert of the block is carried out any more: one whose
// connection was cut may still be.
func (d *delivery) settle(ctx context.Context) error {
	return d.s.server.settle(ctx, 50*time.Millisecond, "processes", fmt.Sprintf("startsWith(query_id, %s)", quote(d.id+"-")))
}

// claimTimeout is how long what all processes share may take to answer.
const claimTimeout = 5 * time.Second

// claim lets go of requests that another process has taken in as well: one that
// was sent to two at once is kept by whoever claims it first. Nothing is sent
// before that is known.
func (d *delivery) claim(ctx context.Context) error {
	var keys []pageview.Key
	for i := range d.b.Groups {
		keys = append(keys, d.b.Groups[i].Claims()...)
	}
	if d.s.config.Claim == nil || len(keys) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	gone, err := d.s.config.Claim(ctx, d.id, keys)
	for i := range d.b.Groups {
		d.b.Groups[i].Without(gone)
	}
	return err
}

// marksHold refuses a block whose pageviews were read by somebody else
// meanwhile, and deletes what may have been sent of it: later blocks of the
// spool will count, and with them all that is of an earlier one.
func (d *delivery) marksHold(ctx context.Context) error {
	for i := range d.b.Groups {
		g := &d.b.Groups[i]
		err := d.s.followsMarks(ctx, marked{g.Log, g.Mark})
		if !errors.Is(err, pageview.ErrLogMoved) && !errors.Is(err, pageview.ErrMarkMoved) {
			if err != nil {
				return err
			}
			continue
		}
		if d.b.Again {
			for _, table := range []string{"pageviews", "stays"} {
				if err := d.remove(ctx, table, ""); err != nil {
					return err
				}
			}
		}
		return movedError{err}
	}
	return nil
}

func (d *delivery) remove(ctx context.Context, table, more string) error {
	where := and(fmt.Sprintf("spool = %d AND block = %d", d.s.spool.ID(), d.b.Number), more)
	return d.s.server.mutate(ctx, d.s.config.raw(table), where)
}

// rows inserts the rows of one month, unless they are there.
func (d *delivery) rows(ctx context.Context, table string, month int32, c columns, n int) error {
	of := fmt.Sprintf("month = %d", month)
	if d.b.Again {
		kept, err := d.kept(ctx, table, of)
		if err != nil || kept == int64(n) {
			return err
		}
		if kept > 0 { // ClickHouse keeps an insert whole or not at all
			return fmt.Errorf("%d of %d rows of month %d of block %d of spool %d are in %s: delete them", kept, n, month, d.b.Number, d.s.spool.ID(), table)
		}
	}
	if err := d.s.server.insert(ctx, fmt.Sprintf("%s-%s-%d-%x", d.id, table, month, time.Now().UnixNano()), table, c.names, c.values...); err != nil {
		return err
	}
	return d.holds(ctx, table, of, func(kept int64) bool { return kept == int64(n) })
}

// kept is how many rows of the block a table has.
func (d *delivery) kept(ctx context.Context, table, more string) (int64, error) {
	return d.s.server.number(ctx, fmt.Sprintf(`SELECT toInt64(count()) FROM %s WHERE %s`,
		table, and(more, fmt.Sprintf("spool = %d AND block = %d", d.s.spool.ID(), d.b.Number))))
}

// holds refuses to believe that a table has what was inserted again and is not
// there: ClickHouse takes an insert that it has seen for done, also where the one
// that it saw may yet fail for want of a quorum.
func (d *delivery) holds(ctx context.Context, table, more string, enough func(kept int64) bool) error {
	if !d.b.Again {
		return nil
	}
	kept, err := d.kept(ctx, table, more)
	if err == nil && !enough(kept) {
		err = fmt.Errorf("what was inserted into %s before, and was told to be there, is not there yet", table)
	}
	return err
}

// sendTitles sends the titles that this process has not sent yet, of what it
// remembers.
func (s *Store) sendTitles(ctx context.Context, b *spool.Block) error {
	type page struct{ site, path string }
	last := map[page]int{}
	var sites, paths, titles []string
	var places []uint64
	n := 0
	for i := range b.Groups {
		for j := range b.Groups[i].Pageviews {
			v := &b.Groups[i].Pageviews[j]
			n++
			if v.Title == "" {
				continue
			}
			p := page{v.Site, v.Path}
			at, met := last[p]
			if !met {
				at = len(sites)
				last[p] = at
				sites, paths, titles, places = append(sites, v.Site), append(paths, v.Path), append(titles, v.Title), append(places, 0)
			}
			// Within a block the last one counts. Blocks are microseconds apart.
			titles[at], places[at] = v.Title, b.Number
		}
	}
	fresh := 0
	for i := range sites {
		if s.titles.known(sites[i], paths[i], titles[i]) && !b.Again {
			continue
		}
		sites[fresh], paths[fresh], titles[fresh], places[fresh] = sites[i], paths[i], titles[i], places[i]
		fresh++
	}
	if fresh == 0 {
		return nil
	}
	err := s.server.insert(ctx, "", "titles", []string{"site", "path", "title", "place"}, sites[:fresh], paths[:fresh], titles[:fresh], places[:fresh])
	if err == nil {
		s.titles.note(sites[:fresh], paths[:fresh], titles[:fresh])
	}
	return err
}

// titles remembers which titles this process has sent, to send none twice in a
// row. What it does not remember is sent again.
type titles struct {
	seed maphash.Seed
	of   map[uint64]uint64 // hashes of titles by hashes of pages
}

// maxTitles is how many are remembered.
const maxTitles = 200_000

func newTitles() *titles { return &titles{maphash.MakeSeed(), map[uint64]uint64{}} }

func (t *titles) known(site, path, title string) bool {
	known, ok := t.of[maphash.Comparable(t.seed, [2]string{site, path})]
	return ok && known == maphash.String(t.seed, title)
}

func (t *titles) note(sites, paths, titles []string) {
	if len(t.of)+len(sites) > maxTitles {
		clear(t.of)
	}
	for i := range sites {
		t.of[maphash.Comparable(t.seed, [2]string{sites[i], paths[i]})] = maphash.String(t.seed, titles[i])
	}
}
