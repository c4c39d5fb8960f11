package server

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

const (
	statsLimit    = 100    // rows, unless the question says otherwise
	maxStatsLimit = 10_000 // and the most it can say
	maxFilters    = 50     // values in all filters
	maxFilter     = 2048   // bytes of a filter

	maxCompared      = 4000 // days that can be compared
	maxComparedHours = 400  // and by the hour
)

// statsQuery is a question over HTTP.
type statsQuery struct {
	report.Question
	csv bool
}

// statsParameters are the parameters there are.
func statsParameters() []string {
	return []string{"metrics", "by", "from", "to", "filter", "compare", "limit", "bots", "format"}
}

// parseStats reads a question. What is wrong with it names the parameter.
func parseStats(r *http.Request, zone *time.Location) (statsQuery, *statsError) {
	q := statsQuery{Question: report.Question{Zone: zone}}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, wrong("", nil, "the query string cannot be read: %v", err)
	}
	for name, of := range values {
		switch {
		case !slices.Contains(statsParameters(), name):
			return q, wrong(name, statsParameters(), "there is no parameter %q", name)
		case name != "filter" && len(of) > 1:
			return q, wrong(name, nil, "%s is given %d times", name, len(of))
		}
	}
	q.csv = wantsCSV(r)
	for _, parse := range []func(url.Values) *statsError{
		q.parseMetrics, q.parseBy, q.parseDays, q.parseFilters, q.parseLimit, q.parseChoices,
	} {
		if wrong := parse(values); wrong != nil {
			return q, wrong
		}
	}
	if err := q.Check(); err != nil { // what is left is metrics that are not known by a dimension
		return q, wrong("metrics", nil, "%v", err)
	}
	return q, nil
}

func wrong(parameter string, allowed []string, format string, args ...any) *statsError {
	return &statsError{http.StatusBadRequest, fmt.Sprintf(format, args...), parameter, allowed}
}

// choice is one of the values that a parameter may have.
func choice[T ~string](parameter, value string, allowed []T) (T, *statsError) {
	if slices.Contains(allowed, T(value)) {
		return T(value), nil
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	return "", wrong(parameter, names, "%s cannot be %q", parameter, value)
}

func (q *statsQuery) parseMetrics(values url.Values) *statsError {
	if !values.Has("metrics") {
		q.Metrics = []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisitors}
		return nil
	}
	for name := range strings.SplitSeq(values.Get("metrics"), ",") {
		m, wrongly := choice("metrics", name, pageview.Metrics())
		if wrongly != nil {
			return wrongly
		}
		if slices.Contains(q.Metrics, m) {
			return wrong("metrics", nil, "metrics has %s twice", m)
		}
		q.Metrics = append(q.Metrics, m)
	}
	return nil
}

func (q *statsQuery) parseBy(values url.Values) *statsError {
	if !values.Has("by") {
		return nil
	}
	for name := range strings.SplitSeq(values.Get("by"), ",") {
		d, wrongly := choice("by", name, pageview.Dimensions())
		if wrongly != nil {
			return wrongly
		}
		if slices.Contains(q.By, d) {
			return wrong("by", nil, "by has %s twice", d)
		}
		q.By = append(q.By, d)
	}
	if len(q.By) > 2 {
		return wrong("by", nil, "by can have two dimensions at most, not %d", len(q.By))
	}
	return nil
}

func (q *statsQuery) parseDays(values url.Values) *statsError {
	for name, day := range map[string]*pageview.Day{"from": &q.From, "to": &q.To} {
		if !values.Has(name) {
			continue
		}
		t, err := time.Parse(time.DateOnly, values.Get(name))
		if err != nil || t.Year() < 1971 {
			return wrong(name, nil, "%s must be a day like 2026-01-31, not %q", name, values.Get(name))
		}
		*day = pageview.DayOf(t)
	}
	if q.From != 0 && q.To != 0 && q.To < q.From {
		return wrong("to", nil, "to, %s, comes before from, %s", q.To, q.From)
	}
	return nil
}

