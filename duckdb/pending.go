package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/beforehand-go/beforehand/pageview"
)

const (
	// pendingTimes is how often a site is added up in memory until that is written, …
	pendingTimes = 16
	// … and pendingSums how many sums are held for that at most, about.
	pendingSums = 1 << 16
)

// pending is what sites were added up to in memory and is not in the tables yet. To write
// it costs more than to add it up, and most of it goes to the same rows each time. As its
// watermark is not written either, it is added up anew after a crash. Who reads the tables
// has it written first.
//
// Something is added only while marks are held for writing.
type pending struct {
	mu sync.Mutex
	of map[uint16]*pendingSite
}

// pendingSite is what is not written of a site.
type pendingSite struct {
	dims  []rolled
	mark  mark
	times int
	sums  map[pendingKey]keySum
}

type pendingKey struct {
	dimension rolled
	day       pageview.Day
	key       uint64
}

// add adds what a folder added up to a mark, and tells whether it is time to write.
func (p *pending) add(f *folder, m mark) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.of[f.site.id]
	if s == nil {
		s = &pendingSite{sums: map[pendingKey]keySum{}}
		p.of[f.site.id] = s
	}
	s.dims, s.mark = f.dims, m
	s.times++
	for _, d := range f.tally.all() {
		for _, r := range d.rows {
			k := pendingKey{d.dimension, r.day, r.key}
			sum := s.sums[k]
			sum.plus(keySum{r.key, r.pageviews, r.visits, r.visitors})
			s.sums[k] = sum
		}
	}
	return s.times >= pendingTimes || len(s.sums) >= pendingSums
}

// forget forgets what is not written of a site.
func (p *pending) forget(site uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, site)
}

// clear forgets all that is not written.
func (p *pending) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of = map[uint16]*pendingSite{}
}

// sites are those of which something is not written.
func (p *pending) sites() []uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.of))
}

// written has in the tables what a site was added up to.
func (s *Store) written(db *sql.DB, site uint16) error {
	s.pending.mu.Lock()
	defer s.pending.mu.Unlock()
	p := s.pending.of[site]
	if p == nil {
		return nil
	}
	if err := s.writePending(context.Background(), db, site, p); err != nil { // others need it, too
		return fmt.Errorf("write what is added up: %w", err)
	}
	delete(s.pending.of, site)
	return nil
}

func (s *Store) writePending(ctx context.Context, db *sql.DB, site uint16, p *pendingSite) error {
	tx, err := begin(ctx, db)
	if err != nil {
		return err
	}
	defer tx.end()
	keys := slices.SortedFunc(maps.Keys(p.sums), func(a, b pendingKey) int {
		return cmp.Or(cmp.Compare(a.dimension, b.dimension), cmp.Compare(a.day, b.day), cmp.Compare(a.key, b.key))
	})
	err = writeSums(tx.Conn, [2]string{"", "rollups"}, site, func(yield func(rolled, sumRow) bool) {
		for _, k := range keys {
			if sum := p.sums[k]; !yield(k.dimension, sumRow{k.day, k.key, sum.pageviews, sum.visits, sum.visitors}) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if err := s.compact(ctx, tx.Conn, site); err != nil {
		return err
	}
	if err := setMarks(ctx, tx.Conn, site, p.dims, p.mark); err != nil {
		return err
	}
	return tx.commit(ctx)
}

// foldHeld adds up what is new of a site where all that it takes is held in memory, and
// tells whether it was.
func (s *Store) foldHeld(ctx context.Context, db *sql.DB, v *view, site site, dims []rolled) (bool, error) {
	from, same := s.sameMark(site, dims)
	if !same {
		return false, nil
	}
	f := &folder{v: v, site: site, from: from.seq, late: from.seq, dims: dims, tail: &s.tail}
	days, err := f.addRecent(ctx, &s.recent, s.mirror.deletions())
	if err != nil { // errNotRecent, as nothing was read
		return false, nil
	}
	due, done := s.putHeld(f, from, days > 0)
	if !done {
		s.recent.forget(site.id)
		return false, nil
	}
	if due {
		err = s.written(db, site.id)
	}
	return true, err
}

// sameMark is the mark that all dimensions of a site have.
func (s *Store) sameMark(site site, dims []rolled) (m mark, same bool) {
	s.marks.RLock()
	defer s.marks.RUnlock()
	m = s.marks.of[markKey{site.id, dims[0]}]
	for _, d := range dims {
		if s.marks.of[markKey{site.id, d}] != m {
			return m, false
		}
	}
	return m, m.rules == site.rules()
}

// putHeld has readers see what a folder added up in memory from a mark on, unless the marks
// were read anew meanwhile. It tells whether it is time to write.
func (s *Store) putHeld(f *folder, from mark, changed bool) (due, done bool) {
	s.marks.Lock()
	defer s.marks.Unlock()
	for _, d := range f.dims {
		if s.marks.of[markKey{f.site.id, d}] != from {
			return false, false
		}
	}
	next := mark{f.v.through, from.rules}
	if changed {
		due = s.pending.add(f, next)
	}
	s.moved(f.site, f.dims, next, f)
	return due, true
}
