package beforehand_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/trigger"
)

type page struct {
	N int `json:"n"`
}

func parsePage(r *http.Request) (page, error) {
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || n < 1 || n > 1000 {
		return page{}, errors.New("n is 1 to 1000")
	}
	return page{n}, nil
}

// pages counts computations by page.
type pages struct {
	mu    sync.Mutex
	calls map[int]int
	took  time.Duration
	fail  atomic.Bool
}

func (p *pages) compute(ctx context.Context, q page) (string, error) {
	time.Sleep(p.took)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil {
		p.calls = map[int]int{}
	}
	p.calls[q.N]++
	if p.fail.Load() {
		return "", errors.New("broken")
	}
	return fmt.Sprintf("%d.%d", q.N, p.calls[q.N]), ctx.Err()
}

func (p *pages) count(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[n]
}

func TestFamilyComputesOnceForAStampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{took: 2 * time.Second}
		site := open(t, memory.New())
		f := beforehand.NewFamily(site, "page", parsePage, p.compute, beforehand.FamilyPolicy[page]{})
		defer run(t, site)()
		settle(time.Second)
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				w := get(f, fmt.Sprintf("/page.json?utm=%d&n=7", i))
				if w.Code != 200 || w.Body.String() != "\"7.1\"\n" {
					t.Errorf("%d %q", w.Code, w.Body)
				}
			})
		}
		wg.Wait()
		if p.count(7) != 1 {
			t.Errorf("%d computations, want 1", p.count(7))
		}
		for _, target := range []string{"/page.json", "/page.json?n=0", "/page.json?n=1001", "/page.json?n=x"} {
			if w := get(f, target); w.Code != 404 {
				t.Errorf("%s: %d, want 404", target, w.Code)
			}
		}
		if len(p.calls) != 1 {
			t.Errorf("computed %v", p.calls)
		}
		if v, ok := f.Value(page{7}); v != "7.1" || !ok {
			t.Errorf("value %q, %t", v, ok)
		}
		if v, ok := f.Value(page{8}); v != "" || ok {
			t.Errorf("value of what is not held: %q, %t", v, ok)
		}
		settle(3 * time.Second)
		if v, ok := f.Value(page{8}); v != "8.1" || !ok {
			t.Errorf("value asked for before: %q, %t", v, ok)
		}
	})
}

func TestFamilyRefreshesWhatIsReadAndServesTheRestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{took: time.Second}
		site := open(t, memory.New())
		f := beforehand.NewFamily(site, "page", parsePage, p.compute,
			beforehand.FamilyPolicy[page]{Policy: beforehand.Policy{Trigger: trigger.Every(time.Hour)}})
		defer run(t, site)()
		settle(10 * time.Second)
		get(f, "/page.json?n=1")
		get(f, "/page.json?n=2")
		for range 4 {
			settle(time.Hour)
			get(f, "/page.json?n=1")
		}
		if p.count(1) != 5 {
			t.Errorf("%d computations of what is read each hour, want 5", p.count(1))
		}
		if p.count(2) > 2 {
			t.Errorf("%d computations of what was read once, want at most 2", p.count(2))
		}
		// Let go here, kept in the state: served at once, computed behind.
		began := time.Now()
		before := p.count(2)
		for _, want := range []int{before, before + 1} {
			w := get(f, "/page.json?n=2")
			if w.Code != 200 || w.Body.String() != fmt.Sprintf("\"2.%d\"\n", want) {
				t.Errorf("%d %q after %v, want result %d", w.Code, w.Body, time.Since(began), want)
			}
			if want == before && !time.Now().Equal(began) {
				t.Errorf("waited %v", time.Since(began))
			}
			settle(2 * p.took)
		}
	})
}

