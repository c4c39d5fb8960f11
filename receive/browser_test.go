package receive_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/internal/chromium"
	"github.com/beforehand-go/beforehand/internal/throwaway"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/receive"
)

// world is a site in a browser, and the server that counts it, each under a
// host name of its own that only this browser knows.
type world struct {
	*ways
	t           *testing.T
	site, stats string // with scheme, host and port
	*chromium.Browser

	mu    sync.Mutex
	log   strings.Builder // the site's access log
	asked []string        // paths that the site was asked for
}

// script is the element of the page, with more attributes.
func (w *world) script(attributes string) string {
	return fmt.Sprintf(`<script defer src="%s/b.js" %s></script>`, w.stats, attributes)
}

// newServers starts the site and the server that counts it. Pages maps a path
// to the body of its page; a page that is not named has the script alone.
func newServers(t *testing.T, pages func(w *world) map[string]string) *world {
	t.Helper()
	w := &world{t: t, ways: newWays(t, func(c *receive.Config) { c.Sites[0].Hosts, c.Counts = []string{"blog.example", "127.0.0.1"}, &former{} })}
	stats := httptest.NewServer(w.ways)
	t.Cleanup(stats.Close)
	w.stats = "http://stats.example" + port(stats.URL)
	site := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			return
		}
		w.mu.Lock()
		w.asked = append(w.asked, r.URL.Path)
		fmt.Fprintf(&w.log, "127.0.0.1 - - [%s] \"GET %s HTTP/1.1\" 200 5 \"%s\" \"%s\"\n",
			time.Now().Format("02/Jan/2006:15:04:05 -0700"), r.RequestURI, r.Referer(), r.UserAgent())
		w.mu.Unlock()
		body, ok := pages(w)[r.URL.Path]
		if !ok {
			body = w.script("")
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline' "+w.stats+"; connect-src "+w.stats+"; img-src 'self'")
		fmt.Fprintf(rw, "<!doctype html><html lang=en><title>Title of %s</title>%s", r.URL.Path, body)
	}))
	t.Cleanup(site.Close)
	w.site = "http://blog.example" + port(site.URL)
	return w
}

// newWorld starts the servers and a browser.
func newWorld(t *testing.T, pages func(w *world) map[string]string, options ...chromedp.ExecAllocatorOption) *world {
	t.Helper()
	w := newServers(t, pages)
	w.Browser = chromium.Open(t, append([]chromedp.ExecAllocatorOption{
		chromedp.UserAgent(firefox), chromedp.Flag("disable-blink-features", "AutomationControlled"),
		chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1"),
	}, options...)...)
	return w
}

func port(address string) string { return address[strings.LastIndex(address, ":"):] }

func (w *world) open(path string) {
	w.t.Helper()
	w.Run(chromedp.Navigate(w.site + path))
}

func (w *world) eval(js string) { evaluate[any](w, js+"; null") }

