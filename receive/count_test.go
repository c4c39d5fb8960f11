package receive

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// growing is a store with as many pageviews of /a as it says, and one of /b.
type growing struct {
	mu        sync.Mutex
	pageviews int64
	asked     int
	takes     time.Duration
	err       error
}

// becomes changes the store, and returns how often it was asked.
func (g *growing) becomes(pageviews int64, takes time.Duration, err error) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pageviews, g.takes, g.err = pageviews, takes, err
	return g.asked
}

func (g *growing) Query(context.Context, pageview.Query) (pageview.Answer, error) {
	g.mu.Lock()
	g.asked++
	takes := g.takes
	g.mu.Unlock()
	time.Sleep(takes)
	g.mu.Lock()
	defer g.mu.Unlock()
	of := pageview.Values{Pageviews: g.pageviews, Visitors: g.pageviews / 2}
	all := pageview.Values{Pageviews: g.pageviews + 1, Visitors: g.pageviews/2 + 1}
	return pageview.Answer{Rows: []pageview.Row{{Keys: []string{"/a"}, Values: of}}, Total: all}, g.err
}

// counter is a receiver of a site that counts from a store.
func counter(t *testing.T, store Asker) (*Receiver, func(path string) *httptest.ResponseRecorder) {
	t.Helper()
	site := &collect.Site{Name: "blog", Zone: time.UTC, Hosts: []string{"blog.example"}, Paths: collect.PathRules{Index: []string{"index.html"}}}
	r, err := New(Config{Sites: collect.Sites{site}, Counts: store})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	r.Mount(mux)
	return r, func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
}

func TestCounts(t *testing.T) {
	_, get := counter(t, &growing{pageviews: 1234})
	for path, want := range map[string]string{
		"/w/blog/count.json":                          `{"site":{"pageviews":1235,"visitors":618}}`,
		"/w/blog/count.json?page=/a":                  `{"site":{"pageviews":1235,"visitors":618},"page":{"path":"/a","pageviews":1234,"visitors":617}}`,
		"/w/blog/count.json?page=/a/index.html?b=1":   `{"site":{"pageviews":1235,"visitors":618},"page":{"path":"/a/","pageviews":0,"visitors":0}}`,
		"/w/blog/count.json?page=https://elsewhere/a": `{"site":{"pageviews":1235,"visitors":618},"page":{"path":"","pageviews":0,"visitors":0}}`,
		"/w/other/count.json":                         "no such site here",
	} {
		w := get(path)
		if got := strings.TrimSpace(w.Body.String()); got != want || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %s, want %s", path, w.Code, got, want)
		}
	}
	for path, want := range map[string]string{
		"/w/blog/count.svg": ">1,235</text>",
		"/w/blog/count.svg?of=page&page=/a&metric=visitors": ">617</text>",
		"/w/blog/count.svg?theme=dark":                      "<style>text{fill:#e6e9ec}</style>",
		"/w/blog/count.svg?theme=red":                       "",
		"/w/blog/count.svg?of=page":                         "",
		"/w/blog/count.svg?of=all":                          "",
		"/w/blog/count.svg?metric=x":                        "",
	} {
		w := get(path)
		if ok := w.Code == http.StatusOK; ok != (want != "") || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestCountsThatCannotBeReadAreNotZero(t *testing.T) {
	store := &growing{err: errors.New("the disk is gone")}
	_, get := counter(t, store)
	if w := get("/w/blog/count.json"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	store.err = nil
	if w := get("/w/blog/count.json"); w.Code != http.StatusOK {
		t.Errorf("the store is back: %d %s", w.Code, w.Body)
	}
}

// TestCountsFollowEveryWayIn lets a store grow by what did not come over HTTP.
func TestCountsFollowEveryWayIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &growing{pageviews: 10}
		r, get := counter(t, store)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); r.Run(ctx) }()
		says := func(when, want string) {
			t.Helper()
			if got := get("/w/blog/count.json").Body.String(); !strings.Contains(got, `{"pageviews":`+want+`,`) {
				t.Errorf("%s: %s, want %s", when, got, want)
			}
		}
		says("at first", "11")
		store.becomes(20, 0, nil)
		says("at once", "11")
		time.Sleep(recountAfter + 2*recountEvery)
		says("after a minute", "21")
		store.becomes(30, 0, errors.New("the disk is gone"))
		time.Sleep(recountAfter + 2*recountEvery)
		says("while the store fails", "21")
		store.becomes(30, 30*time.Second, nil)
		time.Sleep(recountAfter + 2*recountEvery + 30*time.Second)
		says("once it is back", "31")
		asked := store.becomes(30, 30*time.Second, nil)
		time.Sleep(5 * time.Minute) // less than twenty times what it took
		if again := store.becomes(30, 0, nil); again != asked {
			t.Error("a store that takes long is asked too often")
		}
		time.Sleep(time.Hour)
		if again := store.becomes(30, 0, nil); again != asked {
			t.Errorf("asked %d times though nobody reads", again-asked)
		}
		stop()
		<-ended
	})
}

// TestAReceiverForOtherSitesGoesOn adds a site beside one, and then removes that one.
func TestAReceiverForOtherSitesGoesOn(t *testing.T) {
	store := &growing{pageviews: 10}
	r, _ := counter(t, store)
	blog, wiki := r.Sites[0], &collect.Site{Name: "wiki", Zone: time.UTC}
	ask := func(r *Receiver) int {
		t.Helper()
		if c, err := r.counts(t.Context(), blog, ""); err != nil || c.Site.Pageviews != 11 {
			t.Errorf("%+v, %v", c, err)
		}
		return store.becomes(10, 0, nil)
	}
	ask(r)
	r.noteSeen(blog, pageview.SourceScript, "", &pageview.Pageview{})
	r.noteUnknown(pageview.SourceScript, "other.example")

	next := r.For(collect.Sites{blog, wiki})
	if n := ask(next); n != 1 {
		t.Errorf("the store was asked %d times", n)
	}
	if got := next.Arrivals("blog"); len(got) != 2 {
		t.Errorf("what came: %+v", got)
	}
	if next.Sites.Named("wiki") == nil || r.Sites.Named("wiki") != nil {
		t.Error("sites are mixed up")
	}

	again := next.For(collect.Sites{wiki}).For(collect.Sites{blog, wiki})
	if n := ask(again); n != 2 {
		t.Errorf("a site of the same name: the store was asked %d times", n)
	}
	if got := again.Arrivals("blog"); len(got) != 1 || !got[0].Nobodys() {
		t.Errorf("what came of a site of the same name: %+v", got)
	}
}