func TestFamilyServesTheOldWhileItComputesTheNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{took: time.Second}
		state := memory.New()
		policy := beforehand.FamilyPolicy[page]{Policy: beforehand.Policy{Trigger: trigger.Every(time.Hour)}}
		var sites []*beforehand.Family[page, string]
		for range 2 {
			site, err := beforehand.Open(t.Context(), beforehand.Config{State: state})
			if err != nil {
				t.Fatal(err)
			}
			sites = append(sites, beforehand.NewFamily(site, "page", parsePage, p.compute, policy))
			defer run(t, site)()
		}
		settle(10 * time.Second)
		a, b := sites[0], sites[1]
		get(a, "/page.json?n=3")
		settle(time.Second)
		if w := get(b, "/page.json?n=3"); w.Body.String() != "\"3.1\"\n" || p.count(3) != 1 {
			t.Errorf("the other replica: %q after %d computations, want the first's", w.Body, p.count(3))
		}
		p.fail.Store(true)
		settle(time.Hour)
		for range 3 {
			if w := get(a, "/page.json?n=3"); w.Code != 200 || w.Body.String() != "\"3.1\"\n" {
				t.Errorf("while it fails: %d %q", w.Code, w.Body)
			}
			settle(time.Second)
		}
		if n := p.count(3); n > 6 {
			t.Errorf("%d computations of what fails: no backoff", n)
		}
		p.fail.Store(false)
		settle(2 * time.Hour)
		get(a, "/page.json?n=3")
		settle(5 * time.Second)
		if w := get(a, "/page.json?n=3"); w.Body.String() == "\"3.1\"\n" || w.Header().Get("Snapshot-State") != "fresh" {
			t.Errorf("after it works again: %q %v", w.Body, w.Header())
		}
	})
}

func TestFamilyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{}
		var gets atomic.Int64
		state := counting{memory.New(), &gets}
		site := open(t, state)
		f := beforehand.NewFamily(site, "page", parsePage, p.compute, beforehand.FamilyPolicy[page]{Max: 5})
		defer run(t, site)()
		settle(time.Second)
		for n := 1; n <= 200; n++ {
			if w := get(f, fmt.Sprintf("/page.json?n=%d", n)); w.Code != 200 {
				t.Fatalf("n=%d: %d", n, w.Code)
			}
			settle(time.Millisecond)
		}
		for n := 200; n > 195; n-- {
			if before := gets.Load(); get(f, fmt.Sprintf("/page.json?n=%d", n)).Code != 200 || gets.Load() != before {
				t.Errorf("n=%d is not held", n)
			}
			settle(time.Millisecond)
		}
		settle(time.Minute)
		list, err := state.Snapshots().Changes(t.Context(), 0)
		if err != nil || len(list) > 60 || len(list) < 10 {
			t.Errorf("%d kept, %v, want about 50", len(list), err)
		}
		// What was let go comes back from the state without being computed.
		q := page{200}             // read longest ago of those held
		get(f, "/page.json?n=999") // takes the place of the first of the last five
		computed, read := p.count(q.N), gets.Load()
		if w := get(f, fmt.Sprintf("/page.json?n=%d", q.N)); w.Code != 200 || p.count(q.N) != computed || gets.Load() == read {
			t.Errorf("%d, %d computations more, %d reads of the state", w.Code, p.count(q.N)-computed, gets.Load()-read)
		}
	})
}

func TestFamilyBoundsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls, gets atomic.Int64
		site := open(t, counting{memory.New(), &gets})
		f := beforehand.NewFamily(site, "page", parsePage, func(context.Context, page) (beforehand.Files, error) {
			calls.Add(1)
			return beforehand.Files{"png": []byte(strings.Repeat("x", 1000))}, nil
		}, beforehand.FamilyPolicy[page]{MaxBytes: 3500})
		defer run(t, site)()
		settle(time.Second)
		for n := 1; n <= 50; n++ {
			get(f, fmt.Sprintf("/page.png?n=%d", n))
			settle(time.Millisecond)
		}
		for n := 50; n > 47; n-- {
			before := gets.Load()
			get(f, fmt.Sprintf("/page.png?n=%d", n))
			if gets.Load() != before {
				t.Errorf("n=%d is not held", n)
			}
		}
		before := gets.Load()
		get(f, "/page.png?n=47")
		if gets.Load() == before || calls.Load() != 50 {
			t.Errorf("n=47: %d reads of the state, %d computations", gets.Load()-before, calls.Load())
		}
	})
}

func TestFamilyThatIsNotRunning(t *testing.T) {
	site := open(t, memory.New())
	f := beforehand.NewFamily(site, "page", parsePage, (&pages{}).compute, beforehand.FamilyPolicy[page]{})
	if w := get(f, "/page.json?n=1"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v, want 503", w.Code, w.Header())
	}
}

