package pageviewtest

import (
	"cmp"
	"math"
	"path"
	"slices"

	"github.com/beforehand-go/beforehand/pageview"
)

// naiveCount recounts in the plainest way, sharing no code with a store.
func naiveCount(views []pageview.Pageview, q pageview.CountQuery) []pageview.Count {
	sums := map[pageview.Count]int64{}
	for _, v := range views {
		if v.Bot != "" {
			continue
		}
		var key pageview.Count
		if q.ByPage {
			key.Page = v.Path
		}
		switch q.Unit {
		case pageview.UnitDay:
			key.Day = v.Day
		case pageview.UnitMonth:
			key.Day = v.Day.Month()
		}
		sums[key]++
	}
	var counts []pageview.Count
	for key, n := range sums {
		key.Pageviews = n
		counts = append(counts, key)
	}
	slices.SortFunc(counts, func(a, b pageview.Count) int {
		return cmp.Or(cmp.Compare(a.Page, b.Page), cmp.Compare(a.Day, b.Day))
	})
	return counts
}

// naiveRank ranks in the plainest way.
func naiveRank(views []pageview.Pageview, q pageview.RankQuery) []pageview.Ranked {
	pages := map[string]*pageview.Ranked{}
	earlier := map[string]float64{}
	visitors := map[string]map[uint64]bool{}
	for _, v := range views {
		in := q.Pages == ""
		if !in {
			in, _ = path.Match(q.Pages, v.Path)
		}
		if v.Bot != "" || !in || v.Day < q.From || v.At.After(q.Until) {
			continue
		}
		if pages[v.Path] == nil {
			pages[v.Path] = &pageview.Ranked{Page: v.Path}
			visitors[v.Path] = map[uint64]bool{}
		}
		weight := math.Exp2(-q.Until.Sub(v.At).Seconds() / q.HalfLife.Seconds())
		pages[v.Path].Pageviews++
		pages[v.Path].Score += weight
		visitors[v.Path][v.Visitor] = true
		if !v.At.After(q.Before) {
			earlier[v.Path] += weight
		}
	}
	var ranked []pageview.Ranked
	for p, r := range pages {
		r.Visitors = int64(len(visitors[p]))
		if earlier[p] > 0 {
			r.Earlier = 1
			for other, score := range earlier {
				if score > earlier[p] || score == earlier[p] && other < p {
					r.Earlier++
				}
			}
		}
		ranked = append(ranked, *r)
	}
	slices.SortFunc(ranked, func(a, b pageview.Ranked) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Page, b.Page))
	})
	return ranked[:min(len(ranked), q.Limit)]
}
