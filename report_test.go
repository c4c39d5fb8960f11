package beforehand_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/trigger"
)

type article struct {
	Path  string `json:"path"`
	Views int    `json:"views"`
}

// open makes a site over a state; run starts it until the test ends or stop is
// called.
func open(t *testing.T, state beforehand.State) *beforehand.Site {
	t.Helper()
	site, err := beforehand.Open(t.Context(), beforehand.Config{State: state, Poll: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func run(t *testing.T, site *beforehand.Site) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- site.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func get(h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// counter is a report's function that counts its calls.
func counter(calls *atomic.Int64) func(context.Context) ([]article, error) {
	return func(context.Context) ([]article, error) {
		return []article{{"/", int(calls.Add(1))}}, nil
	}
}

// settle lets real time go by in the bubble, so that what is due is done.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestReportIsComputedAtStartAndThenAsItsTriggerSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		site := open(t, memory.New())
		hot := beforehand.New(site, "blog/hot", counter(&calls), beforehand.Policy{Trigger: trigger.Every(time.Hour)})
		if w := get(hot, "/hot.json"); w.Code != 503 || w.Header().Get("Retry-After") == "" || hot.Value() != nil {
			t.Errorf("before the first result: %d %v %v", w.Code, w.Header(), hot.Value())
		}
		defer run(t, site)()
		settle(time.Second)
		if calls.Load() != 1 {
			t.Fatalf("%d runs at start, want 1", calls.Load())
		}
		w := get(hot, "/s/blog/hot.json")
		if w.Code != 200 || w.Body.String() != "[{\"path\":\"/\",\"views\":1}]\n" {
			t.Errorf("json: %d %q", w.Code, w.Body)
		}
		if w := get(hot, "/s/blog/hot.csv"); w.Body.String() != "path,views\r\n/,1\r\n" {
			t.Errorf("csv: %d %q", w.Code, w.Body)
		}
		if w := get(hot, "/hot", "Accept", "text/html"); !strings.Contains(w.Body.String(), "<td>1</td>") {
			t.Errorf("html: %d %q", w.Code, w.Body)
		}
		c := hot.Current()
		if len(c.Value) != 1 || c.Version != 1 || c.Stale != "" || c.NextAt.IsZero() || c.Bytes("json") != w.Body.Len() {
			t.Errorf("current: %+v", c)
		}
		settle(3 * time.Hour)
		if calls.Load() != 4 || hot.Value()[0].Views != 4 {
			t.Errorf("%d runs, value %v after three more hours, want 4", calls.Load(), hot.Value())
		}
		if age := w.Header().Get("Cache-Control"); age == "max-age=10" || !strings.HasPrefix(age, "max-age=") {
			t.Errorf("Cache-Control %q, want the time to the next result", age)
		}
	})
}

func TestReportIsServedAfterARestartWithoutBeingComputed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		state := memory.New()
		first := open(t, state)
		beforehand.New(first, "hot", counter(&calls), beforehand.Policy{Trigger: trigger.Every(time.Hour)})
		stop := run(t, first)
		settle(time.Minute)
		stop()

		second := open(t, state)
		hot := beforehand.New(second, "hot", counter(&calls), beforehand.Policy{Trigger: trigger.Every(time.Hour)})
		if w := get(hot, "/hot.json"); w.Code != 200 || hot.Value()[0].Views != 1 {
			t.Errorf("before run: %d, %v", w.Code, hot.Value())
		}
		defer run(t, second)()
		settle(time.Minute)
		if calls.Load() != 1 {
			t.Errorf("%d runs, want 1: a restart is no reason to compute", calls.Load())
		}
	})
}

func TestReportOfAnotherDefinitionIsServedUntilItIsComputedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := memory.New()
		old := open(t, state)
		beforehand.New(old, "hot", func(context.Context) ([]string, error) { return []string{"/"}, nil }, beforehand.Policy{})
		stop := run(t, old)
		settle(time.Minute)
		stop()

		site := open(t, state)
		gate := make(chan struct{})
		hot := beforehand.New(site, "hot", func(context.Context) ([]article, error) {
			<-gate
			return []article{{"/", 7}}, nil
		}, beforehand.Policy{})
		defer run(t, site)()
		settle(time.Minute)
		if w := get(hot, "/hot.json"); w.Body.String() != "[\"/\"]\n" || hot.Value() != nil {
			t.Errorf("meanwhile: %d %q, %v", w.Code, w.Body, hot.Value())
		}
		close(gate)
		settle(time.Second)
		if v := hot.Value(); len(v) != 1 || v[0].Views != 7 {
			t.Errorf("value %v, want the new one", v)
		}
	})
}

