package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/pageview"
	"golang.org/x/sync/errgroup"
)

// demoPageviews is what loads in about five seconds.
const demoPageviews = 3_000_000

func runDemo(ctx context.Context, s stdio, args []string) error {
	c := appConfig{
		command: "demo", live: true,
		single: config.Site{Title: "A made-up blog", Articles: "/posts/?*"},
		log:    slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	var until string
	var seed uint64
	var views int64
	f := newFlags("demo [flags]")
	c.add(f, "")
	c.addListen(f)
	f.Lookup("data").Usage = "`directory` to fill, which must be new or empty (default: one that is removed at the end)"
	f.Uint64Var(&seed, "seed", 1, "`number` that decides on the pageviews")
	f.Int64Var(&views, "pageviews", demoPageviews, "`number` of pageviews")
	f.StringVar(&until, "until", "", "last `day` of the year of pageviews, as 2006-01-02, after which nobody comes (default: yesterday, and then visitors go on coming)")
	if err := f.parse(s, args, 0); err != nil {
		return err
	}
	if views < 1 {
		return usageError{fmt.Errorf("--pageviews %d: must be at least 1", views)}
	}
	last, err := lastDay(until, cmp.Or(string(c.zone), machineZone()))
	if err != nil {
		return err
	}
	front, err := openFront(ctx, &c.ways, c.data, c.log)
	if err != nil {
		return err
	}
	defer front.Close()
	remove, err := freshDir(&c.data)
	if err != nil {
		return err
	}
	defer remove()
	if err := c.load(f); err != nil {
		return err
	}
	c.kept = engines{} // whatever the environment says
	a, err := openApp(ctx, c)
	if err != nil {
		return err
	}
	b := newBlog(a.sites[0].Name, a.sites[0].Zone, seed, views, last)
	err = a.load(ctx, b, newProgress(s.err))
	if err == nil {
		err = a.declare(ctx)
	}
	coming, stop := context.WithCancel(ctx)
	var visitors sync.WaitGroup
	if err == nil && until == "" {
		visitors.Go(func() { a.goOn(coming, b) })
	}
	if err == nil {
		err = a.serve(ctx, front, func(url string) { a.showDemo(ctx, s, url) })
	}
	stop()
	visitors.Wait()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil // stopped by its user while it loaded
	}
	return errors.Join(err, a.close())
}

// lastDay is the day given, or yesterday in the site's zone.
func lastDay(until, zoneName string) (pageview.Day, error) {
	if until == "" {
		zone, err := time.LoadLocation(zoneName)
		if err != nil {
			return 0, err
		}
		return pageview.DayOf(time.Now().In(zone)) - 1, nil
	}
	t, err := time.Parse(time.DateOnly, until)
	if err != nil {
		return 0, usageError{fmt.Errorf("--until %q: use a day like 2026-01-31", until)}
	}
	return pageview.DayOf(t), nil
}

// freshDir makes sure that the demo gets a directory of its own, and tells how
// to remove one that nobody asked for by name.
func freshDir(data *string) (remove func(), err error) {
	if *data == "" {
		dir, err := os.MkdirTemp("", "beforehand-demo-")
		if err != nil {
			return nil, err
		}
		*data = dir
		return func() { os.RemoveAll(dir) }, nil
	}
	entries, err := os.ReadDir(*data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the demo wants a new or empty directory: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("data directory %s is not empty: name another for the demo, or serve this one with: beforehand serve --data %s", *data, *data)
	}
	return func() {}, nil
}

// load keeps all pageviews of a blog. The next batch is made while the last
// one is being written.
func (a *app) load(ctx context.Context, b *blog, p *progress) error {
	g, ctx := errgroup.WithContext(ctx)
	batches := make(chan []pageview.Pageview, 2)
	g.Go(func() error {
		defer close(batches)
		return b.generate(ctx, func(views []pageview.Pageview) error {
			select {
			case batches <- views:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	g.Go(func() error {
		var done int64
		for views := range batches {
			if err := a.store.Append(ctx, pageview.Batch{Pageviews: views}); err != nil {
				return err
			}
			done += int64(len(views))
			p.show(done, done, b.views)
		}
		return nil
	})
	err := g.Wait()
	p.end()
	return err
}

// goOn lets visitors come after the year, at the pace of the days before, until
// ctx ends.
func (a *app) goOn(ctx context.Context, b *blog) {
	keep := func(views []pageview.Pageview) error {
		return a.store.Append(ctx, pageview.Batch{Pageviews: views})
	}
	last := time.Now().In(b.zone)
	today, n := b.today(pageview.DayOf(last))
	err := today.until(last, n, keep)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for due := 0.0; err == nil; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now().In(b.zone)
		if day := pageview.DayOf(now); day != today.day {
			today, n = b.today(day)
		}
		var views []pageview.Pageview
		for due += today.pace(now.Hour(), n) * min(now.Sub(last), time.Minute).Seconds(); due >= 1; due-- {
			v := today.next()
			v.At, v.Hour = now, pageview.HourOf(now)
			views = append(views, v)
		}
		if last = now; len(views) > 0 {
			err = keep(views)
		}
	}
	if ctx.Err() == nil {
		a.log.Warn("no more visitors come", "error", err)
	}
}

// showDemo waits for the reports and says where to look.
func (a *app) showDemo(ctx context.Context, s stdio, url string) {
	if a.server.Ready(ctx) != nil {
		return
	}
	fmt.Fprintf(s.out, "the instant page  %s\n", url)
	fmt.Fprintf(s.out, "the slow page     %s/live/\n", url)
	fmt.Fprintf(s.out, "its dashboard     %s/d/%s\n", url, a.sites[0].Name)
	fmt.Fprintf(s.out, "stop with ctrl-c\n")
}
