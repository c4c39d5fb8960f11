package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/declared"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// standard are the reports that a site has without saying so, in the words of
// the file. They are about the last 30 days, compared with the 30 before, but
// for the first three.
var standard = []Report{
	counts("hours", "today", "previous", "hour"),
	counts("days", "", "previous", "day"),
	counts("months", "last 12 months", "year", "month"),
	counts("pages", "", "previous", "page"),
	counts("entries", "", "previous", "entry"),
	counts("referrers", "", "previous", "referrer"),
	counts("campaigns", "", "previous", "campaign"),
	counts("browsers", "", "previous", "browser"),
	counts("systems", "", "previous", "system"),
	counts("devices", "", "previous", "device"),
	counts("countries", "", "previous", "country"),
	counts("languages", "", "previous", "language"),
	bots(counts("bots", "", "previous", "bot")),
	spark(counts("spark", "", "", "day")),
}

func counts(name, period string, compare report.Comparison, by declared.Dimension) Report {
	r := Report{}
	r.Name, r.By, r.Compare = name, []declared.Dimension{by}, declared.Comparison(compare)
	for _, m := range []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisits, pageview.MetricVisitors} {
		r.Metrics = append(r.Metrics, declared.Metric(m))
	}
	if period != "" {
		if err := r.Period.UnmarshalText([]byte(period)); err != nil {
			panic(err) // it is one of those above
		}
	}
	return r
}

func bots(r Report) Report {
	r.Bots = declared.Bots(pageview.BotsOnly)
	return r
}

func spark(r Report) Report {
	r.Chart = "spark"
	return r
}

// StandardName is the name of a standard report.
type StandardName string

// UnmarshalText refuses what is none.
func (n *StandardName) UnmarshalText(text []byte) error {
	if !slices.Contains(standardNames(), string(text)) {
		return fmt.Errorf("unknown standard report %q: allowed are %s", text, strings.Join(standardNames(), ", "))
	}
	*n = StandardName(text)
	return nil
}

func standardNames() []string {
	names := make([]string, len(standard))
	for i, r := range standard {
		names[i] = r.Name
	}
	return names
}

// AllReports are the site's own reports, and those of the standard ones that
// are wanted and that none of its own reports and lists takes
// the place of.
func (s *Site) AllReports() []Report {
	all := slices.Clone(s.Reports)
	for _, r := range standard {
		own := slices.ContainsFunc(s.Reports, func(o Report) bool { return o.Name == r.Name }) ||
			slices.ContainsFunc(s.Lists, func(l List) bool { return l.Name == r.Name })
		if !own && (s.Standard == nil || slices.Contains(s.Standard, StandardName(r.Name))) {
			all = append(all, r)
		}
	}
	return all
}

// FreshFor is how old reports on pageviews may get while somebody looks at
// them; zero leaves it to their trigger.
func (s *Site) FreshFor() time.Duration {
	if s.Fresh == nil {
		return time.Minute
	}
	return time.Duration(*s.Fresh)
}
