package declared

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// Charts are the kinds of charts; table draws nothing.
var Charts = []string{"bars", "lines", "rows", "spark", "table"}

// figure is what a chart of any kind draws.
type figure struct {
	title, description string
	labels             []string
	series             []chart.Series
	texts              []string // numbers of rows as they are written; nil means the first series
	words              *Words
}

// picture is the figure as a chart. Rows and a spark draw the first series.
func (f *figure) picture(kind string) (chart.Picture, error) {
	b := chart.Bars{Title: f.title, Description: f.description, Heading: true, Labels: f.labels, Series: f.series, Words: f.words.Chart}
	first := make([]int64, len(f.labels))
	if len(f.series) > 0 {
		first = f.series[0].Values
	}
	switch kind {
	case "bars":
		return b, nil
	case "lines":
		return chart.Lines(b), nil
	case "spark":
		return chart.Spark{Title: f.title, Description: f.description, Labels: f.labels, Values: first}, nil
	case "rows":
		r := chart.Ranking{Title: f.title, Description: f.description, Heading: true, Plain: true, Words: f.words.Chart}
		for i, label := range f.labels {
			row := chart.Row{Name: label, Value: float64(first[i]), Text: number.Grouped(first[i])}
			if f.texts != nil {
				row.Text = f.texts[i]
			}
			r.Rows = append(r.Rows, row)
		}
		return r, nil
	}
	return nil, fmt.Errorf("unknown chart %q", kind)
}

// draw adds the pictures of a figure to files.
func (r *Report) draw(files beforehand.Files, kind string, f *figure) error {
	p, err := f.picture(kind)
	if err != nil {
		return err
	}
	for format, write := range map[string]func(io.Writer) error{
		"svg": p.SVG,
		"png": func(w io.Writer) error { return p.PNG(w, chart.Raster{Fonts: r.Fonts}) },
	} {
		if !r.Config.wants(format) {
			continue
		}
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return fmt.Errorf("chart: %w", err)
		}
		files[format] = b.Bytes()
	}
	return nil
}

