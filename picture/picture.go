// Package picture makes charts of the reports on a site's pageviews. Their
// titles and words are left to who draws them.
package picture

import (
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/report"
)

// Pageviews is pageviews by page over time as stacked bars.
func Pageviews(v report.Pageviews) chart.Bars {
	b := chart.Bars{Labels: v.Labels}
	for _, s := range v.Series {
		b.Series = append(b.Series, chart.Series{Name: s.Path, Values: s.Values, Other: s.Path == report.Other})
	}
	return b
}

// Hot is a hot list as a ranking.
func Hot(v report.Hot) chart.Ranking {
	var r chart.Ranking
	for _, i := range v.Items {
		r.Rows = append(r.Rows, chart.Row{
			Name: i.Title, Value: i.Score, Text: number.Grouped(i.Pageviews), Change: i.Change,
		})
	}
	return r
}
