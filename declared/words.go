package declared

import (
	"fmt"
	"strings"

	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// Words are what the pictures of counts say in a language.
type Words struct {
	Chart   chart.Words
	Metric  func(m pageview.Metric) string
	Key     func(d pageview.Dimension, value string) string // a value, which may be empty: not known
	Others  func(n int) string                              // so many further values
	Before  func(metric string) string                      // the metric in the period before
	Heading func(metric pageview.Metric, by []pageview.Dimension, p report.Period) string
	Sum     func(n int64, metric pageview.Metric, from, to pageview.Day) string // from zero: of all days
}

// English are the words unless others are given.
func English() *Words {
	plain := func(name string) string { return strings.ReplaceAll(name, "_", " ") }
	return &Words{
		Metric: func(m pageview.Metric) string { return plain(string(m)) },
		Key: func(_ pageview.Dimension, value string) string {
			if value == "" {
				return "(not known)"
			}
			return value
		},
		Others: func(n int) string { return fmt.Sprintf("%d %s", n, report.Other) },
		Before: func(metric string) string { return metric + " before" },
		Heading: func(m pageview.Metric, by []pageview.Dimension, p report.Period) string {
			names := make([]string, len(by))
			for i, d := range by {
				names[i] = plain(string(d))
			}
			metric := plain(string(m))
			text := strings.ToUpper(metric[:1]) + metric[1:] + " by " + strings.Join(names, " and ")
			if !p.All() {
				text += ", " + p.String()
			}
			return text
		},
		Sum: func(n int64, m pageview.Metric, from, to pageview.Day) string {
			text := number.Grouped(n) + " " + plain(string(m))
			if from != 0 {
				text += fmt.Sprintf(" from %s to %s", from, to)
			}
			return text + "."
		},
	}
}

// words are those of a report.
func (r *Report) words() *Words {
	if r.Words != nil {
		return r.Words
	}
	return English()
}
