package report

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Hot is the pages that are read most now, or that rise, by one of the methods.
type Hot struct {
	Items   []HotItem `json:"items"`
	Undated int       `json:"undated,omitempty"` // pages left out because nobody knows when they were published
}

// HotItem is one page of the hot list. Pageviews and visitors are those of
// the list's window; a visitor who came on two days is two.
type HotItem struct {
	Rank      int        `json:"rank"` // from 1
	Path      string     `json:"path"`
	Title     string     `json:"title"` // the path, where no title is known
	Pageviews int64      `json:"pageviews"`
	Visitors  int64      `json:"visitors"`
	Before    *int64     `json:"before,omitempty"` // HotRising: pageviews in the window before
	Score     float64    `json:"score"`            // what the method gave; pages are ordered by it
	Change    *int       `json:"change"`           // places climbed in a day, less than zero for fallen; null for a page that is new
	Published *time.Time `json:"published,omitempty"`

	// What a site knows besides; RankHot leaves them empty.
	URL     string `json:"url,omitempty"`     // absolute, http or https
	Picture string `json:"picture,omitempty"` // the same
}

// HotMethod is a way to rank pages. In the formulas, p is the page's pageviews
// in the window and the end of the window is now.
type HotMethod string

// The methods.
const (
	// HotDecay scores Σ 2^(−age/half-life) over the pageviews. It needs no
	// time of publication.
	HotDecay HotMethod = "decay"

	// HotPageviews and HotVisitors count. A visitor of two local days is two.
	HotPageviews HotMethod = "pageviews"
	HotVisitors  HotMethod = "visitors"

	// HotHackerNews scores (p − 1) / (h + 2)^1.8, with h the hours since the
	// page was published: the formula of Hacker News with pageviews for
	// points, as its source in Arc has it (news.arc, "gravity" 1.8).
	HotHackerNews HotMethod = "hackernews"

	// HotReddit scores log10(max(p, 1)) + t/45000, with t the seconds from
	// 1970 to when the page was published: ten times the pageviews are worth
	// twelve and a half hours. It is the formula "hot" of reddit's published
	// source (r2/lib/db/_sorts.pyx) with pageviews for votes; reddit counts t
	// from 2005, which changes no order.
	HotReddit HotMethod = "reddit"

	// HotRising scores how surely the page is read more than in the window
	// before, beyond how the whole site grew:
	//
	//	z = (p − e) / √(p + e),  e = before × site's total / site's total before
	//
	// which is the difference of two counts in standard deviations, were they
	// Poisson (Skellam, J. R. Stat. Soc. 109, 1946; variances of independent
	// counts add). Where the site had no pageview before, e is zero. A page
	// must have at least HotQuery.Least pageviews in the window and z > 0.
	HotRising HotMethod = "rising"
)

// HotMethods lists all of them.
func HotMethods() []HotMethod {
	return []HotMethod{HotDecay, HotPageviews, HotVisitors, HotHackerNews, HotReddit, HotRising}
}

// AllTime is the window that holds every pageview.
const AllTime time.Duration = math.MaxInt64

// HotQuery says how to rank.
type HotQuery struct {
	Site     string
	Method   HotMethod     // empty means HotDecay
	Pages    []string      // path patterns with * and ?, such as "/posts/*", of which one must match; none means every page
	Except   []string      // path patterns of pages that are left out
	Window   time.Duration // up to Until; zero means 30 days, seven for HotRising, AllTime for HotHackerNews and HotReddit
	HalfLife time.Duration // of HotDecay, after which a pageview weighs half; zero means seven days
	Least    int64         // of HotRising; zero means five
	Until    time.Time     // zero means the instant of the site's newest pageview by a person
	Limit    int           // pages at most; zero means 20
	Bots     pageview.Bots // empty means that they, and feed readers, are left out
	Raw      bool          // count raw rows, even where the answer is added up

	// Published tells when a page was published, and whether that is known.
	// HotHackerNews and HotReddit leave out pages of which it is not. Nil
	// knows none.
	Published func(path string) (time.Time, bool)
}

// RankHot ranks a site's pages, even ones by path. Ages are counted from the
// site's newest pageview, not from the clock: so the list changes only when
// something was read, and a site that was quiet for a while keeps its list.
func RankHot(ctx context.Context, store pageview.Store, q HotQuery) (Hot, pageview.Span, error) {
	if err := q.complete(); err != nil {
		return Hot{Items: []HotItem{}}, pageview.Span{}, err
	}
	h := Hot{Items: []HotItem{}}
	rank := pageview.RankQuery{
		Site: q.Site, Raw: q.Raw, Bots: q.Bots, Pages: q.Pages, Except: q.Except,
		Window: q.Window, Until: q.Until, Earlier: day, HalfLife: q.HalfLife, Limit: q.Limit,
	}
	if q.Window == AllTime {
		rank.Window = 0
	}
	var span pageview.Span
	var err error
	switch q.Method {
	case HotDecay:
		h.Items, span, err = q.asked(ctx, store, rank)
	case HotPageviews:
		rank.Order = pageview.RankPageviews
		h.Items, span, err = q.asked(ctx, store, rank)
	case HotVisitors:
		rank.Order = pageview.RankVisitors
		h.Items, span, err = q.asked(ctx, store, rank)
	default:
		h.Items, h.Undated, span, err = q.scored(ctx, store, rank)
	}
	return h, span, err
}

