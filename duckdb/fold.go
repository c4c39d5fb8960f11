package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// marks are the watermarks of rollups: up to which pageview a dimension of a
// site is added up. It is held for writing while new ones are committed, so that
// who holds it for reading sees rollups that do not move.
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

const (
	// foldRows is how many new pageviews are added up at once: what bounds the
	// memory for a site that is added up for the first time.
	foldRows = 1_500_000
	// compactEvery is after how many folds the rows of a day that hold one
	// value are put together again.
	compactEvery = 64
)

// folder adds up what is new of one site.
type folder struct {
	tx   *sql.Tx
	v    *view
	site site
	from uint64 // what is already added up; zero means that all is added up anew
	late uint64 // what was, also then: of days whose raw rows are gone, nothing is added up twice
	dims []rolled
	into string // table that is added to
}

// fold adds up what is new of a site in the dimensions. It goes on where its
// caller gives up, so that the next one finds it done.
func (s *Store) fold(ctx context.Context, name string, dims []rolled) error {
	db, v, err := s.reader()
	if err != nil {
		return err
	}
	site, known := v.sites[name]
	if !known || s.folded(v, site, dims) {
		return nil
	}
	dims = s.together(site.id, dims)
	if !s.beginFold() {
		return pageview.ErrClosed
	}
	done := make(chan error, 1)
	go func() {
		defer s.folds.Done()
		s.folding.Lock()
		defer s.folding.Unlock()
		done <- s.foldAll(s.life, db, v, site, dims)
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
		if _, known := s.marks.of[markKey{site, d}]; !known && d > rolledPage && d < rolledScore {
			for _, other := range rolledDimensions {
				add(other)
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
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
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
	for k, dims := range from {
		f := folder{tx: tx, v: v, site: site, from: k[0], late: k[1], dims: dims, into: "rollups"}
		n, err := f.addAll(ctx)
		if err != nil {
			return err
		}
		changed = changed || n > 0 || f.from == 0
	}
	next := mark{v.through, site.rules()}
	if changed {
		if err := s.compact(ctx, tx, site.id); err != nil {
			return err
		}
		if err := setMarks(ctx, tx, site.id, dims, next); err != nil {
			return err
		}
	}
	s.marks.Lock()
	defer s.marks.Unlock()
	if changed {
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	for _, d := range dims {
		s.marks.of[markKey{site.id, d}] = next
	}
	return nil
}

func setMarks(ctx context.Context, tx *sql.Tx, site uint16, dims []rolled, m mark) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf(`DELETE FROM watermarks WHERE site = %d AND dimension IN (%s)`, site, numbers(dims)))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO watermarks SELECT %d, unnest([%s]), %d, ?`, site, numbers(dims), m.seq), m.rules)
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

// foldDay is a day that has new pageviews.
type foldDay struct {
	day   pageview.Day
	rows  int64
	whole bool // it is added up anew, since nothing is yet, or since other sources count now
	gone  bool // raw rows of it were deleted: it is only added to
}

// addAll adds up what is new, and tells how many days have something.
func (f *folder) addAll(ctx context.Context) (int, error) {
	days, err := f.days(ctx)
	if err != nil {
		return 0, err
	}
	for left := days; len(left) > 0; {
		n := chunk(left)
		if err := f.add(ctx, left[:n]); err != nil {
			return 0, err
		}
		left = left[n:]
	}
	return len(days), nil
}

// days lists the days that have new pageviews by persons.
func (f *folder) days(ctx context.Context) ([]foldDay, error) {
	gone, err := goneDays(ctx, f.tx, f.site.id)
	if err != nil {
		return nil, err
	}
	var days []foldDay
	query := fmt.Sprintf(`SELECT "day", count(*) FROM pageviews WHERE site = %d AND seq > %d AND seq <= %d AND bot = 0 GROUP BY 1 ORDER BY 1`,
		f.site.id, f.from, f.v.through)
	err = each(ctx, f.tx, query, func(scan func(...any) error) error {
		var at time.Time
		var d foldDay
		err := scan(&at, &d.rows)
		d.day = pageview.DayOf(at.UTC())
		d.gone = gone[d.day]
		d.whole = !d.gone && (f.from == 0 || f.mixedAnew(d.day))
		days = append(days, d)
		return err
	})
	return days, err
}

// mixedAnew tells whether other sources count on a day than did.
func (f *folder) mixedAnew(day pageview.Day) bool {
	sources := f.v.mixed[f.site.id][day]
	if sources == nil {
		return false
	}
	return !slices.Equal(counted(f.site.precedence, sources, f.from), counted(f.site.precedence, sources, f.v.through))
}

// chunk is how many of the days are added up at once.
func chunk(days []foldDay) int {
	var rows int64
	for i, d := range days {
		if rows += d.rows; rows > foldRows && i > 0 {
			return i
		}
	}
	return len(days)
}

// add adds up the days. The rows that can have changed are those of visitors
// with a new pageview on that day: what these had is taken off and what they
// have is added, since no number of a day tells of two visitors together. They
// lie in a table of their own meanwhile, with a sign.
func (f *folder) add(ctx context.Context, days []foldDay) error {
	var whole, changed, gone []pageview.Day
	for _, d := range days {
		switch {
		case d.whole:
			whole = append(whole, d.day)
		case d.gone:
			gone = append(gone, d.day)
		default:
			changed = append(changed, d.day)
		}
	}
	if _, err := f.tx.ExecContext(ctx, f.rows(whole, changed, gone)); err != nil {
		return fmt.Errorf("find what changed: %w", err)
	}
	if len(whole) > 0 {
		del := fmt.Sprintf(`DELETE FROM %s WHERE site = %d AND dimension IN (%s) AND "day" IN %s`, f.into, f.site.id, numbers(f.dims), list(whole))
		if _, err := f.tx.ExecContext(ctx, del); err != nil {
			return fmt.Errorf("clear days: %w", err)
		}
	}
	if _, err := f.tx.ExecContext(ctx, f.sums(len(whole) > 0)); err != nil {
		return fmt.Errorf("add up: %w", err)
	}
	_, err := f.tx.ExecContext(ctx, `DROP TABLE temp.folding`)
	return err
}

// sums adds up the table of rows that changed: where they are many each dimension
// on its own, which is less to compute, else all in one go, which is less to plan.
func (f *folder) sums(many bool) string {
	var numbers, keys, parts []string
	add := func() {
		if len(keys) > 0 {
			parts = append(parts, fmt.Sprintf(addSQL, f.site.id, strings.Join(numbers, ", "), strings.Join(keys, ", ")))
		}
		numbers, keys = nil, nil
	}
	for _, d := range f.dims {
		if d >= rolledScore {
			parts = append(parts, fmt.Sprintf(addScoreSQL, f.site.id, d, d.key(), d.weight()))
			continue
		}
		numbers = append(numbers, fmt.Sprint(uint32(d)))
		keys = append(keys, fmt.Sprintf("CAST(%s AS UBIGINT)", d.key()))
		if many {
			add()
		}
	}
	add()
	return "INSERT INTO " + f.into + strings.Join(parts, " UNION ALL ")
}

// addSQL makes each row one for each dimension, and then one of a visit, and of a
// visitor, before these are counted.
const addSQL = `
SELECT %d, "day", dimension, key, sum(n) AS pageviews, sum(sign * visits) AS visits, sum(CASE WHEN visitor = 0 THEN 0 ELSE sign END) AS visitors
FROM (
  SELECT "day", dimension, key, sign, visitor, sum(n) AS n, count(visit) AS visits
  FROM (
    SELECT "day", dimension, key, sign, visitor, visit, sum(sign) AS n
    FROM (SELECT "day", sign, visitor, visit, unnest([%s]) AS dimension, unnest([%s]) AS key FROM temp.folding)
    GROUP BY ALL
  ) GROUP BY "day", dimension, key, sign, visitor
) GROUP BY "day", dimension, key HAVING pageviews <> 0 OR visits <> 0 OR visitors <> 0`

// addScoreSQL adds up weights; visits and visitors are no part of a score.
const addScoreSQL = `
SELECT %d, "day", %d, %s, sum(sign * %s) AS pageviews, 0, 0 FROM temp.folding GROUP BY ALL HAVING pageviews <> 0`

// rows makes the table of rows that changed. Its text holds numbers and days
// only.
func (f *folder) rows(whole, changed, gone []pageview.Day) string {
	site := fmt.Sprintf("site = %d AND bot = 0", f.site.id)
	now := fmt.Sprintf("%s AND seq <= %d AND %s", site, f.v.through, f.v.counting(f.site, f.v.through))
	then := fmt.Sprintf("%s AND seq <= %d AND %s", site, f.from, f.v.counting(f.site, f.from))
	from := func(through uint64, days []pageview.Day) string {
		return f.site.pageviews(fmt.Sprint(through), in(days))
	}
	columns := f.columns()
	var parts []string
	if len(whole) > 0 {
		parts = append(parts, fmt.Sprintf(`SELECT %s, 1 AS sign FROM %s WHERE %s AND %s`, columns, from(f.v.through, whole), now, in(whole)))
	}
	if len(gone) > 0 { // pageviews are added; visits and visitors stay
		unknown := strings.Replace(columns, "visitor", "CAST(0 AS UBIGINT) AS visitor", 1)
		parts = append(parts, fmt.Sprintf(`SELECT %s, 1 AS sign FROM %s WHERE %s AND seq > %d AND %s`, unknown, from(f.v.through, gone), now, f.late, in(gone)))
	}
	with := ""
	if len(changed) > 0 {
		with = fmt.Sprintf(`new AS (SELECT DISTINCT "day", visitor FROM pageviews WHERE %s AND seq > %d AND seq <= %d AND visitor <> 0 AND %s), `,
			site, f.from, f.v.through, in(changed))
		const of = `SELECT %s, %d AS sign FROM %s p SEMI JOIN new USING ("day", visitor) WHERE %s AND %s`
		parts = append(parts,
			fmt.Sprintf(of, columns, 1, from(f.v.through, changed), now, in(changed)), fmt.Sprintf(of, columns, -1, from(f.from, changed), then, in(changed)),
			fmt.Sprintf(`SELECT %s, 1 AS sign FROM pageviews WHERE %s AND seq > %d AND visitor = 0 AND %s`, columns, now, f.from, in(changed)))
	}
	table := "CREATE OR REPLACE TEMP TABLE folding AS WITH " + with + "counted AS (" + strings.Join(parts, " UNION ALL ") + ")"
	if !slices.ContainsFunc(f.dims, func(d rolled) bool { return d < rolledScore }) {
		return table + " SELECT * FROM counted"
	}
	return table + f.visited(len(whole) > 0) + " SELECT * FROM visited"
}

// columns are those of a pageview that the dimensions need.
func (f *folder) columns() string {
	columns := []string{`"day"`, "visitor", "seq", `"at"`, "page"}
	for _, d := range pageview.Dimensions() {
		number, added := rolledDimensions[d]
		if added && d != pageview.ByPage && d != pageview.ByEntry && slices.Contains(f.dims, number) {
			columns = append(columns, `"`+string(d)+`"`)
		}
	}
	return strings.Join(columns, ", ")
}

// visited adds the visits, many at once where whole days are added up.
func (f *folder) visited(many bool) string {
	if many {
		return visited(fmt.Sprint(f.site.id), `PARTITION BY sign, "day", visitor ORDER BY`, "true")
	}
	return visited(fmt.Sprint(f.site.id), `ORDER BY sign, "day", visitor,`,
		`lag(c.sign) OVER w = c.sign AND lag(c."day") OVER w = c."day" AND lag(c.visitor) OVER w = c.visitor`)
}

// in is the condition that a row's day is one of days, which are in order.
func in(days []pageview.Day) string {
	return fmt.Sprintf(`"day" BETWEEN DATE '%s' AND DATE '%s' AND "day" IN %s`, days[0], days[len(days)-1], list(days))
}

func list(days []pageview.Day) string {
	var b strings.Builder
	for i, d := range days {
		fmt.Fprintf(&b, "%sDATE '%s'", map[bool]string{true: "(", false: ", "}[i == 0], d)
	}
	return b.String() + ")"
}

// compact puts the rows of one value together, now and then: the days of the
// site where there are more than twice as many rows as values.
func (s *Store) compact(ctx context.Context, tx *sql.Tx, site uint16) error {
	if s.added++; s.added%compactEvery != 0 {
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
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(query, site)); err != nil {
			return fmt.Errorf("put rollups together: %w", err)
		}
	}
	return nil
}
