package main

import (
	"context"
	"errors"
	"net/http"
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
)

// generations are the app with the sites as they were at one moment, one after
// the other. When sites change, the next one is made and has what the state has;
// then the jobs of the one before end, and the next takes its place. Until then
// readers are served, and pageviews taken, by the one before.
type generations struct {
	now  atomic.Pointer[generation]
	poke chan struct{} // asks for a look
}

// generation is an app that serves.
type generation struct {
	*app
	readers, owner http.Handler
}

func newGeneration(a *app) *generation {
	return &generation{app: a, readers: a.server.Handler(), owner: a.server.Control()}
}

// begin makes an app the first that serves.
func (g *generations) begin(a *app) {
	g.poke = make(chan struct{}, 1)
	g.now.Store(newGeneration(a))
}

// readers is what readers ask, and owner what the owner's commands do.
func (g *generations) readers() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.now.Load().readers.ServeHTTP(w, r) })
}

func (g *generations) owner() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.now.Load().owner.ServeHTTP(w, r) })
}

// readerWait is what a reader waits for a path.
type readerWait func(ctx context.Context, path string) time.Duration

// run runs one generation after the other until ctx ends.
func (g *generations) run(ctx context.Context, wait readerWait) error {
	one := g.now.Load()
	for {
		living, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- one.live(living, wait) }()
		next, err := one.next(living, g.poke, ended)
		stop()
		if next == nil {
			return err
		}
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		one = newGeneration(next)
		g.now.Store(one)
	}
}

// live runs what an app does until ctx ends.
func (a *app) live(ctx context.Context, wait readerWait) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.site.Run(ctx) })
	g.Go(func() error { return a.calendars.Follow(ctx, a.site.Scheduler(), a.log) })
	g.Go(func() error { return a.server.Run(ctx, wait) })
	g.Go(func() error { a.followLogs(ctx, a.file); return ctx.Err() })
	g.Go(func() error { a.deleteLeaving(ctx); return ctx.Err() })
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
