package web

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/declared"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// CountWords are the words of pictures of counts in a language.
func CountWords(l language.Language) *declared.Words {
	p := pen{Lang: l, words: catalogues[l]}
	return &declared.Words{
		Chart:  ChartWords(l),
		Metric: p.metric,
		Key:    p.key,
		Others: func(n int) string { return fmt.Sprintf(p.words["picture_others"], number.Grouped(int64(n))) },
		Before: func(metric string) string { return fmt.Sprintf(p.words["picture_before"], metric) },
		Heading: func(m pageview.Metric, by []pageview.Dimension, of report.Period) string {
			names := make([]string, len(by))
			for i, d := range by {
				names[i] = p.counted(d)
			}
			text := upper(fmt.Sprintf(p.words["picture_by"], p.metric(m), strings.Join(names, p.words["picture_and"])))
			if !of.All() {
				text = fmt.Sprintf(p.words["picture_in"], text, p.period(of.String()))
			}
			return text
		},
		Sum: func(n int64, m pageview.Metric, from, to pageview.Day) string {
			if from == 0 {
				return fmt.Sprintf(p.words["picture_sum"], number.Grouped(n), p.metric(m))
			}
			return fmt.Sprintf(p.words["picture_sum_days"], number.Grouped(n), p.metric(m), from, to)
		},
	}
}

// upper is a sentence with a capital.
func upper(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// metric is what is counted, in words.
func (p pen) metric(m pageview.Metric) string {
	switch m {
	case pageview.MetricPageviews:
		return p.words["total_pageviews"]
	case pageview.MetricVisits:
		return p.words["total_visits"]
	case pageview.MetricVisitors:
		return p.words["metric_visitors"]
	case pageview.MetricTimeOnPage:
		return p.words["metric_time"]
	case pageview.MetricTimed:
		return p.words["metric_timed"]
	}
	return string(m)
}

// counted is a dimension as something is counted by it: in English that is its own
// name, which says one of what the headings of cards say many of.
func (p pen) counted(d pageview.Dimension) string {
	if p.Lang == language.English {
		return strings.ReplaceAll(string(d), "_", " ")
	}
	return p.dimension(string(d))
}

// period is a period, as the configuration writes it, in words.
func (p pen) period(text string) string {
	switch text {
	case "today":
		return p.words["days_today"]
	case "yesterday":
		return p.words["days_yesterday"]
	}
	first, rest, _ := strings.Cut(text, " ")
	count, unit, several := strings.Cut(rest, " ")
	if !several {
		count, unit = "1", rest
	}
	name := map[string]string{
		"week": p.words["days_week"], "month": p.words["days_month"], "year": p.words["days_year"], "day": p.words["days_day"],
	}[strings.TrimSuffix(unit, "s")]
	switch {
	case strings.Contains(text, " to "):
		from, to, _ := strings.Cut(text, " to ")
		return fmt.Sprintf(p.words["days_from_to"], from, to)
	case name == "":
		return text
	case first == "this":
		return fmt.Sprintf(p.words["days_this"], name)
	case first == "last" && several:
		if unit == "months" {
			name = p.words["days_months"]
		} else if p.Lang == language.English {
			name = unit
		}
		return fmt.Sprintf(p.words["days_last_several"], count, name)
	case first == "last":
		return fmt.Sprintf(p.words["days_last"], name)
	}
	return text
}