// Computations under way keep nobody from what the state has.
func TestFamilyServesWhatTheStateHasWhileOthersAreComputed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{}
		state := memory.New()
		first := open(t, state)
		f := beforehand.NewFamily(first, "page", parsePage, p.compute, beforehand.FamilyPolicy[page]{})
		stop := run(t, first)
		settle(time.Second)
		get(f, "/page.json?n=1")
		stop()

		site := open(t, state)
		f = beforehand.NewFamily(site, "page", parsePage, p.compute, beforehand.FamilyPolicy[page]{})
		defer run(t, site)()
		settle(time.Second)
		p.took = time.Minute
		for n := 2; n < 50; n++ {
			f.Value(page{n})
		}
		began := time.Now()
		if w := get(f, "/page.json?n=1"); w.Body.String() != "\"1.1\"\n" || !time.Now().Equal(began) {
			t.Errorf("%d %q after %v", w.Code, w.Body, time.Since(began))
		}
		if p.count(1) != 1 {
			t.Errorf("%d computations: a restart is no reason to compute", p.count(1))
		}
	})
}

func TestFamilyComputesWhatIsAlwaysWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{}
		dir, state := t.TempDir(), memory.New()
		policy := beforehand.FamilyPolicy[page]{
			Policy: beforehand.Policy{Trigger: trigger.Every(time.Hour)}, Always: []page{{1}, {2}, {1}}, Max: 2,
		}
		site := publishing(t, state, dir)
		f := beforehand.NewFamily(site, "site/page", parsePage, p.compute, policy)
		stop := run(t, site)
		settle(time.Second)
		for n := 3; n < 50; n++ { // readers of others push nobody out
			get(f, fmt.Sprintf("/page.json?n=%d", n))
			settle(time.Millisecond)
		}
		settle(2 * time.Hour)
		if p.count(1) != 3 || p.count(2) != 3 {
			t.Errorf("%d and %d computations, want one at start and one an hour", p.count(1), p.count(2))
		}
		var want strings.Builder
		want.WriteString(".beforehand.json")
		for _, n := range []string{"1", "2"} {
			for _, ending := range []string{"csv", "html", "html.gz", "json", "md"} {
				want.WriteString(" site/page/n=" + n + "." + ending)
			}
		}
		if got := files(t, dir); got != want.String() {
			t.Errorf("files %s, want %s", got, want.String())
		}
		if got := read(t, filepath.Join(dir, "site/page/n=2.json")); got != "\"2.3\"\n" {
			t.Errorf("published: %q", got)
		}
		stop()

		// Before it runs again it serves them; what is no longer wanted goes.
		site = publishing(t, state, dir)
		policy.Always = []page{{2}, {60}}
		f = beforehand.NewFamily(site, "site/page", parsePage, p.compute, policy)
		if v, ok := f.Value(page{2}); v != "2.3" || !ok {
			t.Errorf("after a restart: %q, %t", v, ok)
		}
		defer run(t, site)()
		settle(time.Second)
		if got := files(t, dir); strings.Contains(got, "n=1.") || !strings.Contains(got, "n=60.json") {
			t.Errorf("files %s", got)
		}
	})
}

func TestFamilyTellsItsStatusAndEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{}
		site := open(t, memory.New())
		f := beforehand.NewFamily(site, "page", parsePage, p.compute,
			beforehand.FamilyPolicy[page]{Policy: beforehand.Policy{Trigger: trigger.Every(time.Minute)}, Max: 1})
		stop := run(t, site)
		settle(time.Second)
		client := pipe(t, http.HandlerFunc(f.Subscribe), 5*time.Second)
		lines := stream(t, client, "/events?n=7", "")
		settle(time.Millisecond)
		if got := taken(lines); got != "retry:3000 event:snapshot id:2" { // the claim was version 1
			t.Errorf("the first result of a stream: %s", got)
		}
		// A stream keeps its result warm, also when it has to come back.
		get(f, "/page.json?n=8")
		settle(2 * time.Minute)
		if got := strings.Count(taken(lines), "event:snapshot"); got != 2 || p.count(7) != 3 {
			t.Errorf("%d events and %d computations in two minutes", got, p.count(7))
		}
		w := get(http.HandlerFunc(f.ServeStatus), "/status.json?n=7")
		var st struct {
			Report  string
			Params  page
			Version int64
			Next    time.Time `json:"next_at"`
			Files   []snapshot.File
		}
		if err := json.Unmarshal(w.Body.Bytes(), &st); err != nil {
			t.Fatal(err)
		}
		if st.Report != "page" || st.Params.N != 7 || st.Version != 6 || st.Next.IsZero() || len(st.Files) == 0 {
			t.Errorf("status %s", w.Body)
		}
		if c := f.Current(page{7}); c.Value != "7.3" || c.Version != 6 || string(c.Params) != `{"n":7}` {
			t.Errorf("current %+v", c)
		}
		for _, h := range []http.HandlerFunc{f.ServeStatus, f.Subscribe} {
			if w := get(h, "/?n=0"); w.Code != 404 {
				t.Errorf("%d for parameters that are none, want 404", w.Code)
			}
		}
		stop()
		settle(time.Second)
		if got := taken(lines); !strings.HasSuffix(got, "end") {
			t.Errorf("when the site stops: %s", got)
		}
	})
}

