package duckdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/pageview"
)

// rolled is the number of a dimension in the table rollups.
type rolled uint32

// The dimensions that are added up. The numbers are stored: append, never
// reorder.
const (
	rolledDay rolled = iota // all pageviews of the day, under the key 0
	rolledPage
	rolledHour // its key is when the hour began, in seconds since 1970
	rolledEntry
	rolledReferrer
	rolledReferrerPage
	rolledCampaign
	rolledCampaignSource
	rolledCampaignMedium
	rolledBrowser
	rolledSystem
	rolledDevice
	rolledCountry
	rolledLanguage
	rolledSource
	rolledBot

	rolledBase int = iota // how many there are

	// rolledScore and a number of hours is what pages score on a day by that
	// half-life. In place of pageviews it adds up weights; see ranker.factor.
	rolledScore rolled = 1000
)

// Whose pageviews are added up: a kind times rolledKind is part of the number of a
// dimension that is no score. What persons and bots have together is the sum of all
// three.
const (
	persons rolled = iota
	bots
	mixed // what visitors of both kinds have together beyond the sum of what they have as either
	kinds

	rolledKind rolled = 100
)

// kind is whose pageviews a dimension adds up.
func (r rolled) kind() rolled {
	if r >= rolledScore {
		return persons
	}
	return r / rolledKind
}

// base is the dimension without its kind.
func (r rolled) base() rolled {
	if r >= rolledScore {
		return r
	}
	return r % rolledKind
}

// kindsOf are the kinds that a query adds up.
func kindsOf(b pageview.Bots) []rolled {
	switch b {
	case pageview.BotsOnly:
		return []rolled{bots}
	case pageview.BotsInclude:
		return []rolled{persons, bots, mixed}
	}
	return []rolled{persons}
}

// of is a dimension of each of some kinds.
func (r rolled) of(kinds []rolled) []rolled {
	var all []rolled
	for _, k := range kinds {
		all = append(all, k*rolledKind+r)
	}
	return all
}

var rolledDimensions = map[pageview.Dimension]rolled{
	pageview.ByPage: rolledPage, pageview.ByHour: rolledHour, pageview.ByEntry: rolledEntry,
	pageview.ByReferrer: rolledReferrer, pageview.ByReferrerPage: rolledReferrerPage,
	pageview.ByCampaign: rolledCampaign, pageview.ByCampaignSource: rolledCampaignSource, pageview.ByCampaignMedium: rolledCampaignMedium,
	pageview.ByBrowser: rolledBrowser, pageview.BySystem: rolledSystem, pageview.ByDevice: rolledDevice,
	pageview.ByCountry: rolledCountry, pageview.ByLanguage: rolledLanguage, pageview.BySource: rolledSource, pageview.ByBot: rolledBot,
}

// key is what the table rollups has as the key of a pageview.
func (r rolled) key() string {
	switch {
	case r.base() == rolledDay:
		return "0"
	case r >= rolledScore:
		return "page"
	}
	for d, number := range rolledDimensions {
		if number == r.base() {
			return column(d)
		}
	}
	panic(fmt.Sprintf("dimension %d is not added up", r))
}

// weight is what a pageview adds to a score on its day.
func (r rolled) weight() string {
	return weightOf(`epoch_us("at") - epoch_us("day"::TIMESTAMP)`, fmt.Sprint(int64(r-rolledScore)*3600e6))
}

// weightOf is 2^(distance/half-life), both in microseconds, as a whole number:
// in hundredths of a billionth, of which a day of a page holds 30 million
// pageviews' worth in 64 bits.
func weightOf(distance, halfLife string) string {
	return fmt.Sprintf("CAST(round(1e9 * %d * pow(2, (%s) / %s)) AS BIGINT)", finer, distance, halfLife)
}

// finer is how much finer a weight is than a billionth.
const finer = 100

// rollup tells which dimensions hold the answer to a query, the day's first, and
// without their kinds: none where raw rows must be asked. What differs in rows, and what is filtered
// by, can be one dimension beside the days.
func rollup(q *pageview.Query) []rolled {
	if q.Raw {
		return nil
	}
	var inner []pageview.Dimension
	for _, d := range q.By {
		if !ofDay(d) {
			inner = append(inner, d)
		}
	}
	for _, f := range q.Filters {
		switch {
		case ofDay(f.Dimension):
		case !additive(q, f):
			return nil
		case !slices.Contains(inner, f.Dimension):
			inner = append(inner, f.Dimension)
		}
	}
	switch len(inner) {
	case 0:
		return []rolled{rolledDay}
	case 1:
		if number, ok := rolledDimensions[inner[0]]; ok {
			return []rolled{rolledDay, number}
		}
	}
	return nil
}

