package duckdb

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	// cutRows is how many rows of cut days a mirror holds: 48 MB.
	cutRows = 3 << 19
	// cutIdle is how long a cut is not asked for until it gives way to another.
	cutIdle = 10 * time.Minute
)

// cut is the pageviews by persons that count on some days, which the end of a window of
// a ranking cut lately: those seen after one instant, up to another.
type cut struct {
	after, upTo int64                       // in microseconds since 1970
	rows        []cutRow                    // in the order of time
	visitors    map[int32]map[uint64]uint32 // numbers from 1, by day
	numbers     uint32                      // how many there are
	used        time.Time
}

// cutKey tells cuts apart.
type cutKey struct {
	site        uint16
	score       rolled // by which half-life its pageviews weigh; zero means that they do not
	side        side
	first, last pageview.Day
}

// cutRow is a pageview.
type cutRow struct {
	at, weight int64
	page       uint32
	visitor    uint32 // by number; zero where it is not known
	day        int32
}

// whose is a visitor of a day.
type whose struct {
	visitor uint64
	day     int32
}

func newCut(after, upTo int64) *cut {
	return &cut{after: after, upTo: upTo, visitors: map[int32]map[uint64]uint32{}}
}

// number is the number of a visitor.
func (c *cut) number(w whose) uint32 {
	if w.visitor == 0 {
		return 0
	}
	of := c.visitors[w.day]
	if of == nil {
		of = map[uint64]uint32{}
		c.visitors[w.day] = of
	}
	n := of[w.visitor]
	if n == 0 {
		c.numbers++
		n = c.numbers
		of[w.visitor] = n
	}
	return n
}

// between are the rows seen after one instant, up to another.
func (c *cut) between(after, upTo int64) []cutRow {
	before := func(r cutRow, at int64) int {
		if r.at <= at {
			return -1
		}
		return 1
	}
	from, _ := slices.BinarySearchFunc(c.rows, after, before)
	to, _ := slices.BinarySearchFunc(c.rows, upTo, before)
	return c.rows[min(from, to):to]
}

// add adds rows, in whatever order.
func (c *cut) add(rows []cutRow) {
	earlier := func(x, y cutRow) int { return cmp.Compare(x.at, y.at) }
	slices.SortFunc(rows, earlier)
	old := c.rows
	switch {
	case len(old) == 0:
		c.rows = rows
		return
	case len(rows) == 0 || old[len(old)-1].at <= rows[0].at:
		c.rows = append(old, rows...)
		return
	}
	c.rows = make([]cutRow, 0, len(old)+len(rows))
	for len(old) > 0 && len(rows) > 0 {
		next := &old
		if rows[0].at < old[0].at {
			next = &rows
		}
		c.rows, *next = append(c.rows, (*next)[0]), (*next)[1:]
	}
	c.rows = append(append(c.rows, old...), rows...)
}

// bounds are those of an end, in microseconds.
func (e end) bounds() (after, upTo int64) {
	after = math.MinInt64
	if !e.after.IsZero() {
		after = e.after.UnixMicro()
	}
	return after, e.upTo.UnixMicro()
}

