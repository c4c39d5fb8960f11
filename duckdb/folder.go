package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
	driver "github.com/duckdb/duckdb-go/v2"
)

// folder adds up what is new of one site.
type folder struct {
	conn  *sql.Conn // with a transaction; nil where only what is held may be added up
	v     *view
	site  site
	from  uint64 // what is already added up; zero means that all is added up anew
	late  uint64 // what was, also then: of days whose raw rows are gone, nothing is added up twice
	dims  []rolled
	into  [2]string // database and table that is added to
	most  foldMost
	tail  *tail
	tally *tally // holds what was written, unless anew
	anew  bool   // days were cleared, or it was written in several pieces

	fresh    []freshRow // pageviews by persons that are new, unless there are many
	weights  []int64    // what each of these adds to each score
	manyNew  bool
	someGone bool // some are of days whose raw rows were deleted

	packing []packedKey // what packed gives
	numbers int

	// Room to use again.
	places []foldPlace
	held   []int64 // rows one after another, without their visitors
}

// foldPlace is where a row is among those held.
type foldPlace struct {
	day     pageview.Day
	at      int32
	visitor uint64
}

// freshRow is a pageview that a mirror is told of.
type freshRow struct {
	at   int64
	page uint32
	whose
}

// mostFresh is how many new pageviews a mirror is told of.
const mostFresh = 100_000

// foldMost bounds the memory for a site that is added up for the first time.
type foldMost struct {
	rows int64 // new pageviews that are read at once
	sums int   // that are held until they are written
}

// foldDay is a day that has new pageviews.
type foldDay struct {
	day   pageview.Day
	rows  int64
	known int64 // rows of them that have a visitor
	whole bool  // it is added up anew, since nothing is yet, or since other sources count now
	gone  bool  // raw rows of it were deleted: it is only added to
}

// addAll adds up what is new, and tells how many days have something.
func (f *folder) addAll(ctx context.Context) (int, error) {
	days, err := f.days(ctx)
	if err != nil {
		return 0, fmt.Errorf("find days: %w", err)
	}
	f.tally = newTally(f.dims, f.v.paths)
	for left := days; len(left) > 0; {
		n := f.chunk(left)
		if err := f.add(ctx, left[:n]); err != nil {
			return 0, err
		}
		if f.tally.size() > f.most.sums {
			if err := f.write(); err != nil {
				return 0, err
			}
			f.tally.forget()
			f.anew = true
		}
		left = left[n:]
	}
	return len(days), f.write()
}