// Two versions of a program run side by side: each serves what it has computed
// itself, and the other's only as long as it has nothing.
func TestMixedVersionsServeTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := memory.New()
		var reports []*beforehand.Report[int]
		for i := range 2 {
			site, err := beforehand.Open(t.Context(), beforehand.Config{
				State: state, Scheduler: scheduler.Config{Labels: []string{strconv.Itoa(i)}},
			})
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, beforehand.New(site, "n", func(context.Context) (int, error) { return i, nil },
				beforehand.Policy{Definition: strconv.Itoa(i), Job: scheduler.Job{Labels: []string{"0"}}}))
			defer run(t, site)()
			settle(time.Minute)
			// Only the first may run it, so the second has nothing of its own.
			if w := get(reports[i], "/n.json"); w.Body.String() != "0\n" {
				t.Errorf("version %d serves %q", i, w.Body)
			}
		}
		if err := reports[1].Restore(t.Context(), 1); err != nil { // the second's own from now on
			t.Fatal(err)
		}
		version := reports[1].Current().Version
		for range 3 {
			if err := reports[0].Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			settle(time.Minute)
		}
		if a, b := reports[0].Current().Version, reports[1].Current().Version; b != version || a != version+3 {
			t.Errorf("the first serves version %d, the second %d, want %d and %d", a, b, version+3, version)
		}
	})
}

func TestReportKeepsItsLastResultWhenARunFails(t *testing.T) {
	fails := map[string]func() ([]article, error){
		"error": func() ([]article, error) { return nil, errors.New("dial db: password secret") },
		"panic": func() ([]article, error) { panic("secret") },
	}
	for name, fail := range fails {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var broken atomic.Bool
				site := open(t, memory.New())
				hot := beforehand.New(site, "hot", func(context.Context) ([]article, error) {
					if broken.Load() {
						return fail()
					}
					return []article{{"/", 1}}, nil
				}, beforehand.Policy{Trigger: trigger.Every(time.Hour)})
				defer run(t, site)()
				settle(time.Second)
				before := get(hot, "/hot.json")
				broken.Store(true)
				settle(2 * time.Hour)
				w := get(hot, "/hot.json")
				if w.Code != 200 || w.Body.String() != before.Body.String() || w.Header().Get("ETag") != before.Header().Get("ETag") {
					t.Errorf("after the failure: %d %q", w.Code, w.Body)
				}
				if s := w.Header().Get("Snapshot-State"); s != `stale; reason="the last run failed"` {
					t.Errorf("Snapshot-State %q", s)
				}
				if a := w.Header().Get("Cache-Control"); a != "max-age=10" {
					t.Errorf("Cache-Control %q", a)
				}
				c := hot.Current()
				if c.Failures != 2 || !strings.Contains(c.Error, "secret") || c.Stale == "" {
					t.Errorf("failures %d, error %q", c.Failures, c.Error)
				}
				status := httptest.NewRecorder()
				hot.ServeStatus(status, httptest.NewRequest("GET", "/hot/status.json", nil))
				if b := status.Body.String(); strings.Contains(b, "secret") || !strings.Contains(b, `"failures":2`) {
					t.Errorf("status for every reader: %s", b)
				}
				broken.Store(false)
				settle(time.Hour)
				if c := hot.Current(); c.Failures != 0 || c.Stale != "" || c.Error != "" || c.Version != 2 {
					t.Errorf("after a success: %+v", c)
				}
			})
		})
	}
}

func TestReportWithAnUnchangedResultKeepsItsTagAndDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := open(t, memory.New())
		hot := beforehand.New(site, "hot", func(context.Context) (int, error) { return 42, nil },
			beforehand.Policy{Trigger: trigger.Every(time.Hour)})
		defer run(t, site)()
		settle(2 * time.Second)
		first := get(hot, "/hot.json")
		settle(2 * time.Hour)
		w := get(hot, "/hot.json", "If-None-Match", first.Header().Get("ETag"))
		if w.Code != 304 || w.Header().Get("Snapshot-Computed-At") == first.Header().Get("Snapshot-Computed-At") {
			t.Errorf("%d %v, want 304 with a new time", w.Code, w.Header())
		}
		if w = get(hot, "/hot.json", "If-Modified-Since", first.Header().Get("Last-Modified")); w.Code != 304 {
			t.Errorf("%d, want 304 by date", w.Code)
		}
	})
}

