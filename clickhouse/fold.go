package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// foldRows is about how many rows are added up at once: what bounds the memory
// for a site that is added up for the first time.
const foldRows = 1_000_000

// How often, and after which pause, it is tried again where a server lacks rows.
const (
	behindTries = 8
	behindPause = 250 * time.Millisecond
)

// errBehind says that the rows in ClickHouse are not those that it was sent: a
// replica lags behind, or rows were lost.
var errBehind = errors.New("ClickHouse has other rows than it was sent: a replica lags behind, or rows were lost, which beforehand rebuild accepts")

// current tells whether a version of a day holds everything that a view does.
func (v *view) current(s site, k dayPart) bool {
	a, ok := v.added[s.name][k]
	if !ok {
		return false
	}
	_, gone := v.gone[s.name][dayPart{k.day, counts}]
	return a.rows == v.days[s.name][k.day].rows && (gone || a.rules == s.rules())
}

// versions is the condition that a row of rollups is of the versions of days
// that a view uses.
func (v *view) versions(s site, part rolled, from, to pageview.Day) string {
	var pairs []byte
	for _, day := range slices.Sorted(maps.Keys(v.days[s.name])) {
		a, ok := v.added[s.name][dayPart{day, part}]
		if from != 0 && day < from || to != 0 && day > to || !ok {
			continue
		}
		if len(pairs) > 0 {
			pairs = append(pairs, ',')
		}
		pairs = fmt.Appendf(pairs, "(%d,%d)", day, a.version)
	}
	if len(pairs) == 0 {
		return "0"
	}
	return "(day, version) IN (" + string(pairs) + ")"
}

