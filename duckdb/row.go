package duckdb

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/engine"
)

// name gives the rows of an answer their keys, of which SQL tells numbers, and
// their order.
func (b *builder) name(rows []pageview.Row, keys [][2]int64, v *view) {
	texts := make([]string, len(rows)*len(b.q.By))
	for i := range rows {
		rows[i].Keys, texts = texts[:len(b.q.By):len(b.q.By)], texts[len(b.q.By):]
	}
	for k, d := range b.q.By {
		told := map[int64]string{} // of dimensions of time, which have few values
		for i := range rows {
			n := keys[i][k]
			text, ok := told[n]
			if !ok {
				text = v.text(d, n, b.zone)
			}
			if rows[i].Keys[k] = text; d.Time() && !ok {
				told[n] = text
			}
		}
	}
	b.sort(rows, keys)
}

// sort orders rows as Answer says. Most are told apart by their numbers.
func (b *builder) sort(rows []pageview.Row, keys [][2]int64) {
	type place struct {
		time  [2]int64
		value int64
		row   int
	}
	places := make([]place, len(rows))
	first := b.first()
	for i := range rows {
		places[i] = place{value: rows[i].Of(first), row: i}
		for k, d := range b.q.By {
			if d.Time() {
				places[i].time[k] = keys[i][k]
			}
		}
	}
	slices.SortFunc(places, func(x, y place) int {
		if c := slices.Compare(x.time[:], y.time[:]); c != 0 {
			return c
		}
		if c := cmp.Compare(y.value, x.value); c != 0 {
			return c
		}
		return slices.CompareFunc(rows[x.row].Keys, rows[y.row].Keys, strings.Compare)
	})
	sorted := make([]pageview.Row, len(rows))
	for i, p := range places {
		sorted[i] = rows[p.row]
	}
	copy(rows, sorted)
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