// ends are what was seen at the ends of a ranking's windows, of those ends that are held or
// can be. Where a verdict on visitors is worked out anew each time, none is.
func (m *mirror) ends(ctx context.Context, db querier, b *ranker) (map[end]*cut, error) {
	if b.known.rate != (pageview.Rate{}) {
		return nil, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	held := map[end]*cut{}
	for _, p := range b.windows {
		for _, e := range b.ends(p) {
			if e.side == bothEnds {
				continue
			}
			c, err := m.end(ctx, db, b, e)
			if err != nil {
				return nil, fmt.Errorf("read the end of a window: %w", err)
			}
			if c != nil {
				held[e] = c
			}
		}
	}
	return held, nil
}

// end is what was seen at the end of a window; nil where it has no room.
func (m *mirror) end(ctx context.Context, db querier, b *ranker, e end) (*cut, error) {
	now := time.Now()
	k := cutKey{b.known.id, b.score, e.side, e.first, e.last}
	after, upTo := e.bounds()
	old := m.cuts[k]
	if old != nil {
		old.used = now
		if old.after <= after && upTo <= old.upTo {
			return old, nil
		}
	}
	m.putCut(k, nil)
	rows, known := m.rowsOn(k)
	if !known || !m.makeCutRoom(rows, now) {
		return nil, nil
	}
	// The ends of windows move on: what they will reach of the same days is held too.
	c := newCut(after, math.MaxInt64)
	c.used = now
	if e.side == ending {
		midnight := (pageview.DayOf(e.upTo.In(b.zone)) + 1).Date(b.zone)
		c.after, c.upTo = math.MinInt64, max(upTo, midnight.UnixMicro()-1)
	}
	if err := c.read(ctx, db, b, e, rows); err != nil {
		return nil, err
	}
	m.putCut(k, c)
	return c, nil
}

// rowsOn is how many rows of a cut there are at most, where that is held.
func (m *mirror) rowsOn(k cutKey) (rows int, known bool) {
	days := m.of[markKey{k.site, rolledDay}]
	if days == nil || days.since > k.first {
		return 0, false
	}
	for _, d := range days.between(k.first, k.last) {
		for _, s := range d.sums {
			rows += int(s.pageviews)
		}
	}
	return rows, true
}

// makeCutRoom lets go of cuts that were not asked for lately, if so many rows have no
// room. It tells whether they have.
func (m *mirror) makeCutRoom(rows int, now time.Time) bool {
	for k, c := range m.cuts {
		if m.cutRows+rows <= m.mostCut || rows > m.mostCut {
			break
		}
		if now.Sub(c.used) > min(m.idle, cutIdle) {
			m.putCut(k, nil)
		}
	}
	return m.cutRows+rows <= m.mostCut
}

// putCut holds a cut, or, where it is nil, holds it no more.
func (m *mirror) putCut(k cutKey, c *cut) {
	if old := m.cuts[k]; old != nil {
		m.cutRows -= len(old.rows)
		delete(m.cuts, k)
	}
	if c != nil {
		m.cutRows += len(c.rows)
		m.cuts[k] = c
	}
}

// read reads the rows, which are at most so many.
func (c *cut) read(ctx context.Context, db querier, b *ranker, e end, most int) error {
	where := between(e.first, e.last)
	if c.after != math.MinInt64 {
		where += fmt.Sprintf(` AND "at" > %s`, instant(time.UnixMicro(c.after)))
	}
	if c.upTo != math.MaxInt64 {
		where += fmt.Sprintf(` AND "at" <= %s`, instant(time.UnixMicro(c.upTo)))
	}
	var page, visitor int64
	var r cutRow
	rows := make([]cutRow, 0, most)
	query := fmt.Sprintf(`SELECT ("day" - DATE '1970-01-01') * %d + page, visitor, epoch_us("at") FROM %s WHERE %s AND %s`,
		int64(1)<<32, b.pageviews(), b.counted, where)
	err := eachNumbers(ctx, db, query, []*int64{&page, &visitor, &r.at}, func() {
		r.page, r.day = uint32(page), int32(page>>32)
		if b.score != 0 {
			r.weight = b.score.weigh(r.at, pageview.Day(r.day))
		}
		r.visitor = c.number(whose{uint64(visitor), r.day})
		rows = append(rows, r)
	})
	c.add(rows)
	return err
}

// countHeld counts what was seen at the ends of windows, where that is held.
func (b *ranker) countHeld(pages rankedPages, weights map[windowDay]int64) {
	for w, p := range b.windows {
		for _, e := range b.ends(p) {
			c := b.held[e]
			if c == nil {
				continue
			}
			for day, sums := range c.sums(e) {
				for page, s := range sums {
					if s.pageviews == 0 {
						continue
					}
					pages.at(int64(page))[w].Pageviews += s.pageviews
					if b.score != 0 && w < 2 {
						weights[windowDay{w, int64(page), pageview.Day(day)}] += s.weight
					}
				}
			}
		}
		if b.countsVisitors(p) && b.holds(p) {
			for page, n := range b.seenThere(p, nil) {
				if n > 0 {
					pages.at(int64(page))[w].Visitors += n
				}
			}
		}
	}
}

// cutSum is what a page has on a day at an end.
type cutSum struct{ pageviews, weight int64 }

// sums are what each page has on each day, by its number.
func (c *cut) sums(e end) map[int32][]cutSum {
	days := map[int32][]cutSum{}
	var sums []cutSum
	for i, rows := 0, c.between(e.bounds()); i < len(rows); i++ {
		r := &rows[i]
		if i == 0 || r.day != rows[i-1].day {
			sums = days[r.day]
		}
		if missing := int(r.page) + 1 - len(sums); missing > 0 {
			sums = append(sums, make([]cutSum, missing)...)
			days[r.day] = sums
		}
		sums[r.page].pageviews++
		sums[r.page].weight += r.weight
	}
	return days
}

// holds tells whether all is held that was seen at the ends of a window.
func (b *ranker) holds(p interval) bool {
	for _, e := range b.ends(p) {
		if b.held[e] == nil {
			return false
		}
	}
	return true
}

// seenThere counts the visitors of pages at the ends of a window, by the numbers of the
// pages: of those that are wanted, or, where that is nil, of all.
func (b *ranker) seenThere(p interval, wanted []bool) []int64 {
	visitors := make([]int64, len(b.words().paths))
	for _, e := range b.ends(p) {
		c := b.held[e]
		rows := c.between(e.bounds())
		of := func(r *cutRow) bool { return r.visitor != 0 && (wanted == nil || wanted[r.page]) }
		ends := make([]int32, len(visitors)) // of the visitors of each page in seen
		for i := range rows {
			if of(&rows[i]) {
				ends[rows[i].page]++
			}
		}
		n := int32(0)
		for page := range ends {
			ends[page], n = n, n+ends[page]
		}
		seen := make([]uint32, n)
		for i := range rows {
			if r := &rows[i]; of(r) {
				seen[ends[r.page]] = r.visitor
				ends[r.page]++
			}
		}
		met := make([]int, c.numbers+1) // the page, from 1, that each visitor was met at last
		n = 0
		for page, end := range ends {
			for ; n < end; n++ {
				if met[seen[n]] != page+1 {
					met[seen[n]] = page + 1
					visitors[page]++
				}
			}
		}
	}
	return visitors
}
