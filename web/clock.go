package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"time"
)

// clock writes times in one zone and language, as seen from one instant.
type clock struct {
	now   time.Time
	zone  *time.Location
	words words
}

// time is the minute of t, with its date when that is not today's.
func (c clock) time(t time.Time) template.HTML {
	t = t.In(c.zone)
	text := t.Format("15:04")
	if t.Format(time.DateOnly) != c.now.In(c.zone).Format(time.DateOnly) {
		text = fmt.Sprintf(c.words["date_clock"], c.date(t), text)
	}
	return element(t.Format(time.RFC3339), text)
}

// exact is t to the second where it is not a whole minute, with its date when
// that is not today's.
func (c clock) exact(t time.Time) string {
	t = t.In(c.zone)
	text := t.Format("15:04")
	if t.Second() != 0 {
		text = t.Format(time.TimeOnly)
	}
	if t.Format(time.DateOnly) != c.now.In(c.zone).Format(time.DateOnly) {
		text = fmt.Sprintf(c.words["date_clock"], c.date(t), text)
	}
	return text
}

// day is the date of t.
func (c clock) day(t time.Time) template.HTML {
	t = t.In(c.zone)
	return element(t.Format(time.DateOnly), c.date(t))
}

func (c clock) date(t time.Time) string { return t.In(c.zone).Format(c.words["date"]) }

func element(machine, text string) template.HTML {
	return template.HTML(`<time datetime="` + machine + `">` + template.HTMLEscapeString(text) + `</time>`)
}

// span writes a duration with two digits and the unit that suits it.
func (w words) span(d time.Duration) string {
	unit := func(name string, values ...any) string { return fmt.Sprintf(w[name], values...) }
	switch {
	case d < time.Microsecond:
		return unit("span_ns", strconv.FormatInt(int64(d), 10))
	case d < 100*time.Microsecond:
		return unit("span_us", two(float64(d)/1e3))
	case d < time.Second:
		return unit("span_ms", two(float64(d)/1e6))
	case d < time.Minute:
		return unit("span_s", two(float64(d)/1e9))
	}
	days, hours, minutes, seconds := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60
	pair := func(name, whole string, a, b int) string {
		if b == 0 {
			return unit(whole, strconv.Itoa(a))
		}
		return unit(name, strconv.Itoa(a), strconv.Itoa(b))
	}
	switch {
	case d < time.Hour:
		return pair("span_min", "span_min_whole", minutes, seconds)
	case days < 2:
		return pair("span_h", "span_h_whole", int(d.Hours()), minutes)
	default:
		return pair("span_d", "span_d_whole", days, hours)
	}
}

// two writes v with two significant digits, or all before the point.
func two(v float64) string {
	if v >= 9.95 {
		return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 2, 64), 64)
	if err != nil {
		r = v
	}
	return strconv.FormatFloat(r, 'f', -1, 64)
}
