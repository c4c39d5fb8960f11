package web

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/pageview"
)

// plot is the chart of an answer over time, and the table of its numbers.
type plot struct{ chart.Lines }

// Plot is the chart of the card's answer.
func (c cardView) Plot() plot {
	a := c.Card.Answer
	unit := a.By[0]
	labels := a.Periods(0, c.Now)
	at := map[string]pageview.Values{}
	for _, r := range a.Now.Rows {
		at[r.Keys[0]] = r.Values
	}
	names := map[pageview.Metric]string{
		pageview.MetricPageviews: c.words["total_pageviews"], pageview.MetricVisits: c.words["total_visits"], pageview.MetricVisitors: c.words["visitors"],
	}
	p := chart.Lines{Title: c.words["dash_chart"], Words: ChartWords(c.Lang)}
	former := chart.Series{Name: c.words["chart_before"], Other: true}
	was := a.FormerRow()
	open := len(labels) > 0 && a.Open(0, labels[len(labels)-1], c.Now)
	for i, m := range a.Metrics {
		s := chart.Series{Name: names[m], Open: open, Area: i == 0}
		for _, label := range labels {
			s.Values = append(s.Values, at[label].Of(m))
		}
		p.Series = append(p.Series, s)
	}
	for _, label := range labels {
		former.Values = append(former.Values, was([]string{label}).Pageviews)
	}
	if a.Compare != "" {
		p.Series = append(p.Series, former)
	}
	for _, label := range labels {
		short, long := c.label(unit, label)
		p.Labels, p.Tips = append(p.Labels, short), append(p.Tips, long)
	}
	if n := len(labels); n > 0 {
		p.Description = fmt.Sprintf(c.words["dash_chart_description"], number.Grouped(a.Now.Total.Pageviews), p.Tips[0], p.Tips[n-1])
	}
	return plot{p}
}

// label is what a period is called: under the chart, without what all of them
// have, and where there is room.
func (c cardView) label(unit pageview.Dimension, text string) (short, long string) {
	form := map[pageview.Dimension]string{
		pageview.ByHour: time.RFC3339, pageview.ByDay: time.DateOnly, pageview.ByWeek: time.DateOnly, pageview.ByMonth: "2006-01", pageview.ByYear: "2006",
	}[unit]
	t, err := time.Parse(form, text)
	if err != nil {
		return text, text
	}
	from, to := c.Card.Answer.From, c.Card.Answer.To
	date := c.words["date_short"]
	if from == 0 || to == 0 || from.Year() != to.Year() {
		date = c.words["date_year"]
	}
	day := fmt.Sprintf(c.words["date_weekday"], strings.Fields(c.words["weekdays"])[t.Weekday()], t.Format(c.words["date"]))
	clock := t.Format("15:04")
	switch unit {
	case pageview.ByHour:
		if short = clock; from != to {
			short = t.Format(c.words["date_short"]) + " " + clock
		}
		return short, fmt.Sprintf(c.words["date_clock"], day, clock)
	case pageview.ByDay:
		return t.Format(date), day
	case pageview.ByWeek:
		return t.Format(date), fmt.Sprintf(c.words["date_week"], t.Format(c.words["date"]))
	case pageview.ByMonth:
		return t.Format(c.words["date_month"]), t.Format(c.words["date_month_long"])
	}
	return t.Format(c.words["date_of_year"]), t.Format(c.words["date_of_year"])
}

// Draw is the chart at a width, in units of its view box.
func (p plot) Draw(width, height int) (template.HTML, error) {
	p.Width, p.Plot = width, height
	var b bytes.Buffer
	err := p.Inline(&b)
	return template.HTML(b.String()), err
}

// Rows are the chart's numbers, the latest first.
func (p plot) Rows() []row {
	rows := make([]row, len(p.Tips))
	for i, tip := range p.Tips {
		r := &rows[i]
		r.Label = tip
		for _, s := range p.Series {
			r.Values = append(r.Values, s.Values[i])
		}
	}
	slices.Reverse(rows)
	return rows
}

// Names are the columns of the chart's numbers.
func (p plot) Names() []string {
	var names []string
	for _, s := range p.Series {
		names = append(names, s.Name)
	}
	return names
}
