package beforehand_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/trigger"
)

// hourly are a report, one that fails from its second run on, and one with
// parameters, as each site of a state has them.
type hourly struct {
	site  *beforehand.Site
	hot   *beforehand.Report[[]article]
	weak  *beforehand.Report[[]article]
	pages *beforehand.Family[page, string]
}

func newHourly(t *testing.T, state beforehand.State, hot, weak *atomic.Int64, p *pages) hourly {
	h := hourly{site: open(t, state)}
	every := beforehand.Policy{Trigger: trigger.Every(time.Hour)}
	h.hot = beforehand.New(h.site, "hot", counter(hot), every)
	h.weak = beforehand.New(h.site, "weak", func(context.Context) ([]article, error) {
		if weak.Add(1) > 1 {
			return nil, errors.New("broken")
		}
		return []article{{"/", 1}}, nil
	}, every)
	h.pages = beforehand.NewFamily(h.site, "page", parsePage, p.compute, beforehand.FamilyPolicy[page]{Policy: every})
	return h
}

// TestASiteTakesAnothersPlace has readers go from one site to the next at an
// instant: they get what they had, computed after the next one was loaded or held
// with parameters, before anything of the next one runs.
func TestASiteTakesAnothersPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hot, weak atomic.Int64
		state, p := memory.New(), &pages{}
		before := newHourly(t, state, &hot, &weak, p)
		ctx, leave := context.WithCancel(t.Context())
		gone := before.site.Begin(ctx)
		stop := run(t, before.site)
		settle(time.Second)
		get(before.pages, "/page.json?n=7")

		next := newHourly(t, state, &hot, &weak, p)
		if err := next.site.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		stop()
		if w := get(before.pages, "/page.json?n=8"); w.Body.String() != "\"8.1\"\n" {
			t.Errorf("with parameters, after the jobs ended: %d %q", w.Code, w.Body)
		}
		stale := get(before.weak, "/weak.json").Header().Get("Snapshot-State")

		next.site.Succeed(before.site)
		if w := get(next.hot, "/hot.json"); w.Code != http.StatusOK || next.hot.Value()[0].Views != 2 {
			t.Errorf("a result that came after the load: %d %v", w.Code, next.hot.Value())
		}
		if w := get(next.weak, "/weak.json"); w.Code != http.StatusOK || w.Header().Get("Snapshot-State") != stale || !strings.HasPrefix(stale, "stale") {
			t.Errorf("a report that fails: %d %q, not %q", w.Code, w.Header().Get("Snapshot-State"), stale)
		}
		for target, want := range map[string]string{"/page.json?n=7": "\"7.2\"\n", "/page.json?n=8": "\"8.1\"\n"} {
			if w := get(next.pages, target); w.Body.String() != want {
				t.Errorf("%s: %d %q", target, w.Code, w.Body)
			}
		}

		left := pipe(t, http.HandlerFunc(before.hot.Subscribe), 5*time.Second)
		lines := stream(t, left, "/hot/events", "")
		settle(time.Second)
		if got := taken(lines); strings.Contains(got, "end") {
			t.Errorf("a stream ends before its site is left: %s", got)
		}
		leave()
		gone()
		settle(time.Second)
		late := stream(t, left, "/hot/events", "")
		settle(time.Second)
		if ended, late := taken(lines), taken(late); !strings.HasSuffix(ended, "end") || !strings.HasSuffix(late, "end") {
			t.Errorf("streams of a site that is left: %q, and one that came later: %q", ended, late)
		}

		// Those read there are kept up to date here.
		defer run(t, next.site)()
		settle(time.Hour)
		if v, ok := next.pages.Value(page{7}); !ok || v != "7.3" {
			t.Errorf("an hour later: %q, %v", v, ok)
		}
	})
}

// TestLoadTellsHowReportsAre loads a site that does not run yet.
func TestLoadTellsHowReportsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hot, weak atomic.Int64
		state, p := memory.New(), &pages{}
		before := newHourly(t, state, &hot, &weak, p)
		stop := run(t, before.site)
		settle(time.Hour + time.Second)
		stop()
		next := newHourly(t, state, &hot, &weak, p)
		if err := next.site.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if st := next.weak.Status(); st.Stale == "" || st.NextAt.IsZero() || st.Version != 1 {
			t.Errorf("%+v", st)
		}
		beforehand.New(next.site, "hot", counter(&hot), beforehand.Policy{})
		if err := next.site.Load(t.Context()); err == nil {
			t.Error("two reports of one name are loaded")
		}
	})
}