// figure is what a chart of rows shows: the first column has the labels, and
// each other one is a series; or the second names the series, where there are
// three and it is text.
func (t *table) figure(title string) (*figure, error) {
	if len(t.columns) == 1 {
		return nil, errors.New("chart: the rows have one column: a chart needs a label and a number")
	}
	f := &figure{title: title}
	at := map[string]int{}
	label := func(v any) int {
		name := fmt.Sprint(v)
		i, ok := at[name]
		if !ok {
			i = len(f.labels)
			at[name], f.labels = i, append(f.labels, name)
		}
		return i
	}
	for _, row := range t.rows {
		label(row[0])
	}
	series := map[string]int{}
	add := func(name string, label int, v any) error {
		i, ok := series[name]
		if !ok {
			i = len(f.series)
			series[name], f.series = i, append(f.series, chart.Series{Name: name, Values: make([]int64, len(f.labels))})
		}
		n, ok := round(v)
		if !ok {
			return fmt.Errorf("chart: %q at %q: %v is no number from zero on", name, f.labels[label], v)
		}
		f.series[i].Values[label] += n
		return nil
	}
	for _, row := range t.rows {
		if name, ok := row[min(1, len(row)-1)].(string); ok && len(row) == 3 {
			if err := add(name, label(row[0]), row[2]); err != nil {
				return nil, err
			}
			continue
		}
		for i := 1; i < len(row); i++ {
			if err := add(t.columns[i], label(row[0]), row[i]); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

// round is a number for a chart, of which nothing is nothing.
func round(v any) (int64, bool) {
	switch v := v.(type) {
	case nil:
		return 0, true
	case int64:
		return v, v >= 0
	case float64:
		return int64(math.Round(v)), v >= 0 && v < 1<<53
	}
	return 0, false
}

// kind is the chart of counts, which has a default by what is asked.
func (c *Config) kind() string {
	times := slices.ContainsFunc(c.By, func(d Dimension) bool { return pageview.Dimension(d).Time() })
	switch {
	case c.Chart != "":
		return c.Chart
	case len(c.By) == 0:
		return "table"
	case !times:
		return "rows"
	case len(c.By) == 1 && c.Compare != "":
		return "lines"
	}
	return "bars"
}

// heading is the title, or what the report asks in words.
func (c *Config) heading(w *Words) string {
	if c.Title != "" || len(c.By) == 0 {
		return c.title()
	}
	by := make([]pageview.Dimension, len(c.By))
	for i, d := range c.By {
		by[i] = pageview.Dimension(d)
	}
	return w.Heading(c.question(0).Metrics[0], by, c.period())
}

// counted is what a chart of an answer shows at a time.
func (c *Config) counted(a *report.Answer, now time.Time, w *Words) *figure {
	metric := a.Metrics[0]
	f := &figure{title: c.heading(w), description: w.Sum(a.Now.Total.Of(metric), metric, a.From, a.To), words: w}
	of := slices.IndexFunc(a.By, pageview.Dimension.Time)
	switch {
	case of < 0:
		f.ranked(a)
	case len(a.By) == 1 || a.By[1-of].Time():
		f.overTime(a, of, now, c.kind() == "lines")
	default:
		f.byTime(a, of, now)
	}
	return f
}

// ranked has a label for each row.
func (f *figure) ranked(a *report.Answer) {
	metric := a.Metrics[0]
	s := chart.Series{Name: f.words.Metric(metric)}
	add := func(name string, now pageview.Values, was int64) {
		f.labels = append(f.labels, name)
		s.Values = append(s.Values, now.Of(metric))
		f.texts = append(f.texts, number.Grouped(now.Of(metric))+grown(now.Of(metric), was))
	}
	former := a.FormerRow()
	for _, r := range a.Now.Rows {
		add(f.keyName(a.By, r.Keys), r.Values, former(r.Keys).Of(metric))
	}
	if a.Now.Beyond > 0 {
		add(f.words.Others(a.Now.Beyond), a.Now.Other, 0)
	}
	f.series = []chart.Series{s}
}

// grown is by how much a number has grown, to stand behind it.
func grown(now, was int64) string {
	if was == 0 {
		return ""
	}
	return " (" + number.Change(now, was) + ")"
}

// keyName is a row's name for people.
func (f *figure) keyName(by []pageview.Dimension, keys []string) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = f.words.Key(by[i], k)
	}
	return strings.Join(names, ", ")
}

// overTime has a series for the first metric; for lines, which are not stacked,
// one for each, and one for what the first of them was.
func (f *figure) overTime(a *report.Answer, of int, now time.Time, lines bool) {
	f.labels = a.Periods(of, now)
	at := places(f.labels)
	metrics := a.Metrics
	if !lines {
		metrics = metrics[:1]
	}
	series := make([]chart.Series, len(metrics), len(metrics)+1)
	for i, m := range metrics {
		series[i] = chart.Series{Name: f.words.Metric(m), Values: make([]int64, len(f.labels))}
	}
	for _, r := range a.Now.Rows {
		for i, m := range metrics {
			if n, ok := at[r.Keys[of]]; ok {
				series[i].Values[n] += r.Of(m)
			}
		}
	}
	if lines && a.Compare != "" && len(a.By) == 1 {
		before := chart.Series{Name: f.words.Before(series[0].Name), Values: make([]int64, len(f.labels)), Other: true}
		former := a.FormerRow()
		for i, label := range f.labels {
			before.Values[i] = former([]string{label}).Of(a.Metrics[0])
		}
		series = append(series, before)
	}
	f.series = series
}

// byTime has a series for each value of the dimension that is not of time.
func (f *figure) byTime(a *report.Answer, of int, now time.Time) {
	f.labels = a.Periods(of, now)
	at := places(f.labels)
	metric := a.Metrics[0]
	series := map[string]int{}
	total := map[string]int64{}
	for _, r := range a.Now.Rows {
		name := r.Keys[1-of]
		i, ok := series[name]
		if !ok {
			i = len(f.series)
			series[name] = i
			f.series = append(f.series, chart.Series{Name: f.keyName(a.By[1-of:2-of], []string{name}), Values: make([]int64, len(f.labels))})
		}
		if n, ok := at[r.Keys[of]]; ok {
			f.series[i].Values[n] += r.Of(metric)
		}
		total[f.series[i].Name] += r.Of(metric)
	}
	slices.SortStableFunc(f.series, func(x, y chart.Series) int {
		return cmp.Or(cmp.Compare(total[y.Name], total[x.Name]), cmp.Compare(x.Name, y.Name))
	})
	if len(a.Others) == 0 {
		return
	}
	other := chart.Series{Name: cmp.Or(f.words.Chart.Other, report.Other), Values: make([]int64, len(f.labels)), Other: true}
	for _, r := range a.Others {
		if n, ok := at[r.Keys[0]]; ok {
			other.Values[n] += r.Of(metric)
		}
	}
	f.series = append(f.series, other)
}

func places(labels []string) map[string]int {
	at := map[string]int{}
	for i, l := range labels {
		at[l] = i
	}
	return at
}
