package pageview

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Query asks a store for numbers. What a number means:
//
//   - pageviews is how many pageviews a row holds.
//   - visitors is how many different visitors of a local day it holds, summed
//     over the days: one who comes on two days is two. Pageviews without a
//     visitor add none.
//   - visits is how many visits have a pageview in the row. A visit is the
//     pageviews of one visitor on one local day with less than VisitGap
//     between one and the next. It is derived from all of the visitor's
//     pageviews that Bots takes in, whatever Filters leaves of them, sorted by
//     time and, at the same time, by path.
//
// Only pageviews of sources that count on their day are counted; see
// Precedence.
type Query struct {
	Site     string
	From, To Day         // first and last local day, both inclusive; zero means no bound
	By       []Dimension // what rows differ in: none, one or two
	Filters  []Filter    // all of them must hold
	Bots     Bots        // empty means BotsExclude
	Metrics  []Metric    // what to count; none means pageviews
	Limit    int         // rows at most; the others are added up in Other; zero means no limit
	Through  uint64      // count pageviews up to this sequence number; zero means all
	Raw      bool        // count raw rows, even where the answer is added up
}

// VisitGap is how long a visitor is quiet before another visit begins.
const VisitGap = 30 * time.Minute

// Dimension is what pageviews can be told apart by. Its values are text; empty
// means not known.
type Dimension string

// The dimensions. Those of time come first.
const (
	ByHour  Dimension = "hour"  // when the local hour began, as RFC 3339 with the offset of the site's zone; see HourOf
	ByDay   Dimension = "day"   // local day, such as "2026-01-31"
	ByWeek  Dimension = "week"  // its Monday, such as "2026-01-26"
	ByMonth Dimension = "month" // such as "2026-01"
	ByYear  Dimension = "year"  // such as "2026"

	ByPage           Dimension = "page"  // path
	ByEntry          Dimension = "entry" // path of the first page of the visit
	ByReferrer       Dimension = "referrer"
	ByReferrerPage   Dimension = "referrer_page"
	ByCampaign       Dimension = "campaign" // its name
	ByCampaignSource Dimension = "campaign_source"
	ByCampaignMedium Dimension = "campaign_medium"
	ByBrowser        Dimension = "browser"
	BySystem         Dimension = "system"
	ByDevice         Dimension = "device"
	ByCountry        Dimension = "country"
	ByLanguage       Dimension = "language"
	ByBot            Dimension = "bot"    // why a pageview is not a person's
	BySource         Dimension = "source" // the way it came in, such as "log"
)

// Dimensions lists all of them.
func Dimensions() []Dimension {
	return []Dimension{
		ByHour, ByDay, ByWeek, ByMonth, ByYear,
		ByPage, ByEntry, ByReferrer, ByReferrerPage, ByCampaign, ByCampaignSource, ByCampaignMedium,
		ByBrowser, BySystem, ByDevice, ByCountry, ByLanguage, ByBot, BySource,
	}
}

// Time tells whether the dimension is one of time.
func (d Dimension) Time() bool {
	switch d {
	case ByHour, ByDay, ByWeek, ByMonth, ByYear:
		return true
	}
	return false
}

// Label is the value that a day has in a dimension of time other than the hour.
func (d Dimension) Label(day Day) string {
	switch d {
	case ByWeek:
		return day.Week().String()
	case ByMonth:
		return day.String()[:len("2006-01")]
	case ByYear:
		return day.String()[:len("2006")]
	}
	return day.String()
}

// Days is the first and the last day of a value of a dimension of time other
// than the hour.
func (d Dimension) Days(label string) (first, last Day, err error) {
	layout := map[Dimension]string{ByMonth: "2006-01", ByYear: "2006"}[d]
	if layout == "" {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, label)
	if err != nil {
		return 0, 0, fmt.Errorf("%s %q: must be like %s", d, label, layout)
	}
	first = DayOf(t)
	switch d {
	case ByWeek:
		first = first.Week()
		last = first + 6
	case ByMonth:
		last = first.AddMonths(1) - 1
	case ByYear:
		last = first.AddMonths(12) - 1
	default:
		last = first
	}
	return first, last, nil
}

// Filter leaves the pageviews whose dimension has one of the values, or, with
// Not, those whose has none of them.
//
// A * in a value stands for any text, which may be empty; a dimension of time
// takes whole values only.
type Filter struct {
	Dimension Dimension
	Not       bool
	Values    []string
}

// Bots says what becomes of pageviews that are not a person's.
type Bots string

// What becomes of bots.
const (
	BotsExclude Bots = "exclude" // they are left out
	BotsInclude Bots = "include" // they count like a person's
	BotsOnly    Bots = "only"    // nothing else counts
)

// Metric is what is counted.
type Metric string

// The metrics. The last two are known by page and by day, week, month and year
// only, and only of pages whose script told how long they were in sight.
const (
	MetricPageviews  Metric = "pageviews"
	MetricVisits     Metric = "visits"
	MetricVisitors   Metric = "visitors"
	MetricTimeOnPage Metric = "time_on_page" // mean of the stays, in seconds
	MetricTimed      Metric = "timed"        // stays: pageviews whose time is known
)