// A tick is one process's; what is read in another is warm there as well.
func TestFamilyIsWarmInEveryReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pages{took: time.Second}
		state := memory.New()
		policy := beforehand.FamilyPolicy[page]{Policy: beforehand.Policy{Trigger: trigger.Every(time.Hour)}}
		var replicas []*beforehand.Family[page, string]
		for range 3 {
			site, err := beforehand.Open(t.Context(), beforehand.Config{State: state, Poll: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			replicas = append(replicas, beforehand.NewFamily(site, "page", parsePage, p.compute, policy))
			defer run(t, site)()
		}
		settle(time.Second)
		for hour := range 4 {
			for i, f := range replicas { // each has its readers
				want := fmt.Sprintf("\"%d.%d\"\n", i+1, hour+1)
				if w := get(f, fmt.Sprintf("/page.json?n=%d", i+1)); w.Body.String() != want {
					t.Errorf("hour %d, replica %d: %q, want %q", hour, i, w.Body, want)
				}
			}
			settle(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour + 30*time.Second)))
		}
	})
}

// A family reads a report, and a report the family: each runs after what it
// reads.
func TestFamilyRunsAfterWhatItReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		site := open(t, memory.New())
		var f *beforehand.Family[page, int64]
		total := beforehand.New(site, "total", func(context.Context) (int64, error) {
			v, _ := f.Value(page{2})
			return v + 1, nil
		}, beforehand.Policy{After: []string{"page"}})
		base := beforehand.New(site, "base", func(context.Context) (int64, error) { return n.Add(1), nil },
			beforehand.Policy{Trigger: trigger.Every(time.Hour)})
		f = beforehand.NewFamily(site, "page", parsePage, func(_ context.Context, p page) (int64, error) {
			return base.Value() * int64(p.N), nil
		}, beforehand.FamilyPolicy[page]{Policy: beforehand.Policy{After: []string{"base"}}, Always: []page{{2}}})
		defer run(t, site)()
		for hour := int64(1); hour <= 3; hour++ {
			settle(time.Minute)
			if v, _ := f.Value(page{2}); n.Load() != hour || v != 2*hour || total.Value() != 2*hour+1 {
				t.Errorf("hour %d: %d runs, page %d, total %d", hour, n.Load(), v, total.Value())
			}
			settle(59 * time.Minute)
		}
	})
}

// counting counts how often a snapshot is read from the state.
type counting struct {
	beforehand.State
	gets *atomic.Int64
}

func (c counting) Snapshots() snapshot.Store { return countingStore{c.State.Snapshots(), c.gets} }

type countingStore struct {
	snapshot.Store
	gets *atomic.Int64
}

func (c countingStore) Get(ctx context.Context, k snapshot.Key, version int64) (snapshot.Snapshot, error) {
	c.gets.Add(1)
	return c.Store.Get(ctx, k, version)
}

func TestAwaitWaitsForTheFirstResultOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := open(t, memory.New())
		family := beforehand.NewFamily(site, "top", func(*http.Request) (int, error) { return 0, nil },
			func(_ context.Context, n int) (int, error) {
				time.Sleep(time.Duration(n) * time.Second)
				if n == 3 {
					return 0, errors.New("three")
				}
				return n, nil
			}, beforehand.FamilyPolicy[int]{})
		defer run(t, site)()
		settle(time.Second)
		for _, c := range []struct {
			n, value int
			waited   time.Duration
		}{{2, 2, 2 * time.Second}, {2, 2, 0}, {3, 0, 3 * time.Second}, {9, 0, 5 * time.Second}} {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			got := family.Await(ctx, c.n)
			cancel()
			if waited := time.Since(began); got.Value != c.value || waited != c.waited || (got.Version > 0) != (c.value > 0) {
				t.Errorf("%d: %d, version %d, after %v", c.n, got.Value, got.Version, waited)
			}
		}
	})
}