// fold adds up what is new of a site on some days, newest first, and returns a
// view with that. It goes on where its caller gives up, so that the next one
// finds it done.
func (s *Store) fold(ctx context.Context, v *view, name string, from, to pageview.Day, parts ...rolled) (*view, error) {
	if len(v.stale(name, from, to, parts)) == 0 {
		return v, nil
	}
	type outcome struct {
		v   *view
		err error
	}
	done := make(chan outcome, 1)
	err := s.begin(func() {
		s.folding.Lock()
		defer s.folding.Unlock()
		now, err := s.foldAll(s.life, v, name, from, to, parts)
		for try := 0; errors.Is(err, errBehind) && try < behindTries; try++ {
			select {
			case <-time.After(behindPause):
			case <-s.life.Done():
			}
			if v, err = s.refresh(s.life); err == nil {
				now, err = s.foldAll(s.life, v, name, from, to, parts)
			}
		}
		done <- outcome{now, err}
	})
	if err != nil {
		return nil, err
	}
	select {
	case o := <-done:
		return o.v, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stale are the days that are not added up in one of the parts, newest first.
func (v *view) stale(name string, from, to pageview.Day, parts []rolled) (stale []dayPart) {
	site, known := v.sites[name]
	if !known {
		return nil
	}
	days := slices.Sorted(maps.Keys(v.days[name]))
	slices.Reverse(days)
	for _, part := range parts {
		for _, day := range days {
			if k := (dayPart{day, part}); (from == 0 || day >= from) && (to == 0 || day <= to) && !v.current(site, k) {
				stale = append(stale, k)
			}
		}
	}
	return stale
}

// foldAll adds up what a view has, with what others have added up meanwhile.
func (s *Store) foldAll(ctx context.Context, v *view, name string, from, to pageview.Day, parts []rolled) (*view, error) {
	v = v.with(s.view.Load())
	stale := v.stale(name, from, to, parts)
	for len(stale) > 0 {
		n := v.chunk(name, stale)
		f := newFolder(s, v, name, stale[0])
		f.ground = v.ground(f.site, stale[0])
		found, err := f.add(ctx, stale[:n])
		if err != nil {
			return nil, err
		}
		v = v.clone()
		v.put(name, found)
		s.learned(name, found)
		stale = stale[n:]
	}
	return v, nil
}

// with is a view that uses the versions of another one where these are as good:
// what holds as many rows of a day holds the same.
func (v *view) with(other *view) *view {
	next := v.clone()
	for name, days := range other.added {
		site := v.sites[name]
		found := map[dayPart]added{}
		for k, a := range days {
			if a.rules == site.rules() && a.rows == v.days[name][k.day].rows && !v.current(site, k) {
				found[k] = a
			}
		}
		if len(found) > 0 {
			next.put(name, found)
		}
	}
	return next
}

// put has a view use versions.
func (v *view) put(name string, found map[dayPart]added) {
	days := maps.Clone(v.added[name])
	if days == nil {
		days = map[dayPart]added{}
	}
	maps.Copy(days, found)
	v.added[name] = days
}

// learned tells readers to come of versions.
func (s *Store) learned(name string, found map[dayPart]added) {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	v := s.view.Load().clone()
	better := map[dayPart]added{}
	for k, a := range found {
		if known, ok := v.added[name][k]; !ok || a.better(known, v.sites[name].rules()) {
			better[k] = a
		}
	}
	v.put(name, better)
	s.view.Store(v)
}

// chunk is how many of the days are added up at once: of one part, from where the
// same blocks are added up already, and those whose raw rows are gone each alone.
func (v *view) chunk(name string, stale []dayPart) int {
	var rows int64
	ground := v.ground(v.sites[name], stale[0])
	for i, k := range stale {
		_, gone := v.gone[name][dayPart{k.day, counts}]
		_, before := v.gone[name][dayPart{stale[max(i-1, 0)].day, counts}]
		rows += v.days[name][k.day].rows
		if i > 0 && (rows > foldRows || k.part != stale[0].part || gone || before || !maps.Equal(v.ground(v.sites[name], k), ground)) {
			return i
		}
	}
	return len(stale)
}

// ground are the blocks that the version in use of a day was added up from, where
// it can be gone on from: what came since can be told, and what is older counts as
// it did.
func (v *view) ground(s site, k dayPart) map[uint64]uint64 {
	a := v.added[s.name][k]
	_, gone := v.gone[s.name][dayPart{k.day, counts}]
	if len(a.blocks) == 0 || gone || a.rules != s.rules() || a.blocks[nobody] != v.blocks[nobody] ||
		!slices.Equal(a.leftOut, v.leftOut(s, k.day)) {
		return nil
	}
	for spool, newest := range a.blocks {
		if newest > v.blocks[spool] {
			return nil
		}
	}
	return a.blocks
}

// versionBits are the lower bits of a version, which are random.
const versionBits = 12

// version is a new number for a version: it tells when it was made, in its
// higher bits, and is not that of another process.
func (s *Store) version() uint64 { return s.clock()<<versionBits | rand.Uint64N(1<<versionBits) }

// folder adds up days of one part under one version.
type folder struct {
	s       *Store
	v       *view
	site    site
	part    rolled
	version uint64
	ground  map[uint64]uint64 // blocks that are added up already; without any, days are added up as a whole
}

func newFolder(s *Store, v *view, name string, of dayPart) *folder {
	return &folder{s: s, v: v, site: v.sites[name], part: of.part, version: s.version()}
}

// add adds days up and names the version in the table days.
func (f *folder) add(ctx context.Context, stale []dayPart) (map[dayPart]added, error) {
	found, err := f.fill(ctx, stale)
	if err != nil {
		return nil, err
	}
	return found, f.name(ctx, found)
}

// fill adds days up. They are counted before and after that: rows may come to a
// replica, or be deleted, at any time.
func (f *folder) fill(ctx context.Context, stale []dayPart) (map[dayPart]added, error) {
	var days []pageview.Day
	for _, k := range stale {
		days = append(days, k.day)
	}
	r := &rows{v: f.v, site: f.site, days: in("day", days)}
	gone, late := f.v.gone[f.site.name][dayPart{days[0], counts}]
	if late { // a day of which rows are gone: what came after that is added
		r.days = and(r.days, "NOT ("+upTo(gone.blocks)+")")
	}
	held, err := f.count(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("count raw rows: %w", err)
	}
	reach, err := f.reach(ctx, r)
	if err != nil {
		return nil, err
	}
	found, at := map[dayPart]added{}, f.s.clock()
	for _, day := range days {
		k, want := dayPart{day, f.part}, f.v.days[f.site.name][day].rows
		if !late && held[day] != want { // what is gone cannot be counted again
			return nil, fmt.Errorf("of %d rows of %s on %s there are %d: %w", want, f.site.name, day, held[day], errBehind)
		}
		a := reach[day]
		if late {
			a = a.over(f.v.added[f.site.name][k])
		}
		a.version, a.rules, a.rows, a.at = f.version, f.site.rules(), want, at
		a.blocks, a.leftOut = f.v.blocks, f.v.leftOut(f.site, day)
		found[k] = a
	}
	from := f.whole(r)
	switch {
	case late:
		from = f.late(r, days, f.v.gone[f.site.name][stale[0]].version)
	case f.ground != nil:
		from = f.changes(r, days)
	}
	if err := f.s.server.exec(ctx, f.insert(from)); err != nil {
		return nil, err
	}
	again, err := f.count(ctx, r)
	if err == nil && !maps.Equal(again, held) {
		err = errBehind
	}
	// Who stood still for long may have gone on from a version that was deleted.
	if err == nil && f.ground != nil && time.Now().Round(0).Sub(f.v.asked) > unused/2 {
		err = errBehind
	}
	return found, err
}

// over is a version that goes on from another one.
func (a added) over(before added) added {
	if before.persons == 0 {
		return a
	}
	if a.persons == 0 {
		a.first, a.last = before.first, before.last
	}
	a.persons += before.persons
	a.first, a.last = min(a.first, before.first), max(a.last, before.last)
	return a
}

// count counts the raw rows of days.
func (f *folder) count(ctx context.Context, r *rows) (map[pageview.Day]int64, error) {
	const of = "SELECT day, toInt64(count()) AS n FROM %s WHERE %s GROUP BY day"
	query := fmt.Sprintf("SELECT day, sum(n) FROM ("+of+" UNION ALL "+of+") GROUP BY day", "pageviews", r.of(), "stays", r.of())
	found := map[pageview.Day]int64{}
	err := f.s.server.each(ctx, query, func(scan func(...any) error) error {
		var day int32
		var n int64
		err := scan(&day, &n)
		found[pageview.Day(day)] = n
		return err
	})
	return found, err
}

// reach tells of days what the pageviews that count reach over.
func (f *folder) reach(ctx context.Context, r *rows) (map[pageview.Day]added, error) {
	found := map[pageview.Day]added{}
	query := fmt.Sprintf("SELECT day, toInt64(count()), min(at), max(at) FROM (%s) GROUP BY day", r.views(nil, ""))
	err := f.s.server.each(ctx, query, func(scan func(...any) error) error {
		var day int32
		var a added
		err := scan(&day, &a.persons, &a.first, &a.last)
		found[pageview.Day(day)] = a
		return err
	})
	return found, err
}

// insert is the statement that adds up what the statements read.
func (f *folder) insert(from []string) string {
	return fmt.Sprintf(`INSERT INTO rollups (site, dimension, month, day, key, version, pageviews, visits, visitors, stays, seconds)
SELECT %s, dimension, month, day, key, toUInt64(%d), sum(pageviews) AS p, sum(visits) AS v, sum(visitors) AS u, sum(stays) AS t, sum(seconds) AS s FROM (
%s
) GROUP BY dimension, month, day, key HAVING p != 0 OR v != 0 OR u != 0 OR t != 0 OR s != 0`,
		quote(f.site.name), f.version, strings.Join(from, "\nUNION ALL\n"))
}

// whole reads what raw rows add up to.
func (f *folder) whole(r *rows) []string {
	if f.part >= rolledScore {
		return []string{f.weights(r, "")}
	}
	return []string{f.plain(r, "visitor = 0"), f.stays(r), f.persons(r)}
}

// late reads what raw rows add to a version of a day of which rows are gone.
// Pageviews are added, visits and visitors stay, since nobody can tell whether the
// visitor had come before.
func (f *folder) late(r *rows, days []pageview.Day, base uint64) []string {
	from := []string{f.weights(r, "")}
	if f.part < rolledScore {
		from = []string{f.plain(r, ""), f.stays(r)}
	}
	if base != 0 {
		from = append(from, f.based(days, fmt.Sprintf("version = %d", base)))
	}
	return from
}

// changes reads the versions that are in use, and what changes in them: of
// visitors with something new on a day, all that they have of it is added, and what
// they had is taken off, since no number of a day tells of two visitors together.
func (f *folder) changes(r *rows, days []pageview.Day) []string {
	known := upTo(f.ground)
	fresh, now, then := *r, *r, *r
	fresh.days = and(r.days, "NOT ("+known+")")
	theirs := fmt.Sprintf("(day, visitor) GLOBAL IN (SELECT day, visitor FROM pageviews WHERE %s)",
		and(fresh.of(), f.v.counting(f.site), "bot = '' AND visitor != 0"))
	now.days, then.days = and(r.days, theirs), and(r.days, theirs, known)
	less := func(from string) string {
		return "SELECT month, day, dimension, key, -pageviews, -visits, -visitors, -stays, -seconds FROM (" + from + ")"
	}
	base := f.based(days, f.v.versions(f.site, f.part, slices.Min(days), slices.Max(days)))
	if f.part >= rolledScore {
		return []string{base, f.weights(&fresh, "visitor = 0"), f.weights(&now, ""), less(f.weights(&then, ""))}
	}
	return []string{base, f.plain(&fresh, "visitor = 0"), f.stays(&fresh), f.persons(&now), less(f.persons(&then))}
}

// based reads what is added up of days under some versions.
func (f *folder) based(days []pageview.Day, versions string) string {
	return "SELECT month, day, dimension, key, pageviews, visits, visitors, stays, seconds FROM rollups WHERE " + f.kept(days, versions)
}

// kept is the condition that a row of rollups is of days, of the part, and under
// some versions.
func (f *folder) kept(days []pageview.Day, versions string) string {
	dimensions := fmt.Sprintf("dimension < %d", rolledScore)
	if f.part >= rolledScore {
		dimensions = fmt.Sprintf("dimension = %d", f.part)
	}
	return and("site = "+quote(f.site.name), dimensions, in("day", days), versions)
}

// weights adds up what pages score, where more holds.
func (f *folder) weights(r *rows, more string) string {
	weight := weightOf(fmt.Sprintf("at - toInt64(day) * %d", dayMicros), fmt.Sprint(int64(f.part-rolledScore)*3600e6))
	return fmt.Sprintf(`SELECT month, day, toUInt32(%d) AS dimension, path AS key, sum(%s) AS pageviews, toInt64(0) AS visits, toInt64(0) AS visitors, toInt64(0) AS stays, toInt64(0) AS seconds
FROM (%s) GROUP BY month, day, path`, f.part, weight, r.views(nil, more))
}

// stays adds up how long pages were in sight.
func (f *folder) stays(r *rows) string {
	return fmt.Sprintf(`SELECT month, day, pair.1 AS dimension, pair.2 AS key, toInt64(0) AS pageviews, toInt64(0) AS visits, toInt64(0) AS visitors, toInt64(count()) AS stays, toInt64(sum(seconds)) AS seconds
FROM (%s) ARRAY JOIN [(toUInt32(%d), ''), (toUInt32(%d), path)] AS pair GROUP BY month, day, dimension, key`, r.stays(), rolledDay, rolledPage)
}

// keyed are the dimensions that are added up, with the SQL of their keys, and the
// columns that it takes beside path and entry.
func keyed(of func(column string) string) (numbers []rolled, keys, columns []string) {
	numbers, keys = []rolled{rolledDay}, []string{"''"}
	for _, d := range pageview.Dimensions() {
		number, ok := rolledDimensions[d]
		if !ok {
			continue
		}
		c := column(d)
		if d != pageview.ByPage && d != pageview.ByEntry {
			columns = append(columns, c)
		}
		key := of(c)
		switch d {
		case pageview.ByHour:
			key = "toString(" + key + ")"
		case pageview.BySource:
			key = sourceName(key)
		}
		numbers, keys = append(numbers, number), append(keys, key)
	}
	return numbers, keys, columns
}

// plain adds up pageviews of which no visitor is known, where more holds.
func (f *folder) plain(r *rows, more string) string {
	numbers, keys, columns := keyed(func(c string) string {
		if c == string(pageview.ByEntry) {
			return "''"
		}
		return c
	})
	pairs := make([]string, len(keys))
	for i, key := range keys {
		pairs[i] = fmt.Sprintf("(toUInt32(%d), %s)", numbers[i], key)
	}
	return fmt.Sprintf(`SELECT month, day, pair.1 AS dimension, pair.2 AS key, toInt64(count()) AS pageviews, toInt64(0) AS visits, toInt64(0) AS visitors, toInt64(0) AS stays, toInt64(0) AS seconds
FROM (%s) ARRAY JOIN [%s] AS pair GROUP BY month, day, dimension, key`, r.views(columns, more), strings.Join(pairs, ", "))
}

// persons adds up pageviews of known visitors. A pageview is the first of its
// key in a visit, or of its visitor, or it is not: so visits and visitors are
// sums, and nobody has to be told apart from others again.
func (f *folder) persons(r *rows) string {
	_, _, columns := keyed(func(c string) string { return c })
	tuple := append([]string{"at", "path"}, columns...)
	numbers, keys, _ := keyed(func(c string) string { return fmt.Sprintf("x.%d", 1+slices.Index(tuple, c)) })
	arrays, marked := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		arrays[i] = fmt.Sprintf("arrayMap(x -> %s, views) AS k%d", key, i)
		if numbers[i] == rolledEntry {
			arrays[i] = fmt.Sprintf("entries AS k%d", i)
		}
		marked[i] = fmt.Sprintf("arrayMap((k, v, u) -> (toUInt32(%d), k, v = 1, u = 1), k%d, arrayEnumerateUniq(visits, k%[2]d), arrayEnumerateUniq(k%[2]d))", numbers[i], i)
	}
	return fmt.Sprintf(`SELECT month, day, one.1 AS dimension, one.2 AS key, toInt64(count()) AS pageviews, toInt64(sum(one.3)) AS visits, toInt64(sum(one.4)) AS visitors, toInt64(0) AS stays, toInt64(0) AS seconds
FROM (SELECT month, day, arrayConcat(%s) AS ones FROM (SELECT month, day, visits, %s FROM (%s))) ARRAY JOIN ones AS one GROUP BY month, day, dimension, key`,
		strings.Join(marked, ", "), strings.Join(arrays, ", "), r.gathered(columns))
}

// name names versions in the table days: from now on they are used.
func (f *folder) name(ctx context.Context, found map[dayPart]added) error {
	keys := slices.SortedFunc(maps.Keys(found), func(a, b dayPart) int { return int(a.day - b.day) })
	of := func(value func(added) int64) []int64 {
		return columnOf(keys, func(k dayPart) int64 { return value(found[k]) })
	}
	n := len(keys)
	spools := slices.Sorted(maps.Keys(f.v.blocks))
	return f.s.server.insert(ctx, "", "days", []string{"site", "day", "part", "version", "rows", "rules", "persons", "first", "last", "at", "spools", "blocks", "left_out"},
		same(f.site.name, n), columnOf(keys, func(k dayPart) int32 { return int32(k.day) }), same(uint32(f.part), n), same(f.version, n),
		of(func(a added) int64 { return a.rows }), same(f.site.rules(), n), of(func(a added) int64 { return a.persons }),
		of(func(a added) int64 { return a.first }), of(func(a added) int64 { return a.last }), same(found[keys[0]].at, n),
		same(spools, n), same(columnOf(spools, func(spool uint64) uint64 { return f.v.blocks[spool] }), n),
		columnOf(keys, func(k dayPart) []uint64 {
			return columnOf(found[k].leftOut, func(s pageview.Source) uint64 { return uint64(s) })
		}))
}
