package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"time"
)

// clock writes times in one zone, as seen from one instant.
type clock struct {
	now  time.Time
	zone *time.Location
}

// time is the minute of t, with its date when that is not today's.
func (c clock) time(t time.Time) template.HTML {
	t = t.In(c.zone)
	text := t.Format("15:04")
	if t.Format(time.DateOnly) != c.now.In(c.zone).Format(time.DateOnly) {
		text = c.date(t) + ", " + text
	}
	return element(t.Format(time.RFC3339), text)
}

// day is the date of t.
func (c clock) day(t time.Time) template.HTML {
	t = t.In(c.zone)
	return element(t.Format(time.DateOnly), c.date(t))
}

func (c clock) date(t time.Time) string { return t.In(c.zone).Format("2 January 2006") }

func element(machine, text string) template.HTML {
	return template.HTML(`<time datetime="` + machine + `">` + template.HTMLEscapeString(text) + `</time>`)
}

// span writes a duration with two digits and the unit that suits it.
func span(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d)
	case d < 100*time.Microsecond:
		return two(float64(d)/1e3) + " µs"
	case d < time.Second:
		return two(float64(d)/1e6) + " ms"
	case d < time.Minute:
		return two(float64(d)/1e9) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
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
