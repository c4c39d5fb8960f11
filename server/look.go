package server

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/pageview"
)

const (
	// lookLasts is how long somebody is taken to look at a report after
	// having asked for it.
	lookLasts = 2 * time.Minute
	// freshEvery is how often it is seen whether what is looked at is too old.
	freshEvery = time.Second
	// freshShare bounds what is spent on it: a report is computed anew only
	// after this many times as long as that takes.
	freshShare = 20
	// youngFor is how long after a site's first pageview what is looked at is
	// computed anew each second, whatever that takes: whoever has just set the
	// site up is to see that it counts, and there is little to count.
	youngFor = 5 * time.Minute
)

// pageviewsLook is the name under which somebody looks at how many pageviews there
// are.
const pageviewsLook = "pageviews"

// watched is a report that can be kept fresh.
type watched interface {
	Status() beforehand.Status
	Invalidate(ctx context.Context) error
}

// look is when a report was looked at last, and when it was asked for anew.
type look struct {
	report watched
	at     atomic.Int64 // Unix nanoseconds
	open   atomic.Int64 // streams of events, whose readers look all the time
	asked  time.Time    // only keepFresh knows it
}

// watch keeps a report fresh while somebody looks at it.
func (v *site) watch(name string, r watched) {
	if v.looks == nil {
		v.looks = map[string]*look{}
	}
	v.looks[name] = &look{report: r}
}

// looked notes that somebody looks at reports.
func (v *site) looked(names ...string) {
	for _, name := range names {
		if l := v.looks[name]; l != nil {
			l.at.Store(time.Now().UnixNano())
		}
	}
}

// streaming notes that somebody looks at a report until the returned function
// is called.
func (v *site) streaming(name string) (end func()) {
	l := v.looks[name]
	if l == nil {
		return func() {}
	}
	l.open.Add(1)
	return func() {
		l.at.Store(time.Now().UnixNano())
		l.open.Add(-1)
	}
}

// keepFresh has computed anew, until ctx ends, what somebody looks at and is too
// old.
func (s *Server) keepFresh(ctx context.Context) {
	tick := time.NewTicker(freshEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, v := range s.sites {
			if err := v.freshen(ctx); err != nil && ctx.Err() == nil {
				s.Logger.Error("refresh what is looked at", "site", v.Name, "error", err)
			}
		}
	}
}

// freshen asks for what is looked at, is too old and lacks pageviews.
func (v *site) freshen(ctx context.Context) error {
	now := time.Now()
	young := v.young(now)
	var span pageview.Span
	for _, l := range v.looks {
		old := max(v.Fresh, freshShare*l.report.Status().Usual)
		if young {
			old = freshEvery
		}
		if v.Fresh == 0 || !l.due(now, old) {
			continue
		}
		if span.First.IsZero() {
			var err error
			if span, err = v.server.Store.Span(ctx, v.Name); err != nil {
				return err
			}
		}
		l.asked = now
		if span.First.IsZero() || l.report.Status().Pageviews.Through >= int64(span.Through) {
			continue
		}
		if err := l.report.Invalidate(ctx); err != nil {
			return err
		}
	}
	return nil
}

// young tells whether a site has had its first pageview just now, or not yet.
func (v *site) young(now time.Time) bool {
	l, ok := v.looks[pageviewsLook]
	if !ok {
		return false
	}
	first := l.report.Status().Pageviews.From
	return first.IsZero() || now.Sub(first) < youngFor
}

// due tells whether a report that somebody looks at is too old. One that has no
// new pageviews is looked into again only after a while.
func (l *look) due(now time.Time, old time.Duration) bool {
	if l.open.Load() == 0 && now.Sub(time.Unix(0, l.at.Load())) > lookLasts {
		return false
	}
	st := l.report.Status()
	return st.Version > 0 && st.RunningSince.IsZero() && now.Sub(st.ComputedAt) >= old-freshEvery && now.Sub(l.asked) >= min(old, 10*time.Second)
}

// invalidate asks, without waiting, for the dashboard and the declared reports on
// pageviews that have not counted every one.
func (v *site) invalidate(ctx context.Context, span pageview.Span) error {
	for name, l := range v.looks {
		if v.own[name] == nil && name != dashboardLook || l.report.Status().Pageviews.Through >= int64(span.Through) {
			continue
		}
		if err := l.report.Invalidate(ctx); err != nil {
			return err
		}
	}
	return nil
}