// evaluate gives what a script comes to.
func evaluate[T any](w *world, js string) T {
	w.t.Helper()
	v, err := chromedp.Run(w, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// paths waits for so many pageviews and gives their paths.
func (w *world) paths(n int) []string {
	w.t.Helper()
	w.wait(fmt.Sprintf("%d pageviews", n), func() bool { return len(w.pageviews()) >= n })
	return pathsOf(w.pageviews())
}

func pathsOf(views []pageview.Pageview) (paths []string) {
	for _, v := range views {
		paths = append(paths, v.Path)
	}
	return paths
}

// wait waits for what comes over a socket.
func (w *world) wait(what string, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(5 * time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			var said []string
			if w.Browser != nil {
				said = w.Said()
			}
			w.t.Fatalf("waited for %s; kept %v, stays %v; the console said %q", what, pathsOf(w.pageviews()), w.stays(), said)
		}
	}
}

func (w *world) expect(want ...string) {
	w.t.Helper()
	if got := w.paths(len(want)); !slices.Equal(got, want) {
		w.t.Errorf("counted %q, want %q", got, want)
	}
}

func noPages(*world) map[string]string { return nil }

func TestBrowserCountsAPageAndItsRoutes(t *testing.T) {
	w := newWorld(t, noPages)
	w.Run(chromedp.Navigate("http://news.example" + port(w.site) + "/item"))
	w.eval(fmt.Sprintf(`location.href = %q`, w.site+"/a?utm_source=x#top"))
	w.paths(1)
	w.eval(`history.pushState(0, '', '/b'); document.title = 'B'`)
	w.paths(2)
	w.eval(`history.replaceState(0, '', '/c')`)
	w.paths(3)
	w.eval(`history.back()`)
	w.paths(4)
	w.eval(`history.pushState(0, '', '/a?page=2'); history.pushState(0, '', '/a#part'); location.hash = 'other'`) // the same page
	w.eval(`history.pushState(0, '', '/d'); history.pushState(0, '', '/e')`)                                      // at once
	w.paths(6)
	w.eval(`beforehand('/made-up', 'Made up')`)
	got := w.paths(7)
	slices.Sort(got[4:6]) // sent at once: either may be the first to come
	if want := []string{"/a", "/b", "/c", "/a", "/d", "/e", "/made-up"}; !slices.Equal(got, want) {
		t.Errorf("counted %q, want %q", got, want)
	}
	views := w.pageviews()
	if v := views[0]; v.Title != "Title of /a" || v.Referrer != "news.example" || v.Campaign.Source != "x" || v.Country == "" && os.Getenv("TZ") != "" {
		t.Errorf("%+v", v)
	}
	if v := views[1]; v.Title != "B" || v.Referrer != "" || v.Visitor != views[0].Visitor {
		t.Errorf("%+v", v)
	}
	if v := views[6]; v.Title != "Made up" {
		t.Errorf("%+v", v)
	}
	w.wait("6 stays", func() bool { return len(w.stays()) >= 6 })
	if s := w.stays()[0]; s.Path != "/a" || s.For <= 0 || s.For > 20*time.Second || s.Visitor != views[0].Visitor {
		t.Errorf("%+v", s)
	}
}

func TestBrowserCountsHashRoutes(t *testing.T) {
	w := newWorld(t, func(w *world) map[string]string {
		return map[string]string{"/app/": w.script("data-hash")}
	})
	w.open("/app/#/first?x=1")
	w.paths(1)
	w.eval(`location.hash = '#/second'`)
	w.paths(2)
	w.eval(`location.hash = '#section'`) // not a route: the page itself
	w.paths(3)
	w.eval(`history.back()`)
	w.expect("/app/first", "/app/second", "/app/", "/app/second")
}

func TestBrowserCountsAPageFromItsCacheAgain(t *testing.T) {
	w := newWorld(t, func(w *world) map[string]string {
		note := `<script>addEventListener('pageshow', (e) => { window.persisted = e.persisted })</script>`
		return map[string]string{"/a": note + w.script("")}
	}, chromedp.Flag("disable-back-forward-cache", false), chromedp.Flag("disable-features", "site-per-process,Translate"))
	w.open("/a")
	w.paths(1)
	w.eval(`location.href = '/b'`)
	w.paths(2)
	w.eval(`history.back()`)
	w.expect("/a", "/b", "/a")
	if !evaluate[bool](w, `window.persisted`) {
		t.Error("the page did not come from the cache, so that this proves nothing")
	}
	if asked := w.asked; !slices.Equal(asked, []string{"/a", "/b"}) {
		t.Errorf("the site was asked for %q", asked)
	}
}

// TestBrowserWaitsForAPrerenderedPageToBeSeen runs a browser without a hand on
// it, since it prerenders nothing while one is.
func TestBrowserWaitsForAPrerenderedPageToBeSeen(t *testing.T) {
	name := chromium.Path(t)
	w := newServers(t, func(w *world) map[string]string {
		return map[string]string{
			"/list": `<script type="speculationrules">{"prerender": [{"urls": ["/next"], "eagerness": "immediate"}]}</script>` + w.script("") +
				`<script>setTimeout(() => { new Image().src = "/leaving"; setTimeout(() => location.href = "/next", 500) }, 3000)</script>`,
			"/next": `<script>new Image().src = document.prerendering ? "/prerendered" : "/as-usual"</script>` + w.script(""),
		}
	})
	browser := exec.CommandContext(t.Context(), name, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
		"--user-agent="+firefox, "--disable-features=Prerender2MemoryControls", "--user-data-dir="+throwaway.Dir(t),
		"--host-resolver-rules=MAP *.example 127.0.0.1", w.site+"/list")
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	defer browser.Wait()
	defer browser.Process.Kill()
	w.wait("the end of the list", func() bool { return w.wasAsked("/leaving") })
	if got := pathsOf(w.pageviews()); !slices.Equal(got, []string{"/list"}) || !w.wasAsked("/prerendered") {
		t.Errorf("before the page was seen: counted %q, asked for %q", got, w.asked)
	}
	w.expect("/list", "/next")
	if w.wasAsked("/as-usual") {
		t.Errorf("the page was not prerendered, so that this proves nothing: asked for %q", w.asked)
	}
}

func (w *world) wasAsked(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.asked, path)
}

