package report

import (
	"cmp"
	"context"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Hot is the pages that are read most now.
type Hot struct {
	Items []HotItem `json:"items"`
}

// HotItem is one page of the hot list. Pageviews and visitors are those of
// the list's window; a visitor who came on two days is two.
type HotItem struct {
	Rank      int     `json:"rank"` // from 1
	Path      string  `json:"path"`
	Title     string  `json:"title"` // the path, where no title is known
	Pageviews int64   `json:"pageviews"`
	Visitors  int64   `json:"visitors"`
	Score     float64 `json:"score"`
	Change    *int    `json:"change"` // places climbed in a day, less than zero for fallen; null for a page that is new
}

// HotQuery says how to rank.
type HotQuery struct {
	Site     string
	Pages    string        // path pattern with * and ?, such as "/posts/*"; empty means every page
	HalfLife time.Duration // after which a pageview weighs half; zero means seven days
	Days     int           // local days of the window; zero means 30
	Limit    int           // pages at most; zero means 20
	Raw      bool          // count raw rows, even where the answer is added up
}

// RankHot ranks a site's pages by Σ 2^(−age/half-life) over the pageviews of
// the window. Ages are counted from the site's newest pageview, not from the
// clock: so the list changes only when something was read, and a site that
// was quiet for a while keeps its list. Bots are left out.
func RankHot(ctx context.Context, store pageview.Store, q HotQuery) (Hot, pageview.Span, error) {
	h := Hot{Items: []HotItem{}}
	ranking, err := store.Rank(ctx, pageview.RankQuery{
		Site: q.Site, Raw: q.Raw, Pages: q.Pages,
		Days:     cmp.Or(q.Days, 30),
		Earlier:  24 * time.Hour,
		HalfLife: cmp.Or(q.HalfLife, 7*24*time.Hour),
		Limit:    cmp.Or(q.Limit, 20),
	})
	if err != nil {
		return h, ranking.Span, err
	}
	for i, r := range ranking.Pages {
		item := HotItem{
			Rank: i + 1, Path: r.Page, Title: cmp.Or(r.Title, r.Page),
			Pageviews: r.Pageviews, Visitors: r.Visitors, Score: r.Score,
		}
		if r.Earlier > 0 {
			climbed := r.Earlier - item.Rank
			item.Change = &climbed
		}
		h.Items = append(h.Items, item)
	}
	return h, ranking.Span, nil
}