// days lists the days that have new pageviews of the kinds that are added up.
func (f *folder) days(ctx context.Context) ([]foldDay, error) {
	gone, err := goneDays(ctx, f.conn, f.site.id)
	if err != nil {
		return nil, err
	}
	var days []foldDay
	query := fmt.Sprintf(`SELECT "day", count(*), count(*) FILTER (visitor <> 0) FROM pageviews WHERE site = %d AND seq > %d AND seq <= %d AND %s GROUP BY 1 ORDER BY 1`,
		f.site.id, f.from, f.v.through, f.came())
	err = each(ctx, f.conn, query, func(scan func(...any) error) error {
		var at time.Time
		var d foldDay
		err := scan(&at, &d.rows, &d.known)
		d.day = pageview.DayOf(at.UTC())
		d.gone = gone[d.day]
		f.someGone = f.someGone || d.gone
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
	return !slices.Equal(engine.Counted(f.site.precedence, sources, f.from), engine.Counted(f.site.precedence, sources, f.v.through))
}

// chunk is how many of the days are added up at once.
func (f *folder) chunk(days []foldDay) int {
	var rows int64
	for i, d := range days {
		if rows += d.rows; rows > f.most.rows && i > 0 {
			return i
		}
	}
	return len(days)
}

// kinds is the condition that a pageview is of a kind that is added up.
func (f *folder) kinds() string {
	switch {
	case !f.adds(bots) && !f.adds(mixed):
		return "bot = 0"
	case !f.adds(persons) && !f.adds(mixed):
		return "bot <> 0"
	}
	return "true"
}

func (f *folder) adds(kind rolled) bool {
	return slices.ContainsFunc(f.dims, func(d rolled) bool { return d.kind() == kind })
}

// came is the condition that a new pageview can change what is added up. One that
// a person seems to have seen can make a bot of the visitor; see rate.go.
func (f *folder) came() string {
	if f.adds(bots) || f.adds(mixed) {
		return "true"
	}
	return "bot = 0"
}

// foldChunk is what is read at once: days by what becomes of them, or a part of one.
type foldChunk struct {
	whole, changed, gone []pageview.Day
	unknown              bool // some of what is new has no visitor
	part, parts          int64
}

// add adds up the days. The rows that can have changed are those of visitors
// with a new pageview on that day: what these had is taken off and what they
// have is added, since no number of a day tells of two visitors together.
func (f *folder) add(ctx context.Context, days []foldDay) error {
	var c foldChunk
	var rows int64
	for _, d := range days {
		rows += d.rows
		switch {
		case d.whole:
			c.whole = append(c.whole, d.day)
		case d.gone:
			c.gone = append(c.gone, d.day)
		default:
			c.changed = append(c.changed, d.day)
			c.unknown = c.unknown || d.known < d.rows
		}
	}
	if len(c.whole) > 0 {
		f.anew = true
		del := fmt.Sprintf(`DELETE FROM %s WHERE site = %d AND dimension IN (%s) AND "day" IN %s`, f.table(), f.site.id, numbers(f.dims), list(c.whole))
		if _, err := f.conn.ExecContext(ctx, del); err != nil {
			return fmt.Errorf("clear days: %w", err)
		}
	}
	c.parts = rows/f.most.rows + 1 // more than one of a single day only
	for c.part = range c.parts {
		if err := f.read(ctx, &c); err != nil {
			return fmt.Errorf("add up: %w", err)
		}
	}
	return nil
}

// table is where sums go, as SQL has it.
func (f *folder) table() string {
	if f.into[0] == "" {
		return f.into[1]
	}
	return f.into[0] + "." + f.into[1]
}

// Bits of a row's first number, below the day.
const (
	countsNow = 1 << iota
	countedThen
	stateBits = iota
)

// read takes in the rows of a chunk in the order of day and visitor. They are put in
// order here and not in DuckDB, which took a twentieth of an import for that, unless
// they may be many: how many pageviews a visitor had before is not known.
func (f *folder) read(ctx context.Context, c *foldChunk) error {
	packed, numbers := f.packed()
	var r foldRow
	take := func(state, visitor int64, cells, weights []int64) {
		r.now, r.then = state&countsNow != 0, state&countedThen != 0
		r.unpack(cells, packed)
		f.take(pageview.Day(state>>stateBits), uint64(visitor), &r, weights)
	}
	defer f.tally.end()
	query := f.rows(c)
	if len(c.changed) > 0 {
		return f.readRows(ctx, query+fmt.Sprintf(" ORDER BY state >> %d, visitor", stateBits), take)
	}
	places, held := f.places[:0], f.held[:0]
	err := f.readRows(ctx, query, func(state, visitor int64, cells, weights []int64) {
		places = append(places, foldPlace{pageview.Day(state >> stateBits), int32(len(places)), uint64(visitor)})
		held = append(append(append(held, state), cells...), weights...)
	})
	if err != nil {
		return err
	}
	f.places, f.held = places, held
	slices.SortFunc(places, func(a, b foldPlace) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.visitor, b.visitor))
	})
	width, weights := 1+2+numbers+len(f.scores()), 1+2+numbers
	for _, p := range places {
		row := held[int(p.at)*width:][:width]
		take(row[0], int64(p.visitor), row[1:weights], row[weights:])
	}
	return nil
}

// readRows calls row for each row of a statement that has the columns of columns.
func (f *folder) readRows(ctx context.Context, query string, row func(state, visitor int64, cells, weights []int64)) error {
	_, numbers := f.packed()
	cells, weights := make([]int64, 2+numbers), make([]int64, len(f.scores()))
	var state, visitor int64
	fields := []*int64{&state, &visitor}
	for i := range cells {
		fields = append(fields, &cells[i])
	}
	for i := range weights {
		fields = append(fields, &weights[i])
	}
	return eachNumbers(ctx, f.conn, query, fields, func() { row(state, visitor, cells, weights) })
}

