package duckdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	// recentRows is how many pageviews of recent days are held: 20 MB.
	recentRows = 1 << 19
	// recentDays is how many days of a site.
	recentDays = 4
	// recentIdle is how long nothing is new of a site until it gives way to another,
	// and how long one that had no room waits.
	recentIdle = time.Hour
)

// recent holds in memory the pageviews of the days that got some lately: what is new is
// added up together with what its visitors had on that day, and then only what is new is
// read. Who adds up has it alone.
type recent struct {
	of     map[uint16]*recentSite
	rows   int
	most   int
	noRoom map[uint16]time.Time // when a site had no room
}

// recentSite is what is held of a site.
type recentSite struct {
	layout  string // of its rows, and which of a day these are
	through uint64 // up to which all of them are held
	deleted int    // how often pageviews had been deleted when they were read
	used    time.Time
	days    map[pageview.Day]*recentDay
}

// recentDay is the pageviews of a day that have a visitor.
type recentDay struct {
	cells []int64          // of one row after another; see folder.columns
	last  map[uint64]int32 // the row in which a visitor came last
	prev  []int32          // of each row that before it of the same visitor; -1 where there is none
}

func newRecent() recent {
	return recent{of: map[uint16]*recentSite{}, most: recentRows, noRoom: map[uint16]time.Time{}}
}

func (d *recentDay) add(visitor uint64, cells []int64) {
	before, known := d.last[visitor]
	if !known {
		before = -1
	}
	d.last[visitor] = int32(len(d.prev))
	d.prev = append(d.prev, before)
	d.cells = append(d.cells, cells...)
}

// forget lets go of a site.
func (r *recent) forget(site uint16) {
	if s := r.of[site]; s != nil {
		r.leave(s, nil)
		delete(r.of, site)
	}
}

// leave leaves some days of a site.
func (r *recent) leave(s *recentSite, days []pageview.Day) {
	for day, d := range s.days {
		if !slices.Contains(days, day) {
			r.rows -= len(d.prev)
			delete(s.days, day)
		}
	}
}

// hasRoom tells whether so many rows more of some days of a site can be held. Its other
// days give way to them, and sites that have nothing new.
func (r *recent) hasRoom(s *recentSite, days []pageview.Day, rows int) bool {
	if r.rows+rows > r.most || len(s.days) > recentDays {
		r.leave(s, days)
	}
	for site, other := range r.of {
		if r.rows+rows <= r.most {
			break
		}
		if s.used.Sub(other.used) > recentIdle {
			r.forget(site)
		}
	}
	return r.rows+rows <= r.most
}

// site is what is held of a folder's site, up to where the folder begins.
func (r *recent) site(f *folder, deleted int) *recentSite {
	packed, _ := f.packed()
	layout := fmt.Sprint(packed, f.kinds(), f.site.rules())
	s := r.of[f.site.id]
	if s == nil || s.layout != layout || s.through != f.from || s.deleted != deleted {
		r.forget(f.site.id)
		s = &recentSite{layout: layout, through: f.from, deleted: deleted, days: map[pageview.Day]*recentDay{}}
		r.of[f.site.id] = s
	}
	s.used = time.Now()
	return s
}

// errNotRecent is returned by addRecent where what the visitors had must be asked for.
var errNotRecent = errors.New("not of recent days alone")

// newRow is a pageview that is new.
type newRow struct {
	visitor        uint64
	cells, weights []int64
}

// addRecent adds up what is new with what is held of its days. Those that are not held
// yet are read, where there is a connection. It tells how many days have something.
func (f *folder) addRecent(ctx context.Context, r *recent, deleted int) (int, error) {
	if f.from == 0 || f.v.through-f.from > mostFresh || f.site.rate != (pageview.Rate{}) || time.Since(r.noRoom[f.site.id]) < recentIdle {
		return 0, errNotRecent
	}
	s := r.site(f, deleted)
	rows, n, err := f.readNew(ctx)
	if err != nil {
		return 0, err
	}
	days := slices.Sorted(maps.Keys(rows))
	if len(days) > recentDays || slices.ContainsFunc(days, f.mixedAnew) {
		return 0, errNotRecent
	}
	if err := f.readDays(ctx, r, s, days); err != nil {
		return 0, err
	}
	if !r.hasRoom(s, days, n) {
		r.noRoom[f.site.id] = s.used
		return 0, errNotRecent
	}
	f.tally = newTally(f.dims, f.v.paths)
	for _, day := range days {
		r.rows += f.takeNew(day, s.days[day], rows[day])
	}
	f.tally.end()
	return len(days), nil
}

