package pageviewtest

import (
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Recount is a site with random pageviews in a store, and the plainest way to
// count them, for tests of what is computed from a store.
type Recount struct{ w *world }

// NewRecount keeps n pageviews of a site that the seed decides on: about six
// days around a change of the clock.
func NewRecount(t *testing.T, s pageview.Store, seed uint64, n int) *Recount {
	t.Helper()
	r := &Recount{newWorld(t, s, seed)}
	r.w.add(t, n)
	return r
}

// Site is the site's name.
func (r *Recount) Site() string { return r.w.site }

// Zone is the zone of its days.
func (r *Recount) Zone() *time.Location { return r.w.zone }

// Query is a random question about all pageviews.
func (r *Recount) Query() pageview.Query {
	q := r.w.query()
	q.Site, q.Through = r.w.site, 0
	return q
}

// Answer counts without a store.
func (r *Recount) Answer(q pageview.Query) pageview.Answer {
	return r.w.naive(r.w.kept, r.w.stays, q)
}