// d reads b and c, which both read a.
func TestReportsRunAfterThoseTheyRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls [4]atomic.Int64
		site := open(t, memory.New())
		var a, b, c *beforehand.Report[int64]
		// Added in the wrong order on purpose.
		d := beforehand.New(site, "d", func(context.Context) (int64, error) {
			calls[3].Add(1)
			return b.Value()*1000 + c.Value(), nil
		}, beforehand.Policy{After: []string{"b", "c"}})
		c = beforehand.New(site, "c", func(context.Context) (int64, error) {
			calls[2].Add(1)
			return a.Value() + 1, nil
		}, beforehand.Policy{After: []string{"a"}})
		b = beforehand.New(site, "b", func(context.Context) (int64, error) {
			calls[1].Add(1)
			time.Sleep(time.Minute)
			return a.Value() + 1, nil
		}, beforehand.Policy{After: []string{"a"}})
		a = beforehand.New(site, "a", func(context.Context) (int64, error) {
			time.Sleep(time.Minute)
			return calls[0].Add(1), nil
		}, beforehand.Policy{Trigger: trigger.Every(time.Hour)})
		defer run(t, site)()
		settle(10 * time.Minute)
		for hour := int64(1); hour <= 3; hour++ {
			for i := range calls {
				if calls[i].Load() != hour {
					t.Errorf("hour %d: %d runs of report %d, want %d", hour, calls[i].Load(), i, hour)
				}
			}
			if want := (hour+1)*1000 + hour + 1; d.Value() != want {
				t.Errorf("hour %d: d is %d, want %d", hour, d.Value(), want)
			}
			settle(time.Hour)
		}
	})
}

// A report reads what another process has just computed, before it would have
// heard of it.
func TestReportReadsTheNewestOfThoseItRunsAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := memory.New()
		sum := map[string]*beforehand.Report[int64]{}
		for _, label := range []string{"one", "two"} {
			site, err := beforehand.Open(t.Context(), beforehand.Config{
				State: state, Poll: 24 * time.Hour, Scheduler: scheduler.Config{Labels: []string{label}},
			})
			if err != nil {
				t.Fatal(err)
			}
			var n atomic.Int64
			a := beforehand.New(site, "a", func(context.Context) (int64, error) { return n.Add(1), nil },
				beforehand.Policy{Trigger: trigger.Every(time.Hour), Job: scheduler.Job{Labels: []string{"one"}}})
			sum[label] = beforehand.New(site, "b", func(context.Context) (int64, error) { return a.Value() * 10, nil },
				beforehand.Policy{After: []string{"a"}, Job: scheduler.Job{Labels: []string{"two"}}})
			defer run(t, site)()
		}
		settle(3*time.Hour + time.Minute)
		if v := sum["two"].Value(); v != 40 {
			t.Errorf("b is %d, want 40", v)
		}
	})
}

// A circle, or a report that runs after one nobody has, would wait for ever.
func TestRunTellsOfReportsThatWouldWaitForEver(t *testing.T) {
	one := func(context.Context) (int, error) { return 1, nil }
	for _, tt := range []struct{ reports, want string }{ // each a name and those it runs after
		{"a:a", "new report a: it would run after itself: a, which runs after a"},
		{"a:b b:a", "new report b: it would run after itself: b, which runs after a, which runs after b"},
		{"a:c b:a c:b", "new report c: it would run after itself: c, which runs after b, which runs after a, which runs after c"},
		{"a: b:a,d d:b", "new report d: it would run after itself: d, which runs after b, which runs after d"},
		{"a: b:a,d", "run site: report b runs after d, and there is no report of that name; make it before Run"},
	} {
		site := open(t, memory.New())
		for r := range strings.FieldsSeq(tt.reports) {
			name, after, _ := strings.Cut(r, ":")
			policy := beforehand.Policy{}
			if after != "" {
				policy.After = strings.Split(after, ",")
			}
			beforehand.New(site, name, one, policy)
		}
		if err := site.Run(t.Context()); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.reports, err, tt.want)
		}
	}
	site := open(t, memory.New())
	beforehand.New(site, "a", one, beforehand.Policy{})
	beforehand.New(site, "b", one, beforehand.Policy{Trigger: trigger.Every(time.Hour), After: []string{"a"}})
	if err := site.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "both a trigger and jobs to run after") {
		t.Errorf("a trigger and After: %v", err)
	}
}

func TestReplicasSwapWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		state := memory.New()
		var reports []*beforehand.Report[[]article]
		for range 3 {
			site, err := beforehand.Open(t.Context(), beforehand.Config{State: state})
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, beforehand.New(site, "hot", counter(&calls), beforehand.Policy{Trigger: trigger.Every(time.Hour)}))
			defer run(t, site)()
		}
		settle(time.Second)
		for n := range int64(5) {
			if calls.Load() != n+1 {
				t.Fatalf("%d runs after %d hours among three replicas", calls.Load(), n)
			}
			for i, r := range reports {
				if v := r.Value(); len(v) == 0 || int64(v[0].Views) != n+1 {
					t.Errorf("replica %d has %v after a second, want %d", i, v, n+1)
				}
			}
			// To one second behind the next hour.
			settle(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour + time.Second)))
		}
	})
}

// A snapshot whose bytes are damaged is not served: the one before it is, and
// the report is computed anew at start.
func TestDamagedSnapshotIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		state := &damaging{State: memory.New()}
		first := open(t, state)
		hot := beforehand.New(first, "hot", counter(&calls), beforehand.Policy{})
		stop := run(t, first)
		settle(time.Second)
		if err := hot.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()

		state.version = 2
		site := open(t, state)
		hot = beforehand.New(site, "hot", counter(&calls), beforehand.Policy{})
		if c := hot.Current(); c.Version != 1 || c.Value[0].Views != 1 {
			t.Errorf("version %d, %v, want the first", c.Version, c.Value)
		}
		defer run(t, site)()
		settle(time.Second)
		if c := hot.Current(); c.Version != 3 || c.Value[0].Views != 3 {
			t.Errorf("version %d, %v, want a new one", c.Version, c.Value)
		}
	})
}

// Whoever reads an older version slowly does not put it in place of a newer one.
func TestOlderSnapshotDoesNotReplaceANewerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		state := &delaying{State: memory.New()}
		site := open(t, state)
		hot := beforehand.New(site, "hot", counter(&calls), beforehand.Policy{})
		defer run(t, site)()
		settle(time.Second)
		go func() { _ = hot.Refresh(context.Background()) }()
		settle(time.Second) // one of those who follow hangs with version 2
		if err := hot.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if c := hot.Current(); c.Version != 3 || c.Value[0].Views != 3 {
				t.Errorf("version %d, %v, want the third", c.Version, c.Value)
			}
			settle(time.Minute)
		}
		if !state.delayed.Load() {
			t.Error("nothing was delayed")
		}
	})
}

// delaying is a state that hands version 2 out a minute late, once.
type delaying struct {
	beforehand.State
	delayed atomic.Bool
}

func (d *delaying) Snapshots() snapshot.Store { return delayedStore{d.State.Snapshots(), d} }

type delayedStore struct {
	snapshot.Store
	d *delaying
}

func (s delayedStore) Get(ctx context.Context, k snapshot.Key, version int64) (snapshot.Snapshot, error) {
	got, err := s.Store.Get(ctx, k, version)
	if got.Version == 2 && s.d.delayed.CompareAndSwap(false, true) {
		time.Sleep(time.Minute)
	}
	return got, err
}

// damaging is a state in which one version cannot be read any more.
type damaging struct {
	beforehand.State
	version int64
}

func (d *damaging) Snapshots() snapshot.Store { return damagedStore{d.State.Snapshots(), d} }

type damagedStore struct {
	snapshot.Store
	d *damaging
}

func (s damagedStore) Get(ctx context.Context, k snapshot.Key, version int64) (snapshot.Snapshot, error) {
	got, err := s.Store.Get(ctx, k, version)
	if err == nil && got.Version == s.d.version {
		return snapshot.Snapshot{}, snapshot.ErrCorrupt
	}
	return got, err
}

func TestRunTellsWhatNewFoundWrong(t *testing.T) {
	for _, names := range [][]string{{"hot", "hot"}, {"../hot"}, {""}, {"/hot"}, {"a//b"}, {"a/.b"}, {"a@b"}, {"."}} {
		site := open(t, memory.New())
		for _, name := range names {
			beforehand.New(site, name, func(context.Context) (int, error) { return 1, nil }, beforehand.Policy{})
		}
		if err := site.Run(t.Context()); err == nil {
			t.Errorf("%q: no error", names)
		}
	}
}