// unpack reads what is between the visitor and the weights of a row: its time, its hour,
// and the numbers that its keys are packed in.
func (r *foldRow) unpack(cells []int64, packed []packedKey) {
	r.at = cells[0]
	r.keys[rolledHour] = uint64(cells[1])
	for _, p := range packed {
		r.keys[p.dimension] = uint64(cells[2+p.number]) >> p.shift & (1<<p.width - 1)
	}
	r.bot = r.keys[rolledBot] != 0
}

// take takes a row in.
func (f *folder) take(day pageview.Day, visitor uint64, r *foldRow, weights []int64) {
	if r.now && !r.then && !r.bot && !f.anew {
		f.keepFresh(r, day, visitor, weights)
	}
	f.tally.take(day, visitor, r, weights)
}

// keepFresh keeps a pageview that is new.
func (f *folder) keepFresh(r *foldRow, day pageview.Day, visitor uint64, weights []int64) {
	if len(f.fresh) == mostFresh {
		f.fresh, f.weights, f.manyNew = nil, nil, true
	}
	if f.manyNew {
		return
	}
	f.fresh = append(f.fresh, freshRow{r.at, uint32(r.keys[rolledPage]), whose{visitor, int32(day)}})
	f.weights = append(f.weights, weights...)
}

// packedKey is where the key of a dimension is in the numbers that are read: what costs
// most of a row is how many these are.
type packedKey struct {
	dimension    rolled
	number       int
	shift, width int
}

// packed are the dimensions whose keys are read, as many of them in a number as fit, and
// how many numbers there are.
func (f *folder) packed() (packed []packedKey, numbers int) {
	if f.packing == nil {
		f.pack()
	}
	return f.packing, f.numbers
}

func (f *folder) pack() {
	free := 0
	add := func(d rolled) {
		width := f.width(d)
		if free < width {
			free, f.numbers = 64, f.numbers+1
		}
		f.packing = append(f.packing, packedKey{d, f.numbers - 1, 64 - free, width})
		free -= width
	}
	add(rolledPage)
	add(rolledBot)
	for _, d := range f.dims {
		b := d.base()
		if d < rolledScore && b != rolledDay && b != rolledEntry && b != rolledHour &&
			!slices.ContainsFunc(f.packing, func(p packedKey) bool { return p.dimension == b }) {
			add(b)
		}
	}
}

// width is how many bits the keys of a dimension have.
func (f *folder) width(d rolled) int {
	switch d {
	case rolledPage:
		return bits.Len(uint(len(f.v.paths)))
	case rolledSource:
		return 8
	}
	return bits.Len(uint(len(f.v.names)))
}

// scores are the dimensions that add up weights.
func (f *folder) scores() (scores []rolled) {
	for _, d := range f.dims {
		if d >= rolledScore {
			scores = append(scores, d)
		}
	}
	return scores
}

// rows selects the rows that changed. Its text holds numbers and days only.
func (f *folder) rows(c *foldChunk) string {
	var selects []string
	now := f.counting(c, f.v.through)
	if len(c.whole) > 0 {
		selects = append(selects, fmt.Sprintf("SELECT %s FROM %s WHERE %s AND %s",
			f.columns(countsNow, "visitor"), f.site.pageviews(fmt.Sprint(f.v.through), in(c.whole)), now, in(c.whole)))
	}
	if len(c.gone) > 0 { // pageviews are added; visits and visitors stay
		selects = append(selects, fmt.Sprintf("SELECT %s FROM %s WHERE %s AND seq > %d AND %s",
			f.columns(countsNow, "CAST(0 AS UBIGINT)"), f.site.pageviews(fmt.Sprint(f.v.through), in(c.gone)), now, f.late, in(c.gone)))
	}
	with := ""
	if len(c.changed) > 0 {
		with = fmt.Sprintf(`WITH new AS (SELECT DISTINCT "day", visitor FROM pageviews WHERE %s AND %s AND seq > %d AND seq <= %d AND visitor <> 0 AND %s) `,
			f.part(c), f.came(), f.from, f.v.through, in(c.changed))
		selects = append(selects, f.changed(c, now)...)
	}
	return with + fmt.Sprintf("SELECT * FROM (%s)", strings.Join(selects, "\nUNION ALL\n"))
}

