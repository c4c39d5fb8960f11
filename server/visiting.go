package server

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/web"
)

const (
	// visitingWindow is how long after a pageview somebody is still there.
	visitingWindow = 5 * time.Minute
	// visitingLasts is how old the number gets before it is counted anew.
	visitingLasts = 10 * time.Second
	// visitingTimeout bounds counting it.
	visitingTimeout = 10 * time.Second
)

// visiting is how many are on a site, counted for all who look at once.
type visiting struct {
	last atomic.Pointer[web.Visiting] // nil: never counted

	mu    sync.Mutex
	ended chan struct{} // closed when the counting under way ends; nil without one
}

// look has the number counted anew where it is old, and returns a channel that is
// closed when that ends; nil where there is nothing to wait for.
func (n *visiting) look(v *site) <-chan struct{} {
	if last := n.last.Load(); last != nil && time.Since(last.AsOf) < visitingLasts {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended == nil {
		ended := make(chan struct{})
		if v.server.background.do(func(ctx context.Context) { n.count(ctx, v, ended) }) {
			n.ended = ended
		}
	}
	return n.ended
}

// after is the newest number once a look has ended or ctx has; nil means that it is
// not known.
func (n *visiting) after(ctx context.Context, ended <-chan struct{}) *web.Visiting {
	if ended != nil {
		select {
		case <-ended:
		case <-ctx.Done():
		}
	}
	return n.last.Load()
}

func (n *visiting) count(ctx context.Context, v *site, ended chan struct{}) {
	bounded, cancel := context.WithTimeout(ctx, visitingTimeout)
	defer cancel()
	now := time.Now()
	r, err := v.server.Store.Rank(bounded, pageview.RankQuery{
		Site: v.Name, Window: visitingWindow, Until: now, Order: pageview.RankVisitors, Limit: 1, Before: true, Raw: true,
	})
	if err == nil {
		n.last.Store(&web.Visiting{Visitors: r.Total.Visitors, AsOf: now})
	} else if ctx.Err() == nil {
		v.server.Logger.Warn("count who is visiting", "site", v.Name, "error", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = nil
	close(ended)
}
