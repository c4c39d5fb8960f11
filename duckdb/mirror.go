package duckdb

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	// mirrorRows is how many rows a mirror holds: 32 MB.
	mirrorRows = 1 << 20
	// mirrorIdle is how long a dimension is not asked for until it gives way to
	// another. Had it to at once, two that have no room together would be read in
	// turn, which costs more than to ask the table.
	mirrorIdle = 2 * time.Hour
)

// mirror holds in memory what the dimensions asked for lately add up to: the rows of
// the table rollups, from some day on. What is added there, now or later, is added here, so
// that an answer after few new pageviews reads nothing. What would be too many rows is asked
// of the table. Beside that it holds what rankings read of pageviews: the days that
// their windows cut, and what a site's pageviews reach over.
//
// Who reads it holds marks for reading, who changes what it holds of a dimension holds
// them for writing.
type mirror struct {
	mu   sync.Mutex
	of   map[markKey]*mirrored
	rows int
	most int           // rows
	idle time.Duration // as mirrorIdle

	written func(site uint16) error // has in the table what a site was added up to

	cuts    map[cutKey]*cut
	cutRows int
	mostCut int                      // of their rows
	spans   map[uint16]pageview.Span // by site
	deleted int                      // how often pageviews were deleted
}

func newMirror() mirror {
	return mirror{of: map[markKey]*mirrored{}, most: mirrorRows, idle: mirrorIdle, cuts: map[cutKey]*cut{}, mostCut: cutRows, spans: map[uint16]pageview.Span{}}
}

// mirrored is what one dimension of a site adds up to from a day on.
type mirrored struct {
	since pageview.Day
	days  []daySums // in order
	rows  int
	used  time.Time
}

// daySums are what a dimension adds up to on a day, in the order of keys.
type daySums struct {
	day  pageview.Day
	sums []keySum
}

// keySum is what a value of a dimension adds up to.
type keySum struct {
	key                         uint64
	pageviews, visits, visitors int64
}

func (s *keySum) plus(o keySum) {
	s.pageviews += o.pageviews
	s.visits += o.visits
	s.visitors += o.visitors
}

// add adds sums in the order of keys to others, which it may change.
func add(to, sums []keySum) []keySum {
	var other []keySum // of keys that are not in to
	at := 0
	for _, s := range sums {
		for at < len(to) && to[at].key < s.key {
			at++
		}
		if at == len(to) || to[at].key != s.key {
			other = append(other, s)
			continue
		}
		to[at].plus(s)
	}
	if len(other) == 0 {
		return to
	}
	all := make([]keySum, 0, len(to)+len(other))
	for len(to) > 0 && len(other) > 0 {
		least := &to
		if other[0].key < to[0].key {
			least = &other
		}
		all, *least = append(all, (*least)[0]), (*least)[1:]
	}
	return append(append(all, to...), other...)
}

// gather adds up what each value has on some days, in the order of keys.
func gather(days []daySums) []keySum {
	rows, end := 0, 0 // the end of keys
	for _, d := range days {
		if n := len(d.sums); n > 0 {
			rows, end = rows+n, max(end, int(d.sums[n-1].key)+1)
		}
	}
	var all []keySum
	if end > rows {
		for _, d := range days {
			all = add(all, d.sums)
		}
		return all
	}
	all = make([]keySum, end) // each at the place of its key
	for _, d := range days {
		for _, s := range d.sums {
			all[s.key].plus(s)
		}
	}
	there := all[:0]
	for key, s := range all {
		if s != (keySum{}) {
			s.key = uint64(key)
			there = append(there, s)
		}
	}
	return there
}

// between are the days from one to another.
func (m *mirrored) between(first, last pageview.Day) []daySums {
	if first > last {
		return nil
	}
	from, _ := m.find(first)
	end, _ := m.find(last + 1)
	return m.days[from:end]
}