// part is the condition that a row is of the site, and of the part that is read.
func (f *folder) part(c *foldChunk) string {
	site := fmt.Sprintf("site = %d", f.site.id)
	if c.parts > 1 {
		site += fmt.Sprintf(" AND (CASE WHEN visitor = 0 THEN seq ELSE visitor END) %% %d = %d", c.parts, c.part)
	}
	return site
}

// counting is the condition that a row of the part counts, of what was kept up to a
// sequence number.
func (f *folder) counting(c *foldChunk, through uint64) string {
	return fmt.Sprintf("%s AND %s AND seq <= %d AND %s", f.part(c), f.kinds(), through, f.v.counting(f.site, through))
}

// changed selects what visitors have who are in the table new.
func (f *folder) changed(c *foldChunk, now string) (selects []string) {
	of := func(state any, from, where string) {
		selects = append(selects, fmt.Sprintf("SELECT %s FROM %s WHERE %s AND %s", f.columns(state, "visitor"), from, where, in(c.changed)))
	}
	if f.site.rate == (pageview.Rate{}) {
		// Their rows are found first, by few columns.
		state := fmt.Sprintf("(CASE WHEN seq <= %d THEN %d ELSE %d END)", f.from, countsNow|countedThen, countsNow)
		of(state, "pageviews", fmt.Sprintf(`rowid IN (SELECT rowid FROM pageviews SEMI JOIN new USING ("day", visitor) WHERE %s AND %s)`, now, in(c.changed)))
	} else { // what is new may change the verdict on what is not
		const theirs = ` p SEMI JOIN new USING ("day", visitor)`
		of(countsNow, f.site.pageviews(fmt.Sprint(f.v.through), in(c.changed))+theirs, now)
		of(countedThen, f.site.pageviews(fmt.Sprint(f.from), in(c.changed))+theirs, f.counting(c, f.from))
	}
	if c.unknown {
		of(countsNow, "pageviews", now+fmt.Sprintf(" AND seq > %d AND visitor = 0", f.from))
	}
	return selects
}

// columns are what is read of a row: day and state, visitor, time, hour, packed keys and
// weights, as whole numbers.
func (f *folder) columns(state any, visitor string) string {
	columns := []string{
		fmt.Sprintf(`("day" - DATE '1970-01-01') * %d + %v AS state`, 1<<stateBits, state), visitor + " AS visitor",
		`epoch_us("at") AS "at"`, rolledHour.key() + ` AS "hour"`,
	}
	packed, numbers := f.packed()
	keys := make([]string, numbers)
	for _, p := range packed {
		if keys[p.number] != "" {
			keys[p.number] += " + "
		}
		keys[p.number] += fmt.Sprintf("CAST(%s AS UBIGINT) * %d", p.dimension.key(), uint64(1)<<p.shift)
	}
	for i, k := range keys {
		columns = append(columns, fmt.Sprintf("%s AS keys%d", k, i))
	}
	for _, d := range f.scores() {
		columns = append(columns, fmt.Sprintf("%s AS weight%d", d.weight(), d))
	}
	return strings.Join(columns, ", ")
}

// write writes the sums.
func (f *folder) write() error {
	return writeSums(f.conn, f.into, f.site.id, func(yield func(rolled, sumRow) bool) {
		for _, s := range f.tally.all() {
			for _, r := range s.rows {
				if !yield(s.dimension, r) {
					return
				}
			}
		}
	})
}

// writeSums writes sums of a site into a table, but for those of nothing.
func writeSums(conn *sql.Conn, into [2]string, site uint16, sums iter.Seq2[rolled, sumRow]) error {
	err := conn.Raw(func(c any) error {
		a, err := driver.NewAppender(c.(sqldriver.Conn), into[0], "", into[1])
		if err != nil {
			return err
		}
		for d, r := range sums {
			if r.pageviews == 0 && r.visits == 0 && r.visitors == 0 {
				continue
			}
			if err := a.AppendRow(site, r.day.Date(utc), uint32(d), r.key, r.pageviews, r.visits, r.visitors); err != nil {
				return errors.Join(err, a.Close())
			}
		}
		return a.Close()
	})
	if err != nil {
		return fmt.Errorf("write sums: %w", err)
	}
	return nil
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