// takeNew takes in what is new on a day, with what its visitors have there, and tells how
// many pageviews are held besides.
func (f *folder) takeNew(day pageview.Day, held *recentDay, rows []newRow) int {
	packed, numbers := f.packed()
	old := len(held.prev)
	known := rows[:0] // those that have a visitor: as many follow the old ones
	for _, n := range rows {
		if n.visitor != 0 {
			held.add(n.visitor, n.cells)
			known = append(known, n)
			continue
		}
		r := foldRow{now: true}
		r.unpack(n.cells, packed)
		f.take(day, 0, &r, n.weights)
	}
	var theirs []int32 // the rows of one visitor
	for i, n := range known {
		at := int32(old + i)
		if held.last[n.visitor] != at {
			continue
		}
		theirs = theirs[:0]
		for ; at >= 0; at = held.prev[at] {
			theirs = append(theirs, at)
		}
		for _, at := range slices.Backward(theirs) { // mostly the order of time
			r := foldRow{now: true, then: int(at) < old}
			r.unpack(held.cells[int(at)*(2+numbers):], packed)
			var weights []int64
			if !r.then {
				weights = known[int(at)-old].weights
			}
			f.take(day, n.visitor, &r, weights)
		}
	}
	return len(known)
}

// readNew reads the pageviews that are new, by day, and tells how many there are.
func (f *folder) readNew(ctx context.Context) (rows map[pageview.Day][]newRow, n int, err error) {
	if held, all := f.tail.since(f.site.id, f.from); all {
		rows, n = f.newRows(held)
		return rows, n, nil
	}
	if f.conn == nil {
		return nil, 0, errNotRecent
	}
	c := foldChunk{parts: 1}
	query := fmt.Sprintf("SELECT %s FROM pageviews WHERE %s AND seq > %d", f.columns(countsNow, "visitor"), f.counting(&c, f.v.through), f.from)
	rows = map[pageview.Day][]newRow{}
	var all []int64 // cells and weights of all rows
	err = f.readRows(ctx, query, func(state, visitor int64, cells, weights []int64) {
		from := len(all)
		all = append(append(all, cells...), weights...)
		mid, to := from+len(cells), len(all)
		day := pageview.Day(state >> stateBits)
		rows[day] = append(rows[day], newRow{uint64(visitor), all[from:mid:mid], all[mid:to:to]})
		n++
	})
	return rows, n, err
}

// readDays reads those of the days that are not held.
func (f *folder) readDays(ctx context.Context, r *recent, s *recentSite, days []pageview.Day) error {
	missing := slices.DeleteFunc(slices.Clone(days), func(day pageview.Day) bool { return s.days[day] != nil })
	if len(missing) == 0 {
		return nil
	}
	if f.conn == nil {
		return errNotRecent
	}
	gone, err := goneDays(ctx, f.conn, f.site.id)
	if err != nil {
		return err
	}
	for _, day := range missing {
		if gone[day] {
			return errNotRecent
		}
		d, err := f.readDay(ctx, day, r.most)
		if err != nil {
			return err
		}
		s.days[day] = d
		r.rows += len(d.prev)
	}
	return nil
}

// readDay reads what was added up of a day; some of it where it has more rows than have room.
func (f *folder) readDay(ctx context.Context, day pageview.Day, most int) (*recentDay, error) {
	d := &recentDay{last: map[uint64]int32{}}
	c := foldChunk{parts: 1}
	query := fmt.Sprintf("SELECT %s FROM pageviews WHERE %s AND visitor <> 0 AND %s LIMIT %d",
		f.columns(countsNow|countedThen, "visitor"), f.counting(&c, f.from), between(day, day), most+1)
	return d, f.readRows(ctx, query, func(_, visitor int64, cells, _ []int64) { d.add(uint64(visitor), cells) })
}
