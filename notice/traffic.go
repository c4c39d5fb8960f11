package notice

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// An hour of a site stands out by this rule. It is compared with the same hour
// of the same weekday in the four weeks before, of which there must be two at
// least. Were pageviews independent of each other, a count of which e are
// expected from the mean of k weeks would differ from e by a variance of
// e + e/k; people come in waves, so the variance among those weeks, times
// 1 + 1/k, is taken where it is larger. An hour stands out when it is six
// standard deviations away, and twice as much as expected or half of it, and
// when enough pageviews are missing or too many for somebody to care.
const (
	trafficWeeks = 4
	leastWeeks   = 2
	farAway      = 6.0
	leastMore    = 50 // pageviews beyond what is expected
	leastUsual   = 30 // expected pageviews of an hour that can drop
)

// standsOut tells whether a count is far more (1) or less (−1) than those of the
// weeks before let expect, and what they do.
func standsOut(now int64, before []int64) (way int, expected float64) {
	if len(before) < leastWeeks {
		return 0, 0
	}
	k := float64(len(before))
	for _, n := range before {
		expected += float64(n) / k
	}
	variance := 0.0
	for _, n := range before {
		variance += (float64(n) - expected) * (float64(n) - expected) / (k - 1)
	}
	sigma := math.Sqrt(max(expected+expected/k, variance*(1+1/k), 1))
	switch n := float64(now); {
	case n-expected >= farAway*sigma && n >= 2*expected && n-expected >= leastMore:
		return 1, expected
	case expected-n >= farAway*sigma && n <= expected/2 && expected >= leastUsual:
		return -1, expected
	}
	return 0, expected
}

// lateness is how long after an hour its pageviews are taken to be there.
const lateness = 5 * time.Minute

// hour is an hour of a site, and those that it is compared with.
type hour struct {
	began  time.Time // in the site's zone
	now    int64
	before []int64
}

// lastHour counts the last whole hour of a site and the same ones before. It has
// no hours before where the site has no pageviews that are old enough.
func lastHour(ctx context.Context, store pageview.Store, site string, zone *time.Location, at time.Time) (h hour, err error) {
	end := pageview.HourOf(at.Add(-lateness).In(zone))
	h.began = pageview.HourOf(end.Add(-time.Nanosecond).In(zone)).In(zone)
	span, err := store.Span(ctx, site)
	if err != nil || span.First.IsZero() {
		return h, err
	}
	if h.now, err = countHour(ctx, store, site, h.began); err != nil {
		return h, err
	}
	for week := 1; week <= trafficWeeks; week++ {
		same := pageview.HourOf(h.began.AddDate(0, 0, -7*week)).In(zone)
		if same.Before(span.First) {
			break
		}
		n, err := countHour(ctx, store, site, same)
		if err != nil {
			return h, err
		}
		h.before = append(h.before, n)
	}
	return h, nil
}

// countHour counts the pageviews of the hour that began at an instant.
func countHour(ctx context.Context, store pageview.Store, site string, began time.Time) (int64, error) {
	day := pageview.DayOf(began)
	a, err := store.Query(ctx, pageview.Query{Site: site, From: day, To: day, By: []pageview.Dimension{pageview.ByHour}})
	if err != nil {
		return 0, err
	}
	label := began.Format(time.RFC3339)
	i := slices.IndexFunc(a.Rows, func(r pageview.Row) bool { return r.Keys[0] == label })
	if i < 0 {
		return 0, nil
	}
	return a.Rows[i].Pageviews, nil
}