// find is where a day is, or would be, and whether it is there.
func (m *mirrored) find(day pageview.Day) (int, bool) {
	return slices.BinarySearchFunc(m.days, day, func(d daySums, day pageview.Day) int { return cmp.Compare(d.day, day) })
}

// add adds what was added to the table.
func (m *mirrored) add(rows []sumRow) {
	slices.SortFunc(rows, func(a, b sumRow) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.key, b.key)) })
	var sums []keySum
	for i, r := range rows {
		if r.day < m.since {
			continue
		}
		sum := keySum{r.key, r.pageviews, r.visits, r.visitors}
		if n := len(sums); n > 0 && sums[n-1].key == r.key {
			sums[n-1].plus(sum)
		} else {
			sums = append(sums, sum)
		}
		if i+1 < len(rows) && rows[i+1].day == r.day {
			continue
		}
		at, known := m.find(r.day)
		if !known {
			m.days = slices.Insert(m.days, at, daySums{day: r.day})
		}
		d := &m.days[at]
		m.rows -= len(d.sums)
		d.sums = add(d.sums, sums)
		m.rows += len(d.sums)
		sums = sums[:0]
	}
}

// sums are what dimensions of a site add up to from a day on, at the least; none where
// they are too many.
func (m *mirror) sums(ctx context.Context, db querier, site uint16, dims []rolled, since pageview.Day) ([]*mirrored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var missing []rolled
	now := time.Now()
	for _, d := range dims {
		h := m.of[markKey{site, d}]
		if h != nil {
			h.used = now
		}
		if h == nil || h.since > since {
			missing = append(missing, d)
		}
	}
	if len(missing) > 0 {
		if err := m.read(ctx, db, site, missing, since, now); err != nil {
			return nil, fmt.Errorf("read what is added up: %w", err)
		}
	}
	all := make([]*mirrored, len(dims))
	for i, d := range dims {
		if all[i] = m.of[markKey{site, d}]; all[i] == nil || all[i].since > since {
			return nil, nil
		}
	}
	return all, nil
}

// read reads dimensions from a day on, unless they have too many rows. Readers may
// have what was held of them, so that is replaced.
func (m *mirror) read(ctx context.Context, db querier, site uint16, dims []rolled, since pageview.Day, now time.Time) error {
	if err := m.written(site); err != nil {
		return err
	}
	where := fmt.Sprintf(`FROM rollups WHERE site = %d AND dimension IN (%s) AND "day" >= %s`, site, numbers(dims), date(since))
	var rows int64
	if err := eachNumbers(ctx, db, "SELECT count(*) "+where, []*int64{&rows}, func() {}); err != nil {
		return err
	}
	for _, d := range dims {
		if h := m.of[markKey{site, d}]; h != nil {
			rows -= int64(h.rows)
		}
	}
	if !m.makeRoom(int(rows), now) {
		return nil
	}
	of := map[rolled][]sumRow{}
	var d, day, key int64
	var r sumRow
	query := `SELECT CAST(dimension AS BIGINT), "day" - DATE '1970-01-01', key, pageviews, visits, visitors ` + where
	err := eachNumbers(ctx, db, query, []*int64{&d, &day, &key, &r.pageviews, &r.visits, &r.visitors}, func() {
		r.day, r.key = pageview.Day(day), uint64(key)
		of[rolled(d)] = append(of[rolled(d)], r)
	})
	if err != nil {
		return err
	}
	for _, d := range dims {
		h := &mirrored{since: since, used: now}
		h.add(of[d])
		m.put(markKey{site, d}, h)
	}
	return nil
}

// put holds a dimension, or, where it is nil, holds it no more.
func (m *mirror) put(k markKey, h *mirrored) {
	if old := m.of[k]; old != nil {
		m.rows -= old.rows
		delete(m.of, k)
	}
	if h != nil {
		m.rows += h.rows
		m.of[k] = h
	}
}

