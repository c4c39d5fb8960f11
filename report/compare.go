package report

import (
	"cmp"
	"slices"
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
	if q.FormerFrom != 0 {
		return q.FormerFrom, q.FormerTo
	}
	if q.Compare == CompareYear {
		return monthsBefore(q.From, 12), monthsBefore(q.To, 12)
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

// monthsBefore is the same day of the month n months before, or the last day of
// a month that is too short: a year before 29 February is 28 February.
func monthsBefore(d pageview.Day, n int) pageview.Day {
	first := d.AddMonths(-n)
	return min(first+d-d.Month(), first.AddMonths(1)-1)
}

// FormerRow tells what a row of the answer was, by its keys.
func (a *Answer) FormerRow() func(keys []string) pageview.Values { return a.formerRows() }

// Periods lists the labels of a dimension of time, the place of which in By is
// given: every one of the question's days, up to that of now; without bounds,
// from the first one that has a pageview to the last one.
func (a *Answer) Periods(at int, now time.Time) []string {
	d := a.By[at]
	from, to := a.From, a.To
	if from == 0 || to == 0 {
		first, last := a.reach(at)
		from, to = cmp.Or(from, first), cmp.Or(to, last)
	}
	if from == 0 || to == 0 {
		return nil
	}
	labels := a.periods(d, from, min(to, pageview.DayOf(now.In(a.Zone))))
	if d != pageview.ByHour {
		return labels
	}
	return slices.DeleteFunc(labels, func(label string) bool {
		begin, err := time.Parse(time.RFC3339, label)
		return err != nil || begin.After(now)
	})
}

// Open tells whether a period that Periods lists is not over yet.
func (a *Answer) Open(at int, label string, now time.Time) bool {
	if d := a.By[at]; d != pageview.ByHour {
		today := pageview.DayOf(now.In(a.Zone))
		return slices.Contains(a.periods(d, today, today), label)
	}
	begin, err := time.Parse(time.RFC3339, label)
	return err == nil && now.Before(begin.Add(time.Hour))
}

// reach is the first and the last day that rows are of; zero means that there
// is no row.
func (a *Answer) reach(at int) (from, to pageview.Day) {
	for _, rows := range [][]pageview.Row{a.Now.Rows, a.Others} {
		for _, r := range rows {
			label := r.Keys[min(at, len(r.Keys)-1)]
			first, last, err := a.By[at].Days(label)
			if t, wrong := time.Parse(time.RFC3339, label); wrong == nil {
				first, last, err = pageview.DayOf(t), pageview.DayOf(t), nil
			}
			if err != nil {
				continue
			}
			if from == 0 || first < from {
				from = first
			}
			to = max(to, last)
		}
	}
	return from, to
}

// between stands between the keys of a row.
const between = "\x00"

// formerRows finds what a row was: the row of the same keys, of the period that
// has the same place among the days compared with.
func (a *Answer) formerRows() func(keys []string) pageview.Values {
	if a.Compare == "" {
		return func([]string) pageview.Values { return pageview.Values{} }
	}
	if a.read != nil {
		return func(keys []string) pageview.Values { return a.read[strings.Join(keys, between)] }
	}
	rows := map[string]pageview.Values{}
	for _, r := range a.Former.Rows {
		rows[strings.Join(r.Keys, between)] = r.Values
	}
	periods := make([]map[string]string, len(a.By))
	for i, d := range a.By {
		if d.Time() {
			periods[i] = a.formerPeriods(d)
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

// formerPeriods gives for each period the one that has its place among the days
// compared with.
func (a *Answer) formerPeriods(d pageview.Dimension) map[string]string {
	of := map[string]string{}
	former := a.periods(d, a.FormerFrom, a.FormerTo)
	for i, label := range a.periods(d, a.From, a.To) {
		if i < len(former) {
			of[label] = former[i]
		}
	}
	return of
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
	_, change := t.ZoneBounds()
	if change.IsZero() || !change.Before(next) {
		return next
	}
	_, before := t.Zone()
	if _, after := change.In(t.Location()).Zone(); after == before { // only its name changes
		return next
	}
	return change
}