// additive tells whether what a filter leaves can be added up: pageviews of
// several values can, but a visitor of two of them is one.
func additive(q *pageview.Query, f pageview.Filter) bool {
	if !slices.ContainsFunc(q.Metrics, func(m pageview.Metric) bool { return m == pageview.MetricVisits || m == pageview.MetricVisitors }) {
		return true
	}
	one := 0
	for _, other := range q.Filters {
		if other.Dimension == f.Dimension {
			one++
		}
	}
	return one == 1 && !f.Not && len(f.Values) == 1 && !strings.Contains(f.Values[0], "*")
}

// rollupRows begins a WITH that holds daily and totals, as rawRows does, from
// what is added up.
func (b *builder) rollupRows(dims []rolled) string {
	d := dims[len(dims)-1]
	key := "key"
	for of, number := range rolledDimensions {
		if number == d {
			key = string(of)
		}
	}
	b.added, b.hour = true, `"hour"`
	columns := "pageviews, " + b.wanted(pageview.MetricVisits) + ", " + b.wanted(pageview.MetricVisitors)
	const from = `(SELECT "day", key AS "%s", pageviews, visits, visitors FROM rollups WHERE site = %s AND dimension IN (%s) AND %s) WHERE %s`
	kinds := kindsOf(b.q.Bots)
	rows := fmt.Sprintf(from, key, b.site, numbers(d.of(kinds)), b.days(), b.filters())
	totals := rows
	if !slices.ContainsFunc(b.q.Filters, func(f pageview.Filter) bool { return !ofDay(f.Dimension) }) {
		totals = fmt.Sprintf(from, "key", b.site, numbers(rolledDay.of(kinds)), b.days(), b.filters())
	}
	return fmt.Sprintf("WITH daily AS (SELECT \"day\", \"%s\" AS k1, %s FROM %s), totals AS (SELECT %s FROM %s)", key, columns, rows, columns, totals)
}

// wanted is the column of a metric; zero where it is not asked for.
func (b *builder) wanted(m pageview.Metric) string {
	if b.wants(m) {
		return string(m)
	}
	return "0 AS " + string(m)
}

// errMoved is returned by held where the dimensions asked for are not added up
// to the same pageview, or beyond what was asked for.
var errMoved = errors.New("the rollups were moved on")

// held runs f while no rollup of the site's dimensions moves, and tells up to
// which sequence number they hold.
func (s *Store) held(site uint16, dims []rolled, most uint64, f func(through uint64) error) error {
	s.marks.RLock()
	defer s.marks.RUnlock()
	through := s.marks.of[markKey{site, dims[0]}].seq
	for _, d := range dims {
		if s.marks.of[markKey{site, d}].seq != through {
			return errMoved
		}
	}
	if most != 0 && through > most {
		return errMoved
	}
	return f(through)
}

// fromRollup answers from what is added up, after adding up what is new.
func (s *Store) fromRollup(ctx context.Context, q pageview.Query, dims []rolled) (a pageview.Answer, err error) {
	db, v, err := s.reader(ctx)
	if err != nil {
		return a, err
	}
	if q.Through != 0 && q.Through < v.through {
		return a, errMoved
	}
	var all []rolled
	for _, d := range dims {
		all = append(all, d.of(kindsOf(q.Bots))...)
	}
	if err := s.fold(ctx, q.Site, all); err != nil {
		return a, fmt.Errorf("add up what is new of %s: %w", q.Site, err)
	}
	err = s.held(v.sites[q.Site].id, all, q.Through, func(through uint64) error {
		q.Through = through
		b := newBuilder(&q, v)
		b.texts = s.view.Load() // of all that is added up
		var sums []*mirrored
		if b.mirrors() {
			sums, err = s.mirror.sums(ctx, db, v.sites[q.Site].id, all, cmp.Or(q.From, pageview.FirstDay))
		}
		switch {
		case err != nil:
			return err
		case sums != nil:
			kinds := len(sums) / len(dims)
			a = b.addUp(sums[:kinds], sums[len(sums)-kinds:], b.texts)
		default:
			if err = s.written(db, v.sites[q.Site].id); err == nil {
				a, err = b.ask(ctx, db, b.rollupRows(dims))
			}
		}
		a.Through, a.Rollup = through, true
		return err
	})
	return a, err
}
