package web

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/number"
)

// view is what the templates see: the data, and means to write it.
type view struct {
	Data
	pen
	IsLive bool
}

// PageHead is the head of the page.
func (v *view) PageHead() (head, error) {
	var scripts []string
	if v.LiveURL != "" {
		scripts = append(scripts, "page.js")
	}
	name := "page_title"
	if v.IsLive {
		name = "page_title_live"
	}
	title, err := v.Say(name, v.Title)
	return v.Head(title, scripts...), err
}

func (v *view) Reports() []Report { return []Report{v.Pageviews, v.Hot} }

// reportView is the view of one report.
type reportView struct {
	*view
	Report Report
}

func (v *view) For(r Report) reportView { return reportView{v, r} }

// File is the URL of a report in a format.
func (v *view) File(r Report, ext string) string {
	return "/s/" + url.PathEscape(v.Site) + "/" + url.PathEscape(r.Name) + ext
}

// SetupURL is the page that tells how the site is counted.
func (v *view) SetupURL() string { return SetupURL(v.Site, v.Lang) }

// Empty tells whether there is no pageview to show anything of.
func (v *view) Empty() bool {
	return v.Totals.Pageviews == 0 && len(v.Chart.Labels) == 0 && len(v.Items) == 0
}

// Waiting tells whether that is because nothing was ever computed.
func (v *view) Waiting() bool { return v.Pageviews.AsOf.IsZero() }

// row is a line of the chart's table.
type row struct {
	Label  string
	Values []int64
	Total  int64
}

func (v *view) Rows() []row {
	rows := make([]row, len(v.Chart.Labels))
	for i, label := range v.Chart.Labels {
		rows[i].Label = label
		for _, s := range v.Chart.Series {
			rows[i].Values = append(rows[i].Values, s.Values[i])
			rows[i].Total += s.Values[i]
		}
	}
	return rows
}

// Direction is where an item moved, as a style class.
func (v *view) Direction(i Item) string {
	switch {
	case i.Change == nil:
		return "new"
	case *i.Change > 0:
		return "up"
	case *i.Change < 0:
		return "down"
	default:
		return "same"
	}
}

// Mark is where an item moved, for the eye.
func (v *view) Mark(i Item) string {
	switch v.Direction(i) {
	case "new":
		return v.words["hot_new"]
	case "up":
		return "▲" + strconv.Itoa(*i.Change)
	case "down":
		return "▼" + strconv.Itoa(-*i.Change)
	default:
		return "–"
	}
}

// Moved is where an item moved, for the ear.
func (v *view) Moved(i Item) (template.HTML, error) {
	switch v.Direction(i) {
	case "new":
		return v.Say("hot_new")
	case "up":
		return v.Say("hot_up", strconv.Itoa(*i.Change))
	case "down":
		return v.Say("hot_down", strconv.Itoa(-*i.Change))
	default:
		return v.Say("hot_same")
	}
}

// Web is a URL of the web, or nothing where it is none.
func (v *view) Web(u string) string {
	if strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") {
		return u
	}
	return ""
}

// Draw is the chart at a width, in units of its view box.
func (v *view) Draw(width, plot int) (template.HTML, error) {
	c := v.Chart
	c.Width, c.Plot = width, plot
	c.Title = v.words["chart_title"]
	c.Words = ChartWords(v.Language)
	if n := len(c.Labels); n > 0 {
		c.Description = fmt.Sprintf(v.words["chart_description"], number.Grouped(v.Totals.Pageviews), c.Labels[0], c.Labels[n-1])
	}
	var b bytes.Buffer
	err := c.Inline(&b)
	return template.HTML(b.String()), err
}

// Table tells whether the chart's numbers are few enough to write them all.
func (v *view) Table() bool {
	cells := len(v.Chart.Labels) * len(v.Chart.Series)
	return cells > 0 && cells <= 400
}

// Score is the length of an item's bar, of 100.
func (v *view) Score(i Item) string {
	most := 0.0
	for _, other := range v.Items {
		most = max(most, other.Score)
	}
	return share(i.Score, most)
}

// Slow is the time of computing all reports live, and Instant what their
// readers wait; zero when one of them is not known.
func (v *view) Slow() time.Duration {
	return both(v.Pageviews.LiveTook, v.Hot.LiveTook)
}

func (v *view) Instant() time.Duration {
	return both(v.Pageviews.ReaderWait, v.Hot.ReaderWait)
}

func both(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return 0
	}
	return a + b
}

// Ratio is how many times shorter the wait is, with two digits.
func (v *view) Ratio(live, wait time.Duration) string {
	if live <= 0 || wait <= 0 {
		return ""
	}
	r := float64(live) / float64(wait)
	if r < 10 {
		return two(r)
	}
	unit := math.Pow(10, math.Floor(math.Log10(r))-1)
	return number.Grouped(int64(math.Round(r/unit) * unit))
}

// Share is wait as a part of live, of 100.
func (v *view) Share(wait, live time.Duration) string {
	return share(float64(wait), float64(live))
}

// share is part of whole, of 100.
func share(part, whole float64) string {
	percent := 100 * part / whole
	if !(percent > 0) { // also where there is no whole, or no number
		return "0"
	}
	return strconv.FormatFloat(min(percent, 100), 'f', 2, 64)
}