// makeRoom lets go of what was not asked for lately, if so many rows have no room. It
// tells whether they have.
func (m *mirror) makeRoom(rows int, now time.Time) bool {
	for k, h := range m.of {
		if m.rows+rows <= m.most || rows > m.most {
			break
		}
		if now.Sub(h.used) > m.idle {
			m.put(k, nil)
		}
	}
	return m.rows+rows <= m.most
}

// fold adds what was added to the table. What was replaced there, or grows beyond the
// room there is, is held no more.
func (m *mirror) fold(f *folder) {
	m.mu.Lock() // what is held of pageviews, their deletion lets go of
	defer m.mu.Unlock()
	for _, s := range f.tally.all() {
		k := markKey{f.site.id, s.dimension}
		h := m.of[k]
		if h == nil {
			continue
		}
		m.put(k, nil)
		if f.anew {
			continue
		}
		if h.add(s.rows); m.rows+h.rows <= m.most {
			m.put(k, h)
		}
	}
	if slices.Contains(f.dims, rolledDay) {
		m.foldCuts(f)
		m.foldSpan(f)
	}
}

// clear lets go of all.
func (m *mirror) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.of)
	m.rows = 0
	clear(m.cuts)
	m.cutRows = 0
	clear(m.spans)
}

// forget lets go of what it holds of a site's pageviews, after some were deleted.
func (m *mirror) forget(site uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deleted++
	delete(m.spans, site)
	for k := range m.cuts {
		if k.site == site {
			m.putCut(k, nil)
		}
	}
}

// span is what a site's pageviews reach over, if that is held, and how often pageviews
// were deleted.
func (m *mirror) span(site uint16) (span pageview.Span, known bool, deleted int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	span, known = m.spans[site]
	return span, known, m.deleted
}

// deletions are how often pageviews were deleted.
func (m *mirror) deletions() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.deleted
}

// keepSpan holds what a site's pageviews reach over, unless some were deleted since
// that was read.
func (m *mirror) keepSpan(site uint16, span pageview.Span, deleted int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deleted == deleted {
		m.spans[site] = span
	}
}

// foldSpan reaches the span of a site's pageviews to those that are new.
func (m *mirror) foldSpan(f *folder) {
	span, known := m.spans[f.site.id]
	if !known {
		return
	}
	delete(m.spans, f.site.id)
	if f.anew || f.manyNew || f.someGone {
		return
	}
	for _, r := range f.fresh {
		at, day := time.UnixMicro(r.at).UTC(), pageview.Day(r.day)
		if at.Before(span.First) {
			span.First = at
		}
		if at.After(span.Last) {
			span.Last = at
		}
		span.FirstDay, span.LastDay = min(span.FirstDay, day), max(span.LastDay, day)
	}
	span.Through = f.v.through
	m.spans[f.site.id] = span
}

// foldCuts adds new pageviews to the cuts of a site.
func (m *mirror) foldCuts(f *folder) {
	scores := f.scores()
	for _, k := range slices.Collect(maps.Keys(m.cuts)) {
		c := m.cuts[k]
		if k.site != f.site.id {
			continue
		}
		weight := slices.Index(scores, k.score)
		if f.anew || f.manyNew || f.someGone || k.score != 0 && weight < 0 {
			m.putCut(k, nil)
			continue
		}
		var rows []cutRow
		m.putCut(k, nil)
		for i, n := range f.fresh {
			if pageview.Day(n.day) < k.first || pageview.Day(n.day) > k.last || n.at <= c.after || n.at > c.upTo {
				continue
			}
			r := cutRow{at: n.at, page: n.page, visitor: c.number(n.whose), day: n.day}
			if k.score != 0 {
				r.weight = f.weights[i*len(scores)+weight]
			}
			rows = append(rows, r)
		}
		if c.add(rows); m.cutRows+len(c.rows) <= m.mostCut {
			m.putCut(k, c)
		}
	}
}
