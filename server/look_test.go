package server

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/snapshot"
)

// growing is a store that gets a pageview each second from an instant on.
type growing struct {
	pageview.Store
	begin time.Time
}

func (g growing) Span(context.Context, string) (pageview.Span, error) {
	if time.Now().Before(g.begin) {
		return pageview.Span{}, nil
	}
	return pageview.Span{First: g.begin, Last: time.Now(), Through: uint64(time.Since(g.begin)/time.Second) + 1}, nil
}

// computed is a report that is computed as soon as it is asked for.
type computed struct {
	store growing
	mu    sync.Mutex
	st    beforehand.Status
	runs  int
}

func (c *computed) Status() beforehand.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.st
}

func (c *computed) Invalidate(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	span, err := c.store.Span(ctx, "")
	c.st.ComputedAt, c.st.Version, c.st.Pageviews = time.Now(), c.st.Version+1, snapshot.Pageviews{From: span.First, Through: int64(span.Through)}
	c.runs++
	return err
}

func (c *computed) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs
}

func TestWhatIsLookedAtIsAtMostAMinuteOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := growing{begin: time.Now()}
		v := &site{Site: Site{Site: &collect.Site{Name: "blog"}, Fresh: time.Minute}}
		s := &Server{Config: Config{Store: store, Logger: slog.Default()}, sites: []*site{v}}
		v.server = s
		reports := map[string]*computed{}
		for _, name := range []string{"looked", "alone", "streamed", "slow"} {
			reports[name] = &computed{store: store}
			if err := reports[name].Invalidate(t.Context()); err != nil {
				t.Fatal(err)
			}
			v.watch(name, reports[name])
		}
		triggered := &site{Site: Site{Site: &collect.Site{Name: "triggered"}}, server: s}
		s.sites = append(s.sites, triggered)
		still := &computed{store: store}
		if err := still.Invalidate(t.Context()); err != nil {
			t.Fatal(err)
		}
		triggered.watch("still", still)
		reports["slow"].st.Usual = 30 * time.Second
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.keepFresh(ctx) })
		end := v.streaming("streamed")

		oldest := time.Duration(0)
		for range 60 { // half an hour, with a look each half minute
			v.looked("looked", "slow", "unknown")
			triggered.looked("still")
			time.Sleep(30 * time.Second)
			oldest = max(oldest, time.Since(reports["looked"].Status().ComputedAt))
		}
		if oldest > time.Minute+freshEvery {
			t.Errorf("what is looked at was %s old", oldest)
		}
		if n := reports["looked"].count(); n < 30 || n > 32 {
			t.Errorf("it was computed %d times in half an hour", n)
		}
		if n := reports["streamed"].count(); n < 30 || n > 32 {
			t.Errorf("what is streamed was computed %d times", n)
		}
		if n := reports["alone"].count(); n != 1 {
			t.Errorf("what nobody looks at was computed %d times", n)
		}
		if n := reports["slow"].count(); n < 3 || n > 4 { // every 20 times 30 seconds
			t.Errorf("what takes long was computed %d times", n)
		}

		end()
		time.Sleep(time.Hour)
		if n := reports["looked"].count(); n > 35 {
			t.Errorf("it was computed %d times though nobody looked any more", n)
		}
		if n := reports["streamed"].count(); n > 35 {
			t.Errorf("it was computed %d times though the stream had ended", n)
		}

		if n := still.count(); n != 1 {
			t.Errorf("it was computed %d times where the trigger alone decides", n)
		}
		stop()
		wg.Wait()
	})
}

func TestTheFirstPageviewsAreSeenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := growing{begin: time.Now().Add(90 * time.Second)}
		v := &site{Site: Site{Site: &collect.Site{Name: "blog"}, Fresh: time.Minute}}
		s := &Server{Config: Config{Store: store, Logger: slog.Default()}, sites: []*site{v}}
		v.server = s
		pageviews, dashboard := &computed{store: store}, &computed{store: store}
		for name, r := range map[string]*computed{pageviewsLook: pageviews, dashboardLook: dashboard} {
			if err := r.Invalidate(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.st.Usual = 3 * time.Second // on a machine that does much else
			v.watch(name, r)
		}
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.keepFresh(ctx) })
		pass := func(d time.Duration) (computed int) {
			before := dashboard.count()
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Second) {
				v.looked(pageviewsLook, dashboardLook)
			}
			return dashboard.count() - before
		}
		if n := pass(88 * time.Second); n > 0 {
			t.Errorf("it was computed %d times for no pageview", n)
		}
		pass(4 * time.Second)
		if dashboard.Status().Pageviews.Through == 0 || pageviews.Status().Pageviews.Through == 0 {
			t.Error("the first pageview was not counted after two seconds")
		}
		if n := pass(time.Minute); n < 50 {
			t.Errorf("in its first minutes it was computed %d times a minute", n)
		}
		pass(youngFor)
		if n := pass(10 * time.Minute); n < 9 || n > 11 { // every 20 times 3 seconds
			t.Errorf("later it was computed %d times in ten minutes", n)
		}
		stop()
		wg.Wait()
	})
}
