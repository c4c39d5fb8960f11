package report

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/beforehand-go/beforehand/pageview"
)

// Other is the path under which the pages beyond the most viewed are added up.
// No page has it: paths begin with a slash.
const Other = "other"

// Pageviews is pageviews by page over time.
type Pageviews struct {
	Unit   pageview.Dimension `json:"unit"`   // period of one label
	Labels []string           `json:"labels"` // such as "2026-01"; every period from the first to the last
	Series []Series           `json:"series"` // most viewed page first, then Other
	Total  int64              `json:"total"`  // of all pages and periods
}

// Series is one page's pageviews, a value for each label.
type Series struct {
	Path   string  `json:"path"`
	Values []int64 `json:"values"`
}

// PageviewsQuery says what to count.
type PageviewsQuery struct {
	Site  string
	Pages int  // pages with a series of their own; zero means ten
	Raw   bool // count raw rows, even where the answer is added up
}

// CSV writes a row for each period, with a column for each page.
func (p Pageviews) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	row := []string{string(p.Unit)}
	for _, s := range p.Series {
		row = append(row, plain(s.Path))
	}
	_ = c.Write(append(row, "total")) // what is wrong is told at the end
	for i, label := range p.Labels {
		row, total := []string{label}, int64(0)
		for _, s := range p.Series {
			row, total = append(row, strconv.FormatInt(s.Values[i], 10)), total+s.Values[i]
		}
		_ = c.Write(append(row, strconv.FormatInt(total, 10)))
	}
	c.Flush()
	return c.Error()
}

// CountPageviews counts a site's pageviews by page and month. Bots are left out.
func CountPageviews(ctx context.Context, store pageview.Store, q PageviewsQuery) (Pageviews, pageview.Span, error) {
	p := Pageviews{Unit: pageview.ByMonth, Labels: []string{}, Series: []Series{}}
	a, err := store.Query(ctx, pageview.Query{Site: q.Site, Raw: q.Raw, By: []pageview.Dimension{p.Unit, pageview.ByPage}})
	if err != nil {
		return p, pageview.Span{}, err
	}
	// What came meanwhile may make the span longer, never shorter.
	span, err := store.Span(ctx, q.Site)
	span.Through = a.Through
	if err != nil || span.First.IsZero() {
		return p, span, err
	}
	position := map[string]int{}
	for day := span.FirstDay.Month(); day <= span.LastDay; day = day.AddMonths(1) {
		label := p.Unit.Label(day)
		position[label] = len(p.Labels)
		p.Labels = append(p.Labels, label)
	}
	pages := map[string][]int64{}
	totals := map[string]int64{}
	for _, r := range a.Rows {
		label, page := r.Keys[0], r.Keys[1]
		at, ok := position[label]
		if !ok {
			return p, span, fmt.Errorf("count pageviews of %s: %s lies outside of what was kept", q.Site, label)
		}
		if pages[page] == nil {
			pages[page] = make([]int64, len(p.Labels))
		}
		pages[page][at] += r.Pageviews
		totals[page] += r.Pageviews
	}
	p.Total = a.Total.Pageviews
	p.Series = series(pages, totals, cmp.Or(q.Pages, 10))
	return p, span, nil
}

// series orders pages by their total and adds up those beyond the first most.
func series(pages map[string][]int64, totals map[string]int64, most int) []Series {
	all := make([]Series, 0, len(pages))
	for path, values := range pages {
		all = append(all, Series{path, values})
	}
	slices.SortFunc(all, func(a, b Series) int {
		return cmp.Or(cmp.Compare(totals[b.Path], totals[a.Path]), cmp.Compare(a.Path, b.Path))
	})
	if len(all) <= most+1 { // "other" would stand for a single page
		return all
	}
	other := Series{Other, make([]int64, len(all[0].Values))}
	for _, s := range all[most:] {
		for i, v := range s.Values {
			other.Values[i] += v
		}
	}
	return append(all[:most:most], other)
}