// Metrics lists all of them.
func Metrics() []Metric {
	return []Metric{MetricPageviews, MetricVisits, MetricVisitors, MetricTimeOnPage, MetricTimed}
}

// Timed tells whether a metric is of stays.
func (m Metric) Timed() bool { return m == MetricTimeOnPage || m == MetricTimed }

// Timed tells whether the query asks for a metric of stays.
func (q *Query) Timed() bool { return slices.ContainsFunc(q.Metrics, Metric.Timed) }

// Check tells what is wrong with a query.
func (q *Query) Check() error {
	var errs []error
	if len(q.By) > 2 || len(q.By) == 2 && q.By[0] == q.By[1] {
		errs = append(errs, errors.New("rows differ in at most two dimensions, which are not the same"))
	}
	for _, d := range q.By {
		errs = append(errs, check("dimension", d, Dimensions()))
	}
	for _, f := range q.Filters {
		errs = append(errs, f.check())
	}
	for i, m := range q.Metrics {
		errs = append(errs, check("metric", m, Metrics()))
		if slices.Contains(q.Metrics[:i], m) {
			errs = append(errs, fmt.Errorf("metric %s is asked for twice", m))
		}
	}
	if q.Timed() {
		errs = append(errs, q.checkTimed())
	}
	if q.Bots != "" {
		errs = append(errs, check("bots", q.Bots, []Bots{BotsExclude, BotsInclude, BotsOnly}))
	}
	if q.Limit < 0 {
		errs = append(errs, errors.New("the limit must not be less than zero"))
	}
	if q.From != 0 && q.To != 0 && q.To < q.From {
		errs = append(errs, fmt.Errorf("the last day, %s, comes before the first, %s", q.To, q.From))
	}
	return errors.Join(errs...)
}

// checkTimed tells what stays are not known by.
func (q *Query) checkTimed() error {
	dimensions := slices.Clone(q.By)
	for _, f := range q.Filters {
		dimensions = append(dimensions, f.Dimension)
	}
	for _, d := range dimensions {
		if d != ByPage && (!d.Time() || d == ByHour) {
			return fmt.Errorf("the time on a page is not known by %s: only by page, day, week, month and year", d)
		}
	}
	return nil
}

func (f *Filter) check() error {
	if err := check("dimension", f.Dimension, Dimensions()); err != nil {
		return err
	}
	if len(f.Values) == 0 {
		return fmt.Errorf("the filter on %s has no value", f.Dimension)
	}
	for _, v := range f.Values {
		if !utf8.ValidString(v) {
			return fmt.Errorf("the filter on %s: the value %q is not UTF-8", f.Dimension, v)
		}
		if !f.Dimension.Time() {
			continue
		}
		var err error
		if f.Dimension == ByHour {
			_, err = time.Parse(time.RFC3339, v)
		} else {
			_, _, err = f.Dimension.Days(v)
		}
		if err != nil {
			return fmt.Errorf("the filter on %s: %w", f.Dimension, err)
		}
	}
	return nil
}

func check[T ~string](what string, v T, allowed []T) error {
	if slices.Contains(allowed, v) {
		return nil
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	return fmt.Errorf("unknown %s %q: must be one of %s", what, v, strings.Join(names, ", "))
}

// Answer is what a store says to a Query.
//
// Rows are ordered by their dimensions of time, ascending, then by the first
// metric, descending, then by their other keys, ascending byte by byte. Rows
// without a pageview are not there.
type Answer struct {
	Rows    []Row
	Total   Values // of all that was counted, each visit and each visitor once
	Other   Values // sum over the rows beyond the limit: a visitor of two of them is two
	Beyond  int    // how many rows Other adds up
	Through uint64 // sequence number up to which every pageview is counted
	Rollup  bool   // it comes from what was added up beforehand, not from raw rows

	Uncounted []Uncounted // what is in no number, since another source counts; in the order of the sources
}

// Uncounted is a source that tells of days asked for on which it does not
// count; see Precedence.
type Uncounted struct {
	Source      Source
	First, Last Day // of these days
	Days        int // how many they are, at least one
}

// Row is one row of an answer.
type Row struct {
	Keys []string // a value for each dimension asked for
	Values
}

// Values holds the metrics. Those that were not asked for are zero.
type Values struct {
	Pageviews int64
	Visits    int64
	Visitors  int64
	Timed     int64 // stays, also where MetricTimeOnPage alone was asked for
	Seconds   int64 // sum of the stays
}

// Known tells whether there is a value of a metric: there is no mean of no stays.
func (v Values) Known(m Metric) bool { return m != MetricTimeOnPage || v.Timed > 0 }

// Of is the value of a metric: of the time on a page the mean, rounded to the
// second, and zero where it is not known.
func (v Values) Of(m Metric) int64 {
	switch m {
	case MetricVisits:
		return v.Visits
	case MetricVisitors:
		return v.Visitors
	case MetricTimed:
		return v.Timed
	case MetricTimeOnPage:
		if v.Timed == 0 {
			return 0
		}
		return (2*v.Seconds + v.Timed) / (2 * v.Timed)
	}
	return v.Pageviews
}
