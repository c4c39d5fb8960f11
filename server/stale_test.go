package server_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/server"
)

// brittle is a store that answers nothing for a while, or late.
type brittle struct {
	pageview.Store
	broken atomic.Bool
	late   sync.RWMutex // who holds it delays answers
}

func (s *brittle) Query(ctx context.Context, q pageview.Query) (pageview.Answer, error) {
	if s.broken.Load() {
		return pageview.Answer{}, errors.New("the disk is away")
	}
	s.late.RLock()
	defer s.late.RUnlock()
	return s.Store.Query(ctx, q)
}

// again has a site's cards computed until an expression is true on its page: a run
// that is asked for may be one that began before.
func again(b *browser, js string) {
	b.t.Helper()
	b.until("window.asking ||= setInterval(() => fetch('/jobs/blog/dashboard', {method: 'POST', body: new URLSearchParams({action: 'run'})}), 1000)")
	b.until(js)
	b.until("clearInterval(window.asking), !(window.asking = 0)")
}

func TestACardThatCannotBeComputedAnewStaysAndSaysWhy(t *testing.T) {
	var store *brittle
	s := startSites(t, sites("blog"), func(c *server.Config) {
		store = &brittle{Store: c.Store}
		c.Store = store
	})
	read := func(n int) {
		t.Helper()
		at := time.Now().UTC().Add(-26 * time.Hour).Truncate(time.Microsecond)
		var b pageview.Batch
		for range n {
			b.Pageviews = append(b.Pageviews, pageview.Pageview{
				Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: "/posts/1", Visitor: 7, Browser: "Firefox", Source: pageview.SourceScript,
			})
		}
		if err := s.Store.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	b := browse(t, s)
	read(41)
	b.open("/d/blog?lang=en")
	again(b, "document.querySelector('#card-browser .sum')?.textContent.includes('41') && !document.querySelector('.stale')")

	store.broken.Store(true)
	read(1)
	const stale = "document.querySelector('#card-browser .asof.stale')"
	again(b, stale+"?.textContent.includes('the last run failed')")
	if !b.is(stale + ".checkVisibility()") {
		t.Error("it is not seen that the card is stale")
	}
	b.barsNobody("a card that is stale")
	b.says("#card-browser .stale strong", "Stale")
	b.says("#card-browser .stale", "as of ")
	b.says("#card-browser .sum", "41")
	b.says("#card-total dd", "41")
	b.says("#card-total .stale", "Stale")
	b.open("/d/blog?lang=zh")
	b.says("#card-browser .stale", "没有更新的结果")
	b.says("#card-browser .sum", "41")

	store.broken.Store(false)
	b.open("/d/blog?lang=en")
	b.until("window.kept = true")
	again(b, "document.querySelector('#card-browser .sum').textContent.includes('42') && !document.querySelector('.stale') && window.kept")
	b.quiet(b.url[len("http://"):])
}

func TestASiteWithoutPageviewsLeadsToWhatCountsThem(t *testing.T) {
	s := start(t)
	b := browse(t, s)
	b.open("/d/blog?lang=en")
	b.says("#first", "No pageviews yet")
	b.until(`document.querySelector('#first a[href^="/setup/blog"]') && !document.querySelector('.cards')`)
	at := time.Now().UTC().Add(-time.Second).Truncate(time.Microsecond)
	if err := s.Store.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{{
		Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: "/hello", Visitor: 7, Source: pageview.SourceScript,
	}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.says("#card-page", "/hello")
	b.until("document.getElementById('content').dataset.every == 3") // of which the next is news, too
	b.quiet(b.url[len("http://"):])
}

func TestCardsThatComeLaterMoveNothing(t *testing.T) {
	var store *brittle
	s := dashedWith(t, func(c *server.Config) {
		store = &brittle{Store: c.Store}
		c.Store = store
	})
	b := browse(t, s)
	today := time.Now().UTC()
	for i, width := range []int64{1200, 800, 320} {
		b.Run(chromedp.EmulateViewport(width, 900))
		for _, filter := range []string{"", "&filter=browser:Firefox&filter=device:mobile"} {
			store.late.Lock()
			b.open("/d/blog?lang=en&compare=none&to=" + today.Format(time.DateOnly) + "&from=" + today.AddDate(0, 0, -10-i).Format(time.DateOnly) + filter)
			b.until("document.querySelectorAll('#card-total .pending, #card-chart .pending, #card-page .pending').length == 3")
			store.late.Unlock()
			b.until("!document.querySelector('.pending') && document.querySelector('.plot') && !document.querySelector('#visiting strong').textContent.includes('–')")
			by, err := chromedp.Run(b, chromedp.Evaluate[float64](shifts, chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatal(err)
			}
			if by == 0 {
				continue
			}
			what, err := chromedp.Run(b, chromedp.Evaluate[string](shifted, chromedp.EvalAwaitPromise))
			t.Logf("at %d px, %q, the page moved by %v: %s, %v", width, filter, by, what, err)
			if by > 0.005 { // a pixel of a line, once in many runs on a busy machine
				t.Error("the page moved")
			}
		}
	}
}
