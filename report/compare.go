package report

import (
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Comparison is what an answer is compared with.
type Comparison string

// The comparisons.
const (
	ComparePrevious Comparison = "previous" // as many days just before; whole months with as many months
	CompareYear     Comparison = "year"     // the same days of the year before
)

// Comparisons lists all of them.
func Comparisons() []Comparison { return []Comparison{ComparePrevious, CompareYear} }

// former are the days that a comparison is with.
func (q *Question) former() (from, to pageview.Day) {
	if q.Compare == CompareYear {
		return yearBefore(q.From), yearBefore(q.To)
	}
	if q.From == q.From.Month() && q.To+1 == (q.To+1).Month() { // whole months
		n := 1
		for q.From.AddMonths(n) <= q.To {
			n++
		}
		return q.From.AddMonths(-n), q.From - 1
	}
	return q.From - (q.To - q.From + 1), q.From - 1
}

// yearBefore is the same day of the year before; of 29 February, the 28th.
func yearBefore(d pageview.Day) pageview.Day {
	first := d.AddMonths(-12)
	return first + min(d-d.Month(), first.AddMonths(1)-1-first)
}

// formerRows finds what a row was: the row of the same keys, of the period that
// has the same place among the days compared with.
func (a *Answer) formerRows() func(keys []string) pageview.Values {
	if a.Compare == "" {
		return func([]string) pageview.Values { return pageview.Values{} }
	}
	const between = "\x00"
	rows := map[string]pageview.Values{}
	for _, r := range a.Former.Rows {
		rows[strings.Join(r.Keys, between)] = r.Values
	}
	periods := make([]map[string]string, len(a.By))
	for i, d := range a.By {
		if !d.Time() {
			continue
		}
		periods[i] = map[string]string{}
		former := a.periods(d, a.FormerFrom, a.FormerTo)
		for j, label := range a.periods(d, a.From, a.To) {
			if j < len(former) {
				periods[i][label] = former[j]
			}
		}
	}
	return func(keys []string) pageview.Values {
		was := make([]string, len(keys))
		for i, k := range keys {
			was[i] = k
			if periods[i] != nil {
				was[i] = periods[i][k]
			}
		}
		return rows[strings.Join(was, between)]
	}
}

// periods lists the labels of all periods from one day to another.
func (a *Answer) periods(d pageview.Dimension, from, to pageview.Day) []string {
	var labels []string
	if d == pageview.ByHour {
		end := (to + 1).Date(a.Zone)
		for at := from.Date(a.Zone); at.Before(end); {
			hour := pageview.HourOf(at).In(a.Zone)
			labels = append(labels, hour.Format(time.RFC3339))
			at = nextHour(hour)
		}
		return labels
	}
	for day := from; day <= to; day++ {
		if label := d.Label(day); len(labels) == 0 || labels[len(labels)-1] != label {
			labels = append(labels, label)
		}
	}
	return labels
}

// nextHour is when the local hour after the one that began at t begins.
func nextHour(t time.Time) time.Time {
	next := t.Add(time.Hour - time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second)
	if _, change := t.ZoneBounds(); !change.IsZero() && change.Before(next) {
		return change
	}
	return next
}
