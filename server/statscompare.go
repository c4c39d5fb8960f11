package server

import (
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// formerRows finds what a row was: the row of the same keys, of the period that
// has the same place among the days compared with.
func (a *statsAnswer) formerRows() func(keys []string) pageview.Values {
	if a.query.compare == "" {
		return func([]string) pageview.Values { return pageview.Values{} }
	}
	const between = "\x00"
	rows := map[string]pageview.Values{}
	for _, r := range a.former.Rows {
		rows[strings.Join(r.Keys, between)] = r.Values
	}
	periods := make([]map[string]string, len(a.query.By))
	for i, d := range a.query.By {
		if !d.Time() {
			continue
		}
		periods[i] = map[string]string{}
		former := a.periods(d, a.formerFrom, a.formerTo)
		for j, label := range a.periods(d, a.query.From, a.query.To) {
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
func (a *statsAnswer) periods(d pageview.Dimension, from, to pageview.Day) []string {
	var labels []string
	if d == pageview.ByHour {
		end := (to + 1).Date(a.query.zone)
		for at := from.Date(a.query.zone); at.Before(end); {
			hour := pageview.HourOf(at).In(a.query.zone)
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
