package pageview

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// RankQuery asks for a site's pages in order. It counts the pageviews of a
// window that ends at an instant, and, if asked, those of the window before it.
//
// Of a local day whose pageviews were deleted, nothing is known within the day:
// it counts where the window holds it whole.
type RankQuery struct {
	Site    string
	Through uint64   // as in Query
	Raw     bool     // as in Query
	Bots    Bots     // as in Query
	Pages   []string // path patterns, of which one must match; none means every page
	Except  []string // path patterns that leave pages out

	Order    RankOrder     // empty means RankScore
	Window   time.Duration // what counts: after Until − Window, up to Until; zero means all up to Until
	Before   bool          // count the window before, too, and the totals of both; there is none before a window of zero
	Until    time.Time     // zero means the instant of the newest pageview by a person
	Earlier  time.Duration // how long before Until the order was that Ranked.Earlier tells of
	HalfLife time.Duration // of RankScore: more than zero
	Limit    int           // pages at most; zero means no limit
}

// A path pattern is text in which a * stands for any text, which may be empty,
// and a ? for one character.

// RankOrder is what pages are ordered by, highest first. Pages that are even
// are ordered by path.
type RankOrder string

// The orders.
const (
	RankScore     RankOrder = "score"     // Σ 2^(−age/HalfLife) over the pageviews, ages taken at Until
	RankPageviews RankOrder = "pageviews" // pageviews of the window
	RankVisitors  RankOrder = "visitors"  // daily visitors of the window, summed over its local days
)

// RankOrders lists all of them.
func RankOrders() []RankOrder { return []RankOrder{RankScore, RankPageviews, RankVisitors} }

// Check tells what is wrong with a query.
func (q *RankQuery) Check() error {
	var errs []error
	if q.Order != "" {
		errs = append(errs, check("order", q.Order, RankOrders()))
	}
	if (q.Order == "" || q.Order == RankScore) && q.HalfLife <= 0 {
		errs = append(errs, errors.New("the half-life must be more than zero"))
	}
	if q.Bots != "" {
		errs = append(errs, check("bots", q.Bots, []Bots{BotsExclude, BotsInclude, BotsOnly}))
	}
	if q.Limit < 0 || q.Window < 0 || q.Earlier < 0 {
		errs = append(errs, errors.New("limit, window and earlier must not be less than zero"))
	}
	for _, patterns := range [][]string{q.Pages, q.Except} {
		for _, p := range patterns {
			if !utf8.ValidString(p) {
				errs = append(errs, fmt.Errorf("the pattern %q is not UTF-8", p))
			}
		}
	}
	return errors.Join(errs...)
}

// Ranking is the pages that were asked for, and what was counted.
type Ranking struct {
	Pages  []Ranked
	Total  Values // if RankQuery.Before: of all pages of the site in the window, each visitor of a day once; no visits
	Before Values // the same of the window before
	Until  time.Time
	Span   Span
	Rollup bool // it comes from what was added up beforehand, but for days that a window cuts
}

// Ranked is a page that has a pageview in the window.
type Ranked struct {
	Page    string  // path
	Title   string  // empty means not known
	Values          // of the window; no visits
	Before  Values  // of the window before; no visits
	Score   float64 // of RankScore, else zero
	Earlier int     // rank as it was, from 1; zero means that it had no pageview then
}
