package clickhouse

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// rolled is the number of a dimension in the table rollups.
type rolled uint32

// The dimensions that are added up. The numbers are stored: append, never
// reorder.
const (
	rolledDay  rolled = iota // all pageviews of the day, under an empty key
	rolledPage               // has stays, as the day has
	rolledHour               // its key is when the hour began, in seconds since 1970
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

	// counts is the part of a day that holds all of the above.
	counts rolled = 0
	// rolledScore and a number of hours is what pages score on a day by that
	// half-life, and a part of a day. In place of pageviews it adds up weights.
	rolledScore rolled = 1000
)

var rolledDimensions = map[pageview.Dimension]rolled{
	pageview.ByPage: rolledPage, pageview.ByHour: rolledHour, pageview.ByEntry: rolledEntry,
	pageview.ByReferrer: rolledReferrer, pageview.ByReferrerPage: rolledReferrerPage,
	pageview.ByCampaign: rolledCampaign, pageview.ByCampaignSource: rolledCampaignSource, pageview.ByCampaignMedium: rolledCampaignMedium,
	pageview.ByBrowser: rolledBrowser, pageview.BySystem: rolledSystem, pageview.ByDevice: rolledDevice,
	pageview.ByCountry: rolledCountry, pageview.ByLanguage: rolledLanguage, pageview.BySource: rolledSource,
}

// String is the dimension's name.
func (r rolled) String() string {
	switch {
	case r == rolledDay:
		return "day"
	case r >= rolledScore:
		return fmt.Sprintf("score %s", strings.TrimSuffix((time.Duration(r-rolledScore)*time.Hour).String(), "0m0s"))
	}
	for d, number := range rolledDimensions {
		if number == r {
			return string(d)
		}
	}
	return fmt.Sprint(uint32(r))
}

// column is where the value of a dimension is in the rows that are counted.
func column(d pageview.Dimension) string {
	switch d {
	case pageview.ByPage:
		return "path"
	case pageview.ByBot:
		return "verdict"
	}
	return string(d)
}

// value is the value of a dimension in the rows that are counted: a number of an
// hour, else a text.
func value(d pageview.Dimension) string {
	if d == pageview.BySource {
		return sourceName("source")
	}
	return column(d)
}

// finer is how much finer a weight is than a billionth.
const finer = "100"

// weightOf is 2^(distance/half-life), both in microseconds, as a whole number:
// in hundredths of a billionth, of which a day of a page holds 30 million
// pageviews' worth in 64 bits.
func weightOf(distance, halfLife string) string {
	return fmt.Sprintf("toInt64(round(1e9 * %s * pow(2, (%s) / %s)))", finer, distance, halfLife)
}

// dayMicros is a day in microseconds.
const dayMicros = int64(24 * time.Hour / time.Microsecond)

// ofDay tells whether the value of a dimension follows from the day.
func ofDay(d pageview.Dimension) bool { return d.Time() && d != pageview.ByHour }

// rollup tells which dimension holds the answer to a query, if any does. What
// differs in rows, and what is filtered by, can be one dimension beside the
// days.
func rollup(q *pageview.Query) (rolled, bool) {
	if q.Raw || q.Bots != "" && q.Bots != pageview.BotsExclude {
		return 0, false
	}
	inner := slices.DeleteFunc(slices.Clone(q.By), ofDay)
	for _, f := range q.Filters {
		switch {
		case ofDay(f.Dimension):
		case !additive(q, f):
			return 0, false
		case !slices.Contains(inner, f.Dimension):
			inner = append(inner, f.Dimension)
		}
	}
	if len(inner) == 0 {
		return rolledDay, true
	}
	d, ok := rolledDimensions[inner[0]]
	return d, ok && len(inner) == 1
}

// additive tells whether what a filter leaves can be added up: pageviews of
// several values can, but a visitor of two of them is one.
func additive(q *pageview.Query, f pageview.Filter) bool {
	if !slices.Contains(q.Metrics, pageview.MetricVisits) && !slices.Contains(q.Metrics, pageview.MetricVisitors) {
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
