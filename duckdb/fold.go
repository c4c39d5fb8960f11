package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// marks are the watermarks of rollups: up to which pageview a dimension of a
// site is added up, in the table or beyond it in memory; see pending. It is held for
// writing while new ones are committed, so that who holds it for reading sees rollups
// that do not move.
type marks struct {
	sync.RWMutex
	of map[markKey]mark
}

type markKey struct {
	site      uint16
	dimension rolled
}

type mark struct {
	seq   uint64
	rules string // under which; see site.rules
}

// compactEvery is after how many folds the rows of a day that hold one value are
// put together again.
const compactEvery = 64

// fold adds up what is new of a site in the dimensions. It goes on where its
// caller gives up, so that the next one finds it done.
func (s *Store) fold(ctx context.Context, name string, dims []rolled) error {
	db, v, err := s.current()
	if err != nil {
		return err
	}
	site, known := v.sites[name]
	if !known || s.folded(v, site, dims) {
		return nil
	}
	if !s.beginFold() {
		return pageview.ErrClosed
	}
	done := make(chan error, 1)
	go func() {
		defer s.folds.Done()
		s.folding.Lock()
		defer s.folding.Unlock()
		done <- s.foldAll(s.life, db, v, site, s.together(site.id, dims)) // with all there are by now
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// together are dimensions with those that are added up with them: all that are
// added up already, since what is new is found once for all of them, and, where
// a site is added up by one kind of breakdown for the first time, all kinds.
func (s *Store) together(site uint16, dims []rolled) []rolled {
	s.marks.RLock()
	defer s.marks.RUnlock()
	all := slices.Clone(dims)
	add := func(d rolled) {
		if !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	for _, d := range dims {
		if _, known := s.marks.of[markKey{site, d}]; !known && d.base() > rolledPage && d < rolledScore || d.kind() != persons {
			for _, other := range rolledDimensions {
				add(d.kind()*rolledKind + other)
			}
		}
	}
	for k := range s.marks.of {
		if k.site == site {
			add(k.dimension)
		}
	}
	slices.Sort(all)
	return all
}

// beginFold keeps the store from being closed until folds.Done, unless it is.
func (s *Store) beginFold() bool {
	s.marks.RLock()
	defer s.marks.RUnlock()
	if s.closed.Load() {
		return false
	}
	s.folds.Add(1)
	return true
}

// folded tells whether the dimensions of a site hold everything that a view does.
func (s *Store) folded(v *view, site site, dims []rolled) bool {
	s.marks.RLock()
	defer s.marks.RUnlock()
	for _, d := range dims {
		m := s.marks.of[markKey{site.id, d}]
		if m.seq < v.through || m.rules != site.rules() {
			return false
		}
	}
	return true
}

// foldAll adds up, in one transaction with the watermarks, and only one at a
// time.
func (s *Store) foldAll(ctx context.Context, db *sql.DB, v *view, site site, dims []rolled) error {
	if s.folded(v, site, dims) {
		return nil
	}
	if done, err := s.foldHeld(ctx, db, v, site, dims); done || err != nil {
		return err
	}
	if err := s.written(db, site.id); err != nil {
		return err
	}
	tx, err := begin(ctx, db)
	if err != nil {
		return err
	}
	defer tx.end()
	committed := false
	defer func() {
		if !committed { // what is held of recent days may be beyond what is in the table
			s.recent.forget(site.id)
		}
	}()
	from := map[[2]uint64][]rolled{} // dimensions by what is added up
	for _, d := range dims {
		m := s.marks.of[markKey{site.id, d}] // nobody else writes it
		k := [2]uint64{m.seq, m.seq}
		if m.rules != site.rules() {
			k[0] = 0
		}
		if k[0] < v.through {
			from[k] = append(from[k], d)
		}
	}
	changed := false
	var folders []*folder
	for k, dims := range from {
		f := &folder{conn: tx.Conn, v: v, site: site, from: k[0], late: k[1], dims: dims, into: [2]string{"", "rollups"}, most: s.foldMost, tail: &s.tail}
		n, err := s.addUp(ctx, f, len(from) == 1)
		if err != nil {
			return err
		}
		changed = changed || n > 0 || f.from == 0
		folders = append(folders, f)
	}
	next := mark{v.through, site.rules()}
	if changed {
		if err := s.compact(ctx, tx.Conn, site.id); err != nil {
			return err
		}
		if err := setMarks(ctx, tx.Conn, site.id, dims, next); err != nil {
			return err
		}
	}
	s.marks.Lock()
	defer s.marks.Unlock()
	if changed {
		if err := tx.commit(ctx); err != nil {
			return err
		}
	}
	s.moved(site, dims, next, folders...)
	committed = true
	return nil
}

// moved has readers see what was added up to a mark.
func (s *Store) moved(site site, dims []rolled, to mark, folders ...*folder) {
	for _, d := range dims {
		s.marks.of[markKey{site.id, d}] = to
	}
	for _, f := range folders {
		s.mirror.fold(f)
	}
	if held := s.recent.of[site.id]; held != nil {
		held.through = to.seq
	}
	s.tail.drop(site.id, to.seq)
	s.load.folded.Store(time.Now().UnixNano())
}

// addUp adds up what is new, with what is held of recent days where these are all that
// changed; alone tells whether all dimensions are added up from one pageview on.
func (s *Store) addUp(ctx context.Context, f *folder, alone bool) (int, error) {
	if alone {
		switch n, err := f.addRecent(ctx, &s.recent, s.mirror.deletions()); {
		case err == nil:
			return n, f.write()
		case !errors.Is(err, errNotRecent):
			return n, fmt.Errorf("add up recent days: %w", err)
		}
		f.fresh, f.weights = nil, nil
	}
	s.recent.forget(f.site.id)
	return f.addAll(ctx)
}

// setMarks moves the marks of dimensions. Most of the time all have one.
func setMarks(ctx context.Context, conn *sql.Conn, site uint16, dims []rolled, m mark) error {
	of := fmt.Sprintf(`WHERE site = %d AND dimension IN (%s)`, site, numbers(dims))
	moved, err := conn.ExecContext(ctx, fmt.Sprintf(`UPDATE watermarks SET seq = %d, precedence = ? %s`, m.seq, of), m.rules)
	if err != nil {
		return err
	}
	if n, err := moved.RowsAffected(); err != nil || n == int64(len(dims)) {
		return err
	}
	if _, err := conn.ExecContext(ctx, `DELETE FROM watermarks `+of); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, fmt.Sprintf(`INSERT INTO watermarks SELECT %d, unnest([%s]), %d, ?`, site, numbers(dims), m.seq), m.rules)
	return err
}

// numbers are the dimensions as SQL has a list of them.
func numbers(dims []rolled) string {
	var b strings.Builder
	for i, d := range dims {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, uint32(d))
	}
	return b.String()
}

// loadMarks reads the watermarks.
func loadMarks(ctx context.Context, db querier) (map[markKey]mark, error) {
	of := map[markKey]mark{}
	err := each(ctx, db, `SELECT site, dimension, seq, precedence FROM watermarks`, func(scan func(...any) error) error {
		var k markKey
		var m mark
		err := scan(&k.site, &k.dimension, &m.seq, &m.rules)
		of[k] = m
		return err
	})
	return of, err
}

// compact puts the rows of one value together, now and then: the days of the
// site where there are more than twice as many rows as values.
func (s *Store) compact(ctx context.Context, conn *sql.Conn, site uint16) error {
	if s.added.Add(1)%compactEvery != 0 {
		return nil
	}
	for _, query := range []string{
		`CREATE OR REPLACE TEMP TABLE scattered AS
		 SELECT "day", dimension FROM rollups WHERE site = %d GROUP BY ALL HAVING count(*) > 2 * count(DISTINCT key)`,
		`CREATE OR REPLACE TEMP TABLE gathered AS
		 SELECT site, "day", dimension, key, sum(pageviews) AS pageviews, sum(visits) AS visits, sum(visitors) AS visitors
		 FROM rollups SEMI JOIN temp.scattered USING ("day", dimension) WHERE site = %d GROUP BY ALL`,
		`DELETE FROM rollups WHERE site = %d AND ("day", dimension) IN (SELECT ("day", dimension) FROM temp.scattered)`,
		`INSERT INTO rollups SELECT * FROM temp.gathered WHERE site = %d AND (pageviews <> 0 OR visits <> 0 OR visitors <> 0)`,
	} {
		if _, err := conn.ExecContext(ctx, fmt.Sprintf(query, site)); err != nil {
			return fmt.Errorf("put rollups together: %w", err)
		}
	}
	return nil
}
