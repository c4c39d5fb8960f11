package duckdb

import (
	"cmp"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// tally adds up pageviews that come visitor by visitor of a day, day by day. No
// number of a day tells of two visitors together, so it holds the pageviews of one
// of them at a time, beside the sums.
type tally struct {
	paths []string // of pages, by number
	of    [kinds][]*sums
	score []*sums

	day     pageview.Day
	visitor uint64
	rows    []foldRow // of that visitor on that day

	// Room to use again.
	some  [kinds][]*foldRow
	pairs []keyVisit
}

// foldRow is a pageview, as the folder reads it.
type foldRow struct {
	at        int64 // in microseconds since 1970
	now, then bool  // whether it counts after what is new has come, and whether it did before
	bot       bool
	keys      [rolledBase]uint64
	visit     int32
}

// sums are what pageviews add up to by the values of a dimension.
type sums struct {
	dimension rolled
	base      rolled // without the kind
	rows      []sumRow
	today     int // where those of the day begin

	// Where the row of a value is on this day, counted from 1: of small keys, and of others.
	near []int32
	far  map[uint64]int32
}

// nearKeys is how many keys are small: pages and names mostly are, hours never.
const nearKeys = 1 << 16

// sumRow is a row of the table rollups, without its site and dimension.
type sumRow struct {
	day                         pageview.Day
	key                         uint64
	pageviews, visits, visitors int64
}

// keyVisit is the value of one dimension in one pageview.
type keyVisit struct {
	key   uint64
	visit int32
}

func newTally(dims []rolled, paths []string) *tally {
	t := &tally{paths: paths}
	for _, d := range dims {
		s := &sums{dimension: d, base: d.base(), far: map[uint64]int32{}}
		if d >= rolledScore {
			t.score = append(t.score, s)
		} else {
			t.of[d.kind()] = append(t.of[d.kind()], s)
		}
	}
	return t
}

// add adds to the sums of a value.
func (s *sums) add(day pageview.Day, key uint64, pageviews, visits, visitors int64) {
	i := s.place(key)
	if i == 0 {
		s.rows = append(s.rows, sumRow{day: day, key: key})
		i = int32(len(s.rows))
		if key < nearKeys {
			s.near[key] = i
		} else {
			s.far[key] = i
		}
	}
	r := &s.rows[i-1]
	r.pageviews += pageviews
	r.visits += visits
	r.visitors += visitors
}

// place is where the row of a value is, from 1; 0 where there is none.
func (s *sums) place(key uint64) int32 {
	if key >= nearKeys {
		return s.far[key]
	}
	if missing := int(key) + 1 - len(s.near); missing > 0 {
		s.near = append(s.near, make([]int32, missing)...)
	}
	return s.near[key]
}

// endDay is called when the pageviews of a day were taken in.
func (s *sums) endDay() {
	for _, r := range s.rows[s.today:] {
		if r.key < nearKeys {
			s.near[r.key] = 0
		}
	}
	clear(s.far)
	s.today = len(s.rows)
}

// all are the sums of every dimension, in the order of their numbers.
func (t *tally) all() []*sums {
	all := slices.Concat(t.of[0], t.of[1], t.of[2], t.score)
	slices.SortFunc(all, func(a, b *sums) int { return cmp.Compare(a.dimension, b.dimension) })
	return all
}

// size is how many sums are held.
func (t *tally) size() (n int) {
	for _, s := range t.all() {
		n += len(s.rows)
	}
	return n
}

// forget forgets the sums.
func (t *tally) forget() {
	for _, s := range t.all() {
		s.endDay()
		s.rows, s.today = s.rows[:0], 0
	}
}

// take takes the next pageview in. Weights are what it adds to each score.
func (t *tally) take(day pageview.Day, visitor uint64, r *foldRow, weights []int64) {
	if day != t.day || visitor != t.visitor {
		t.end()
		if day != t.day {
			for _, s := range t.all() {
				s.endDay()
			}
		}
		t.day, t.visitor = day, visitor
	}
	if sign := r.sign(); sign != 0 && !r.bot {
		for i, s := range t.score {
			s.add(day, r.keys[rolledPage], sign*weights[i], 0, 0)
		}
	}
	if visitor == 0 {
		t.unknown(r)
	} else {
		t.rows = append(t.rows, *r)
	}
}

// sign is what a pageview adds to pageviews.
func (r *foldRow) sign() (n int64) {
	if r.now {
		n++
	}
	if r.then {
		n--
	}
	return n
}

// unknown counts a pageview whose visitor is not known: it is of no visit.
func (t *tally) unknown(r *foldRow) {
	kind := persons
	if r.bot {
		kind = bots
	}
	if sign := r.sign(); sign != 0 {
		for _, s := range t.of[kind] {
			s.add(t.day, r.keys[s.base], sign, 0, 0)
		}
	}
}

// end counts the visitor whose pageviews were taken in.
func (t *tally) end() {
	if len(t.rows) == 0 {
		return
	}
	slices.SortFunc(t.rows, func(a, b foldRow) int { return inOrder(&a, &b, t.paths) })
	t.count(1, func(r *foldRow) bool { return r.now })
	t.count(-1, func(r *foldRow) bool { return r.then })
	t.rows = t.rows[:0]
}

// inOrder is the order of a visitor's pageviews: at the same time by path, since
// neither page nor sequence number is the same in every order of arrival.
func inOrder(x, y *foldRow, paths []string) int {
	if c := cmp.Compare(x.at, y.at); c != 0 {
		return c
	}
	return strings.Compare(paths[x.keys[rolledPage]], paths[y.keys[rolledPage]])
}

// count counts, with a sign, those of the visitor's pageviews that count.
func (t *tally) count(sign int64, counts func(*foldRow) bool) {
	for k := range t.some {
		t.some[k] = t.some[k][:0]
	}
	for i := range t.rows {
		r := &t.rows[i]
		switch {
		case !counts(r):
			continue
		case r.bot:
			t.some[bots] = append(t.some[bots], r)
		default:
			t.some[persons] = append(t.some[persons], r)
		}
		t.some[mixed] = append(t.some[mixed], r)
	}
	t.add(persons, t.some[persons], sign)
	t.add(bots, t.some[bots], sign)
	// Who is of one kind is the same visitor with the other left out or not.
	if len(t.of[mixed]) > 0 && len(t.some[persons]) > 0 && len(t.some[bots]) > 0 {
		t.add(mixed, t.some[persons], -sign)
		t.add(mixed, t.some[bots], -sign)
		t.add(mixed, t.some[mixed], sign)
	}
}

// add adds pageviews of the visitor, which are in order, to the sums of a kind.
func (t *tally) add(kind rolled, rows []*foldRow, sign int64) {
	if len(rows) == 0 || len(t.of[kind]) == 0 {
		return
	}
	visits := visit(rows)
	for _, s := range t.of[kind] {
		if key := rows[0].keys[s.base]; !slices.ContainsFunc(rows[1:], func(r *foldRow) bool { return r.keys[s.base] != key }) {
			s.add(t.day, key, sign*int64(len(rows)), sign*visits, sign)
			continue
		}
		t.each(s, rows, sign)
	}
}

// visit tells of each pageview in which visit it was, and where that began. It
// returns how many visits there are.
func visit(rows []*foldRow) (visits int64) {
	for i, r := range rows {
		if i == 0 || r.at-rows[i-1].at >= pageview.VisitGap.Microseconds() {
			visits++
			r.keys[rolledEntry] = r.keys[rolledPage]
		} else {
			r.keys[rolledEntry] = rows[i-1].keys[rolledEntry]
		}
		r.visit = int32(visits)
	}
	return visits
}

// each adds pageviews that have several values of a dimension.
func (t *tally) each(s *sums, rows []*foldRow, sign int64) {
	t.pairs = t.pairs[:0]
	for _, r := range rows {
		t.pairs = append(t.pairs, keyVisit{r.keys[s.base], r.visit})
	}
	slices.SortFunc(t.pairs, func(a, b keyVisit) int {
		if c := cmp.Compare(a.key, b.key); c != 0 {
			return c
		}
		return cmp.Compare(a.visit, b.visit)
	})
	for at := 0; at < len(t.pairs); {
		key, first, visits := t.pairs[at].key, at, int64(0)
		for ; at < len(t.pairs) && t.pairs[at].key == key; at++ {
			if at == first || t.pairs[at].visit != t.pairs[at-1].visit {
				visits++
			}
		}
		s.add(t.day, key, sign*int64(at-first), sign*visits, sign)
	}
}