// parseFilters reads DIMENSION:VALUE and DIMENSION:!VALUE. Several values of
// one dimension are alternatives.
func (q *statsQuery) parseFilters(values url.Values) *statsError {
	if n := len(values["filter"]); n > maxFilters {
		return wrong("filter", nil, "there are %d filters, and can be %d at most", n, maxFilters)
	}
	for _, text := range values["filter"] {
		name, value, found := strings.Cut(text, ":")
		switch {
		case len(text) > maxFilter:
			return wrong("filter", nil, "a filter can have %d bytes at most", maxFilter)
		case !found:
			return wrong("filter", nil, "a filter must be like browser:Firefox, not %q", text)
		}
		f := pageview.Filter{}
		var wrongly *statsError
		if f.Dimension, wrongly = choice("filter", name, pageview.Dimensions()); wrongly != nil {
			wrongly.Error = fmt.Sprintf("there is no dimension %q to filter by", name)
			return wrongly
		}
		value, f.Not = strings.CutPrefix(value, "!")
		f.Values = []string{value}
		i := slices.IndexFunc(q.Filters, func(o pageview.Filter) bool { return o.Dimension == f.Dimension && o.Not == f.Not })
		if i >= 0 {
			q.Filters[i].Values = append(q.Filters[i].Values, value)
		} else {
			q.Filters = append(q.Filters, f)
		}
	}
	check := pageview.Query{Filters: q.Filters}
	if err := check.Check(); err != nil {
		return wrong("filter", nil, "%v", err)
	}
	return nil
}

func (q *statsQuery) parseLimit(values url.Values) *statsError {
	q.Limit = statsLimit
	if len(q.By) > 0 && !slices.ContainsFunc(q.By, func(d pageview.Dimension) bool { return !d.Time() }) {
		q.Limit = maxStatsLimit // periods are not a ranking that can be cut
	}
	if !values.Has("limit") {
		return nil
	}
	n, err := strconv.Atoi(values.Get("limit"))
	if err != nil || n < 1 || n > maxStatsLimit {
		return wrong("limit", nil, "limit must be a number from 1 to %d, not %q", maxStatsLimit, values.Get("limit"))
	}
	q.Limit = n
	return nil
}

func (q *statsQuery) parseChoices(values url.Values) (wrongly *statsError) {
	if values.Has("bots") {
		all := []pageview.Bots{pageview.BotsExclude, pageview.BotsInclude, pageview.BotsOnly}
		if q.Bots, wrongly = choice("bots", values.Get("bots"), all); wrongly != nil {
			return wrongly
		}
	}
	if values.Has("format") {
		if _, wrongly = choice("format", values.Get("format"), []string{"json", "csv"}); wrongly != nil {
			return wrongly
		}
	}
	if !values.Has("compare") {
		return nil
	}
	if q.Compare, wrongly = choice("compare", values.Get("compare"), report.Comparisons()); wrongly != nil {
		return wrongly
	}
	most := maxCompared
	if slices.Contains(q.By, pageview.ByHour) {
		most = maxComparedHours
	}
	switch n := int(q.To-q.From) + 1; {
	case q.From == 0 || q.To == 0:
		return wrong("compare", nil, "compare needs from and to")
	case n > most:
		return wrong("compare", nil, "%d days are too many to compare; there can be %d at most", n, most)
	}
	return nil
}

// wantsCSV tells whether the answer is to be CSV: by its name, by the parameter
// format, or because CSV is asked for before JSON.
func wantsCSV(r *http.Request) bool {
	if format := r.URL.Query().Get("format"); format != "" {
		return format == "csv"
	}
	if strings.HasSuffix(r.URL.Path, ".csv") {
		return true
	}
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		switch kind, _, _ := mime.ParseMediaType(accepted); kind {
		case "text/csv":
			return true
		case "application/json", "*/*":
			return false
		}
	}
	return false
}

// statsParametersOf writes a question as parseStats reads it.
func statsParametersOf(q report.Question) url.Values {
	values := url.Values{}
	join := func(name string, of []string) {
		if len(of) > 0 {
			values.Set(name, strings.Join(of, ","))
		}
	}
	join("metrics", texts(q.Metrics))
	join("by", texts(q.By))
	for name, day := range map[string]pageview.Day{"from": q.From, "to": q.To} {
		if day != 0 {
			values.Set(name, day.String())
		}
	}
	for _, f := range q.Filters {
		for _, value := range f.Values {
			if f.Not {
				value = "!" + value
			}
			values.Add("filter", string(f.Dimension)+":"+value)
		}
	}
	if q.Compare != "" {
		values.Set("compare", string(q.Compare))
	}
	if q.Limit > 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	return values
}

func texts[T ~string](of []T) []string {
	all := make([]string, len(of))
	for i, v := range of {
		all[i] = string(v)
	}
	return all
}
