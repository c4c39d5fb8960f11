package duckdb

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// numbered is a row of an answer whose keys are numbers yet.
type numbered struct {
	keys [2]int64
	pageview.Values
}

// orderedRow is what the place of a row depends on.
type orderedRow struct {
	times [2]int64 // the keys that are times
	value int64
	at    int32
}

// list puts rows in the order that Answer says, leaves those that are asked for, and
// names their keys.
func (b *builder) list(rows []numbered, v *view) []pageview.Row {
	first := b.first()
	var isTime [2]bool
	for k, d := range b.q.By {
		isTime[k] = d.Time()
	}
	order := make([]orderedRow, len(rows)) // less to move than rows are
	for i := range rows {
		o := &order[i]
		o.at, o.value = int32(i), rows[i].Of(first)
		for k, is := range isTime {
			if is {
				o.times[k] = rows[i].keys[k]
			}
		}
	}
	slices.SortFunc(order, func(x, y orderedRow) int {
		if c := cmp.Or(cmp.Compare(x.times[0], y.times[0]), cmp.Compare(x.times[1], y.times[1]), cmp.Compare(y.value, x.value)); c != 0 {
			return c
		}
		for k, d := range b.q.By {
			of, than := rows[x.at].keys[k], rows[y.at].keys[k]
			if of == than {
				continue
			}
			if c := strings.Compare(v.text(d, of, b.zone), v.text(d, than, b.zone)); c != 0 {
				return c
			}
		}
		return 0
	})
	if b.q.Limit > 0 {
		order = order[:min(len(order), b.q.Limit)]
	}
	named := make([]pageview.Row, len(order))
	texts := make([]string, len(order)*len(b.q.By))
	for i, o := range order {
		named[i].Values = rows[o.at].Values
		named[i].Keys, texts = texts[:len(b.q.By):len(b.q.By)], texts[len(b.q.By):]
	}
	for k, d := range b.q.By {
		told := map[int64]string{} // of dimensions of time, which have few values
		for i, o := range order {
			key := rows[o.at].keys[k]
			text, ok := "", false
			if isTime[k] {
				text, ok = told[key]
			}
			if !ok {
				text = v.text(d, key, b.zone)
			}
			if named[i].Keys[k] = text; isTime[k] && !ok {
				told[key] = text
			}
		}
	}
	return named
}

// text is the value of a dimension that has a number: of one of time, what
// period or column make of it.
func (v *view) text(d pageview.Dimension, n int64, zone *time.Location) string {
	if period := engine.Period(d, n, zone); period != "" {
		return period
	}
	switch d {
	case pageview.BySource:
		if n == 0 {
			return ""
		}
		return pageview.Source(n).String()
	case pageview.ByPage, pageview.ByEntry:
		return v.paths[n]
	}
	return v.names[n]
}
