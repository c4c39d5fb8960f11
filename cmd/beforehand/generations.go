package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// sitesEvery is how often it is looked for sites that were added, changed or
	// removed by another process.
	sitesEvery = 2 * time.Second
	// sitesTaken is how long who changes a site waits until it is taken up.
	sitesTaken = 20 * time.Second
	// lingers is how long an app goes on serving those who came before the next took
	// its place. The longest wait of a reader is five seconds, for parameters that
	// are not held.
	lingers = 6 * time.Second
)

// generations are the app with the sites as they were at one moment, one after
// the other. When sites change, the next one is made; then the jobs of the one
// before end, while readers are served, and pageviews taken, by it as ever. The next
// one takes over what its readers have, makes what it needs to serve them, and takes
// its place; last its jobs begin.
type generations struct {
	now  atomic.Pointer[generation]
	poke chan struct{} // asks for a look
	wait readerWait
	past sync.WaitGroup // those that serve readers
}

// generation is an app that serves.
type generation struct {
	*app
	readers, owner http.Handler
	leave          context.CancelFunc // ends what it does for readers
	gone           chan struct{}      // closed when nothing of that goes on
}

// readerWait is what a reader waits for a path.
type readerWait func(ctx context.Context, path string) time.Duration

// begin makes an app the first that serves, until ctx ends.
func (g *generations) begin(ctx context.Context, a *app, wait readerWait) error {
	if err := a.site.Load(ctx); err != nil {
		return err
	}
	g.poke, g.wait = make(chan struct{}, 1), wait
	g.put(ctx, a)
	return nil
}

// put has an app serve in the place of the one before, until ctx ends.
func (g *generations) put(ctx context.Context, a *app) {
	one := &generation{app: a, readers: a.server.Handler(), owner: a.server.Control(), gone: make(chan struct{})}
	ctx, one.leave = context.WithCancel(ctx)
	site := a.site.Begin(ctx)
	server := a.server.Begin(ctx, g.wait)
	g.past.Go(func() {
		server()
		site()
		close(one.gone)
	})
	if before := g.now.Swap(one); before != nil {
		time.AfterFunc(lingers, before.leave)
	}
}

// readers is what readers ask, and owner what the owner's commands do.
func (g *generations) readers() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.now.Load().readers.ServeHTTP(w, r) })
}

func (g *generations) owner() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.now.Load().owner.ServeHTTP(w, r) })
}

// run runs the jobs of one generation after the other until ctx ends.
func (g *generations) run(ctx context.Context) error {
	defer g.past.Wait()
	gone := make(chan struct{})
	close(gone)
	for {
		one := g.now.Load()
		working, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- one.work(working, gone) }()
		next, err := one.next(working, g.poke, ended)
		stop()
		if next == nil {
			return err
		}
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			one.log.Error("jobs of the sites from before did not end well", "error", err)
		}
		next.site.Succeed(one.site)
		g.put(ctx, next)
		gone = one.gone
	}
}

// work does what an app does besides serving, until ctx ends. Sites that were
// removed are deleted once those before are gone, who may have served them.
func (a *app) work(ctx context.Context, before <-chan struct{}) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.site.Run(ctx) })
	g.Go(func() error { return a.calendars.Follow(ctx, a.site.Scheduler(), a.log) })
	g.Go(func() error { a.followLogs(ctx, a.file); return ctx.Err() })
	g.Go(func() error {
		select {
		case <-before:
			a.deleteLeaving(ctx)
		case <-ctx.Done():
		}
		return ctx.Err()
	})
	return g.Wait()
}

// next waits for sites to change and makes the app that has them, ready to serve.
// It returns nil once this one has ended, and why.
func (a *app) next(ctx context.Context, poke <-chan struct{}, ended <-chan error) (*app, error) {
	tick := time.NewTicker(sitesEvery)
	defer tick.Stop()
	last := ""
	for {
		select {
		case err := <-ended:
			return nil, err
		case <-tick.C:
		case <-poke:
		}
		next, err := a.renewed(ctx)
		switch {
		case err == nil && next != nil:
			a.log.Info("sites changed", "sites", len(next.sites))
			return next, nil
		case err != nil && ctx.Err() == nil && err.Error() != last: // what goes on going wrong is said once
			last = err.Error()
			a.log.Error("sites not taken up; those from before go on being served", "error", err)
		case err == nil:
			last = ""
		}
	}
}

// renewed is an app with the sites as they are now; nil where it has them.
func (a *app) renewed(ctx context.Context) (*app, error) {
	changed, err := a.sitesChanged(ctx)
	if err != nil || !changed {
		return nil, err
	}
	next := *a
	err = next.build(ctx)
	if err == nil {
		err = next.declare(ctx)
	}
	if err == nil {
		err = next.site.Load(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &next, nil
}