func TestBrowserTellsOfAPageThatIsLeft(t *testing.T) {
	w := newWorld(t, noPages)
	w.open("/a")
	w.paths(1)
	w.Run(chromedp.Navigate("http://news.example" + port(w.site) + "/item"))
	w.wait("a stay", func() bool { return len(w.stays()) == 1 })
	w.open("/b")
	w.paths(2)
	if _, err := chromedp.Call(w, page.Close, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	w.wait("another stay", func() bool { return len(w.stays()) == 2 })
	if s := w.stays()[1]; s.Path != "/b" {
		t.Errorf("%+v", s)
	}
}

func TestBrowserCountsNothingThatOptedOut(t *testing.T) {
	w := newWorld(t, func(w *world) map[string]string {
		set := func(js string) string { return "<script>" + js + "</script>" + w.script("") }
		return map[string]string{
			"/attribute": w.script("data-off"),
			"/flag":      set("window.beforehand = false"),
			"/gpc":       set("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"),
			"/dnt":       set("Object.defineProperty(navigator, 'doNotTrack', {value: '1'})"),
			"/manual":    w.script("data-manual"),
			"/local":     w.script("data-local"),
			"/twice":     w.script("") + w.script(""),
		}
	})
	for _, path := range []string{"/attribute", "/flag", "/gpc", "/dnt"} {
		w.open(path)
		w.eval(`history.pushState(0, '', '/more')`)
	}
	w.open("/manual")
	w.eval(`history.pushState(0, '', '/more'); beforehand()`)
	w.expect("/more")
	w.Run(chromedp.Navigate("http://127.0.0.1" + port(w.site) + "/here"))
	w.Run(chromedp.Navigate("http://127.0.0.1" + port(w.site) + "/local"))
	w.expect("/more", "/local")
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte("<!doctype html>"+w.script("data-site=blog")), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Run(chromedp.Navigate("file://" + file))
	w.open("/twice")
	w.expect("/more", "/local", "/twice")
	w.open("/last")
	w.expect("/more", "/local", "/twice", "/last")
}

// TestBrowserSendsWithoutBeacons lets beacons be refused, as a browser does that
// has too many under way, or be missing.
func TestBrowserSendsWithoutBeacons(t *testing.T) {
	w := newWorld(t, func(w *world) map[string]string {
		set := func(value string) string {
			return "<script>Object.defineProperty(navigator, 'sendBeacon', {value: " + value + "})</script>" + w.script("")
		}
		return map[string]string{"/refused": set("() => false"), "/missing": set("undefined")}
	})
	w.open("/refused")
	w.paths(1)
	w.open("/missing")
	w.paths(2)
	w.open("/last")
	w.expect("/refused", "/missing", "/last")
	w.wait("2 stays of pages that were left", func() bool { return len(w.stays()) >= 2 })
	if said := w.Said(); len(said) > 0 {
		t.Errorf("the console said %q", said)
	}
}

// TestBrowserKeepsNothing holds the script to what it promises a visitor: no
// cookie, no storage, no host but the one it came from, and nothing for the
// console to complain of under a strict policy.
func TestBrowserKeepsNothing(t *testing.T) {
	w := newWorld(t, noPages)
	w.open("/a")
	w.paths(1)
	w.eval(`history.pushState(0, '', '/b')`)
	w.paths(2)
	kept := evaluate[[]string](w, `(async () => [document.cookie, ...Object.keys(localStorage), ...Object.keys(sessionStorage),
		...(await indexedDB.databases()).map((d) => d.name)].filter((s) => s))()`)
	cookies, err := chromedp.Call(w, network.GetCookies, network.GetCookiesParams{})
	if err != nil || len(cookies.Cookies) > 0 || len(kept) > 0 {
		t.Errorf("the browser keeps %q and %d cookies, error %v", kept, len(cookies.Cookies), err)
	}
	if said := w.Said(); len(said) > 0 {
		t.Errorf("the console said %q", said)
	}
	for _, host := range w.Hosts() {
		if "http://"+host != w.site && "http://"+host != w.stats {
			t.Errorf("the browser asked %s", host)
		}
	}
}

func TestBrowserThatAProgramDrives(t *testing.T) {
	w := newWorld(t, noPages, chromedp.Flag("disable-blink-features", false))
	w.open("/a")
	w.expect("/a")
	if v := w.pageviews()[0]; v.Bot != collect.BotHeadless {
		t.Errorf("%+v", v)
	}
}

// logStore lets an importer fill a keeper.
type logStore struct {
	pageview.Store
	*keeper
}

func (s *logStore) Append(ctx context.Context, b pageview.Batch) error {
	return s.keeper.Append(ctx, b)
}

func (s *logStore) Logs(context.Context, string, uint64) ([]pageview.KnownLog, error) {
	return nil, nil
}

// told is what both a script and an access log tell of a pageview.
type told struct {
	path, referrer, page, browser, system, device string
	campaign                                      pageview.Campaign
	visitor                                       uint64
	day                                           pageview.Day
}

func toldBy(views []pageview.Pageview) (all []told) {
	for _, v := range views {
		all = append(all, told{v.Path, v.Referrer, v.ReferrerPage, v.Browser, v.System, v.Device, v.Campaign, v.Visitor, v.Day})
	}
	return all
}

// TestBrowserAndAccessLogTellTheSame compares what the script counts in a
// session with what the site's own access log of it comes to.
func TestBrowserAndAccessLogTellTheSame(t *testing.T) {
	w := newWorld(t, noPages)
	w.Run(chromedp.Navigate("http://news.example" + port(w.site) + "/item"))
	w.eval(fmt.Sprintf(`location.href = %q`, w.site+"/posts/%C3%BCber?utm_source=letter&x=1"))
	w.paths(1)
	for i, path := range []string{"/", "/posts/a", "/posts/a?again", "/index.html#part"} {
		w.eval(fmt.Sprintf(`location.href = %q`, path))
		w.paths(i + 2)
	}
	kept := &keeper{}
	im := &collect.Importer{Store: &logStore{keeper: kept}, Intake: w.Intake}
	w.mu.Lock()
	defer w.mu.Unlock()
	site := *w.Sites[0]
	site.Hosts = nil // the format does not tell hosts; the news had a line of its own
	_, err := im.Import(t.Context(), collect.Log{Name: "access.log", Site: &site, Data: strings.NewReader(w.log.String())}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fromLog := slices.DeleteFunc(kept.pageviews(), func(v pageview.Pageview) bool { return v.Path == "/item" })
	for i := range fromLog { // without hosts the site's own pages look like referrers
		if fromLog[i].Referrer == "blog.example" {
			fromLog[i].Referrer, fromLog[i].ReferrerPage = "", ""
		}
	}
	script, log := toldBy(w.pageviews()), toldBy(fromLog)
	if len(script) != 5 || !slices.Equal(script, log) {
		t.Errorf("script %+v\nlog    %+v", script, log)
	}
}
