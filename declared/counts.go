package declared

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/internal/yamlfile"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/snapshot"
)

// Counts is what a report on the site's own pageviews asks.
type Counts struct {
	By      []Dimension   `yaml:"by" help:"makes it a report on the site's own pageviews: one dimension or two of hour, day, week, month, year, page, entry, referrer, referrer_page, campaign, campaign_source, campaign_medium, browser, system, device, country, language, bot, source"`
	Period  report.Period `yaml:"period" help:"which days of the site's are counted: all, today, yesterday, this week, last week, last 30 days and the like; last 30 days unless given"`
	Metrics []Metric      `yaml:"metrics" help:"what is counted, of pageviews, visits and visitors, and by page or day time_on_page and timed; rows are ordered by the first; pageviews and visitors unless given"`
	Filter  []Filter      `yaml:"filter" help:"which pageviews are counted, such as device:mobile, page:/posts/* or browser:!Firefox; values of one dimension are alternatives"`
	Compare Comparison    `yaml:"compare" help:"what the numbers are compared with: previous, the period before, or year, the same days a year before; nothing unless given"`
	Limit   int           `yaml:"limit" help:"how many rows; the others are added up. Where one of two dimensions is of time, how many values of the other; 20 unless given, 10 over time"`
	Bots    Bots          `yaml:"bots" help:"what becomes of bots: exclude, include or only; exclude unless given"`
}

// The values of keys.
type (
	// Dimension is the name of a dimension.
	Dimension pageview.Dimension
	// Metric is the name of a metric.
	Metric pageview.Metric
	// Comparison is the name of a comparison.
	Comparison report.Comparison
	// Bots says what becomes of bots.
	Bots pageview.Bots
	// Filter is a filter written as DIMENSION:VALUE or DIMENSION:!VALUE.
	Filter pageview.Filter
)

// oneOf reads one of the values that are allowed.
func oneOf[T ~string](what string, text []byte, allowed []T) (T, error) {
	if slices.Contains(allowed, T(text)) {
		return T(text), nil
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	return "", fmt.Errorf("unknown %s %q: allowed are %s", what, text, strings.Join(names, ", "))
}

// UnmarshalText refuses what is no dimension.
func (d *Dimension) UnmarshalText(text []byte) error {
	v, err := oneOf("dimension", text, pageview.Dimensions())
	*d = Dimension(v)
	return err
}

// UnmarshalText refuses what is no metric.
func (m *Metric) UnmarshalText(text []byte) error {
	v, err := oneOf("metric", text, pageview.Metrics())
	*m = Metric(v)
	return err
}

// UnmarshalText refuses what is no comparison.
func (c *Comparison) UnmarshalText(text []byte) error {
	v, err := oneOf("comparison", text, report.Comparisons())
	*c = Comparison(v)
	return err
}

// UnmarshalText refuses what cannot become of bots.
func (b *Bots) UnmarshalText(text []byte) error {
	v, err := oneOf("choice", text, []pageview.Bots{pageview.BotsExclude, pageview.BotsInclude, pageview.BotsOnly})
	*b = Bots(v)
	return err
}

// UnmarshalText reads a filter.
func (f *Filter) UnmarshalText(text []byte) error {
	name, value, found := strings.Cut(string(text), ":")
	if !found {
		return fmt.Errorf("%q is no filter: write it like device:mobile, page:/posts/* or browser:!Firefox", text)
	}
	d, err := oneOf("dimension", []byte(name), pageview.Dimensions())
	if err != nil {
		return err
	}
	value, not := strings.CutPrefix(value, "!")
	*f = Filter{Dimension: d, Not: not, Values: []string{value}}
	one := pageview.Query{Filters: []pageview.Filter{pageview.Filter(*f)}}
	return one.Check()
}

const (
	countsRows = 20 // unless the report says otherwise
	countsTop  = 10
	maxCounts  = 10_000
)

func (c *Counts) check() error {
	q := c.question(0)
	switch err := q.Check(); {
	case err != nil && len(c.By) > 2:
		return yamlfile.At("by", err)
	case err != nil:
		return err
	case c.Limit < 0 || c.Limit > maxCounts:
		return yamlfile.At("limit", fmt.Errorf("%d: allowed are 1 to %d", c.Limit, maxCounts))
	case c.Compare != "" && c.period().All():
		return yamlfile.At("compare", errors.New("all the time there was cannot be compared: give a period"))
	}
	return nil
}

// given is a key that is given besides by; empty means none.
func (c *Counts) given() string {
	for key, is := range map[string]bool{
		"period": c.Period.Given(), "metrics": len(c.Metrics) > 0, "filter": len(c.Filter) > 0,
		"compare": c.Compare != "", "limit": c.Limit != 0, "bots": c.Bots != "",
	} {
		if is {
			return key
		}
	}
	return ""
}

// period is the one that is counted.
func (c *Counts) period() report.Period {
	if c.Period.Given() {
		return c.Period
	}
	p, err := report.ParsePeriod("last 30 days")
	if err != nil {
		panic(err) // it is a period
	}
	return p
}

// question is what is asked on a day.
func (c *Counts) question(today pageview.Day) report.Question {
	q := report.Question{Compare: report.Comparison(c.Compare)}
	for _, d := range c.By {
		q.By = append(q.By, pageview.Dimension(d))
	}
	for _, m := range c.Metrics {
		q.Metrics = append(q.Metrics, pageview.Metric(m))
	}
	if len(c.Metrics) == 0 {
		q.Metrics = []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisitors}
	}
	for _, f := range c.Filter {
		at := slices.IndexFunc(q.Filters, func(o pageview.Filter) bool { return o.Dimension == f.Dimension && o.Not == f.Not })
		if at < 0 {
			q.Filters = append(q.Filters, pageview.Filter{Dimension: f.Dimension, Not: f.Not, Values: slices.Clone(f.Values)})
		} else {
			q.Filters[at].Values = append(q.Filters[at].Values, f.Values...)
		}
	}
	q.Bots = pageview.Bots(c.Bots)
	times := 0
	for _, d := range q.By {
		if d.Time() {
			times++
		}
	}
	switch {
	case times == 0:
		q.Limit = cmp.Or(c.Limit, countsRows)
	case times == 1 && len(q.By) == 2:
		q.Top = cmp.Or(c.Limit, countsTop)
	case c.Limit > 0:
		q.Limit = c.Limit
	}
	if today != 0 {
		c.period().Ask(&q, today)
	}
	return q
}

// Site is whose pageviews a report counts.
type Site struct {
	Name  string
	Zone  *time.Location
	Store pageview.Store
}

// ask asks the site's store for the days of now.
func (r *Report) ask(ctx context.Context) (*report.Answer, error) {
	q := r.Config.question(pageview.DayOf(time.Now().In(r.Site.Zone)))
	q.Site, q.Zone = r.Site.Name, r.Site.Zone
	a, err := report.Ask(ctx, r.Site.Store, q)
	if err == nil {
		beforehand.Counted(ctx, snapshot.Pageviews{Through: int64(a.Now.Through)})
	}
	return a, err
}

// Probe changes when the result may: with a pageview that was kept, and with the
// days of the period. It is empty for what cannot be told without computing.
func (r *Report) Probe(ctx context.Context) (string, error) {
	if len(r.Config.By) == 0 {
		return "", nil
	}
	span, err := r.Site.Store.Span(ctx, r.Site.Name)
	q := r.Config.question(pageview.DayOf(time.Now().In(r.Site.Zone)))
	return fmt.Sprint(span.Through, q.From, q.To), err
}