const day = 24 * time.Hour

// complete puts in what is meant by zero, and tells what is wrong.
// Complete is the query with what zero values stand for.
func (q HotQuery) Complete() HotQuery {
	_ = q.complete() // what it refuses is as complete as it can be
	return q
}

func (q *HotQuery) complete() error {
	q.Method = cmp.Or(q.Method, HotDecay)
	if !slices.Contains(HotMethods(), q.Method) {
		return fmt.Errorf("rank hot pages of %s: unknown method %q: must be one of %v", q.Site, q.Method, HotMethods())
	}
	switch q.Method {
	case HotRising:
		q.Window = cmp.Or(q.Window, 7*day)
		if q.Window == AllTime {
			return fmt.Errorf("rank hot pages of %s: the method %s needs a window, as it compares with the one before", q.Site, q.Method)
		}
	case HotHackerNews, HotReddit:
		q.Window = cmp.Or(q.Window, AllTime)
	default:
		q.Window = cmp.Or(q.Window, 30*day)
	}
	q.HalfLife = cmp.Or(q.HalfLife, 7*day)
	q.Least = cmp.Or(q.Least, 5)
	q.Limit = cmp.Or(q.Limit, 20)
	return nil
}

// asked is the list as the store orders it.
func (q *HotQuery) asked(ctx context.Context, store pageview.Store, rank pageview.RankQuery) ([]HotItem, pageview.Span, error) {
	items := []HotItem{}
	ranking, err := store.Rank(ctx, rank)
	for i, r := range ranking.Pages {
		item := q.item(r)
		item.Score = map[HotMethod]float64{HotDecay: r.Score, HotPageviews: float64(r.Pageviews), HotVisitors: float64(r.Visitors)}[q.Method]
		item.place(i+1, r.Earlier)
		items = append(items, item)
	}
	return items, ranking.Span, err
}

// scored is the list as it is ordered here, from what the store counts now and
// a day before.
func (q *HotQuery) scored(ctx context.Context, store pageview.Store, rank pageview.RankQuery) ([]HotItem, int, pageview.Span, error) {
	rank.Order, rank.Limit, rank.Earlier, rank.Before = pageview.RankPageviews, 0, 0, q.Method == HotRising
	ranking, err := store.Rank(ctx, rank)
	if err != nil || len(ranking.Pages) == 0 {
		return []HotItem{}, 0, ranking.Span, err
	}
	rank.Until = ranking.Until.Add(-day)
	earlier, err := store.Rank(ctx, rank)
	if err != nil {
		return nil, 0, ranking.Span, err
	}
	before, _ := q.score(earlier)
	places := make(map[string]int, len(before))
	for i, item := range before {
		places[item.Path] = i + 1
	}
	items, undated := q.score(ranking)
	items = items[:min(len(items), q.Limit)]
	for i := range items {
		items[i].place(i+1, places[items[i].Path])
	}
	return items, undated, ranking.Span, nil
}

// score orders pages by what the method gives them. It tells how many were left
// out because nobody knows when they were published.
func (q *HotQuery) score(r pageview.Ranking) (items []HotItem, undated int) {
	items = []HotItem{}
	growth := 0.0
	if r.Before.Pageviews > 0 {
		growth = float64(r.Total.Pageviews) / float64(r.Before.Pageviews)
	}
	for _, p := range r.Pages {
		item := q.item(p)
		if q.Method == HotRising {
			item.Before = &p.Before.Pageviews
			item.Score = rising(p.Pageviews, p.Before.Pageviews, growth)
			if p.Pageviews < q.Least || item.Score <= 0 {
				continue
			}
		} else if item.Published == nil {
			undated++
			continue
		} else {
			item.Score = q.dated(float64(p.Pageviews), *item.Published, r.Until)
		}
		items = append(items, item)
	}
	slices.SortFunc(items, func(a, b HotItem) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Path, b.Path))
	})
	return items, undated
}

// dated is the score by a method that knows when a page was published. One that
// is still to be published counts as published now.
func (q *HotQuery) dated(pageviews float64, published, now time.Time) float64 {
	if q.Method == HotReddit {
		return math.Log10(max(pageviews, 1)) + float64(published.Unix())/45000
	}
	return (pageviews - 1) / math.Pow(max(now.Sub(published).Hours(), 0)+2, 1.8)
}

// rising is the score of HotRising.
func rising(now, before int64, growth float64) float64 {
	n, expected := float64(now), float64(before)*growth
	if n+expected == 0 {
		return 0
	}
	return (n - expected) / math.Sqrt(n+expected)
}

func (q *HotQuery) item(r pageview.Ranked) HotItem {
	item := HotItem{Path: r.Page, Title: cmp.Or(r.Title, r.Page), Pageviews: r.Pageviews, Visitors: r.Visitors}
	if q.Published != nil {
		if at, known := q.Published(r.Page); known {
			at = at.UTC().Truncate(time.Second)
			item.Published = &at
		}
	}
	return item
}

// place sets the rank, and how far it is from the earlier one; zero means that
// there is none.
func (h *HotItem) place(rank, earlier int) {
	h.Rank = rank
	if earlier > 0 {
		climbed := earlier - rank
		h.Change = &climbed
	}
}
