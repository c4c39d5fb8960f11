package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/receive"
	"github.com/beforehand-go/beforehand/server"
)

type salts struct{ sync.Map }

func (s *salts) Salt(_ context.Context, site string, day pageview.Day, fresh []byte) ([]byte, error) {
	v, _ := s.LoadOrStore(fmt.Sprint(site, day), fresh)
	return v.([]byte), nil
}

// sites are sites of these names.
func sites(names ...string) []server.Site {
	var all []server.Site
	for _, name := range names {
		all = append(all, server.Site{Site: &collect.Site{Name: name, Zone: time.UTC}, Import: "beforehand import access.log"})
	}
	return all
}

// start runs a server of sites, of which "blog" is the first, on an empty store.
func start(t testing.TB, more ...string) *server.Server {
	t.Helper()
	return startSites(t, sites(append([]string{"blog"}, more...)...))
}

// startSites runs a server of sites on an empty store. What is not to be changed
// while it runs is set before.
func startSites(t testing.TB, all []server.Site, set ...func(*server.Config)) *server.Server {
	t.Helper()
	store, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if _, err := store.Site(t.Context(), pageview.Site{Name: v.Name, Zone: "UTC"}); err != nil {
			t.Fatal(err)
		}
	}
	site, err := beforehand.Open(t.Context(), beforehand.Config{State: memory.New()})
	if err != nil {
		t.Fatal(err)
	}
	visitors, err := collect.NewVisitors(&salts{}, collect.Key{})
	if err != nil {
		t.Fatal(err)
	}
	intake := &collect.Intake{Visitors: visitors, Agents: &collect.Agents{}}
	var own collect.Sites
	for _, v := range all {
		own = append(own, v.Site)
	}
	receiver, err := receive.New(receive.Config{Sites: own, Store: store, Counts: store, Intake: intake})
	if err != nil {
		t.Fatal(err)
	}
	c := server.Config{
		Reports: site, Store: store, Sites: all, Live: true, Receiver: receiver,
		Importer: &collect.Importer{Store: store, Intake: intake},
	}
	for _, f := range set {
		f(&c)
	}
	s := server.New(c)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { site.Run(ctx) })
	wg.Go(s.Begin(ctx, nil))
	t.Cleanup(func() {
		stop()
		wg.Wait()
		store.Close()
	})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// eventually waits for what is to become true, as long as a machine may need that is
// busy with other tests, and tells whether it did. What is beneath is no part of a
// bubble.
func eventually(is func() bool) bool {
	for end := time.Now().Add(4 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func get(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	h.ServeHTTP(w, r)
	return w
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"

func logOf(n int) string {
	var b strings.Builder
	for i := range n {
		at := time.Date(2026, 1, 1+i%40, 0, 0, i%60, 0, time.UTC).Format("02/Jan/2006:15:04:05 -0700")
		fmt.Fprintf(&b, "203.0.113.%d - - [%s] \"GET /p%d HTTP/1.1\" 200 5 \"-\" \"%s\"\n", i%200, at, i%3, firefox)
	}
	return b.String()
}

// importLog sends a log through the control socket's handler, as the command does.
func importLog(t testing.TB, s *server.Server, path, log string) []server.Message {
	t.Helper()
	control := httptest.NewServer(s.Control())
	defer control.Close()
	res, err := http.Post(control.URL+path, "", struct{ io.Reader }{strings.NewReader(log)})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var messages []server.Message
	for in := bufio.NewScanner(res.Body); in.Scan(); {
		var m server.Message
		if err := json.Unmarshal(in.Bytes(), &m); err != nil {
			t.Fatalf("%q: %v", in.Bytes(), err)
		}
		messages = append(messages, m)
	}
	return messages
}

func TestImportThenReportsThenReaders(t *testing.T) {
	s := start(t)
	h := s.Handler()
	if body := strings.TrimSpace(get(h, "/s/blog/hot.json").Body.String()); body != `{"items":[]}` {
		t.Errorf("hot list of nothing: %s", body)
	}
	messages := importLog(t, s, "/import?site=blog&name=access.log", logOf(9000))
	last := messages[len(messages)-1]
	if last.Error != "" || last.Summary == nil || last.Summary.Pageviews != 9000 || len(messages) < 3 {
		t.Fatalf("%d messages, last %+v", len(messages), last)
	}
	if m := importLog(t, s, "/refresh", ""); len(m) != 1 || m[0].Error != "" {
		t.Fatalf("refresh: %+v", m)
	}
	pageviews := get(h, "/s/blog/pageviews.json")
	const want = `{"unit":"month","labels":["2026-01","2026-02"],"series":[` +
		`{"path":"/p0","values":[2325,675]},{"path":"/p1","values":[2325,675]},{"path":"/p2","values":[2325,675]}],"total":9000}`
	if got := strings.TrimSpace(pageviews.Body.String()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	etag := pageviews.Header().Get("ETag")
	if again := get(h, "/s/blog/pageviews.json", "If-None-Match", etag); again.Code != http.StatusNotModified || etag == "" {
		t.Errorf("status %d for ETag %q", again.Code, etag)
	}
	if z := get(h, "/s/blog/hot.json", "Accept-Encoding", "gzip"); z.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("not packed: %v", z.Header())
	}
	for _, name := range []string{"Snapshot-Computed-At", "Snapshot-Next-At", "Content-Length", "Cache-Control"} {
		if pageviews.Header().Get(name) == "" {
			t.Errorf("no header %s: %v", name, pageviews.Header())
		}
	}
	for _, name := range []string{"hot", "pageviews"} {
		svg := get(h, "/s/blog/"+name+".svg")
		if svg.Code != 200 || !strings.HasPrefix(svg.Body.String(), "<svg") || svg.Header().Get("Content-Type") != "image/svg+xml" {
			t.Errorf("%s.svg: status %d, %v, %.40s", name, svg.Code, svg.Header(), svg.Body)
		}
		if live := get(h, "/live/s/blog/"+name+".json"); live.Body.String() != get(h, "/s/blog/"+name+".json").Body.String() {
			t.Errorf("live %s differs: %s", name, live.Body)
		}
	}
}

func TestWhatIsNotThereIs404(t *testing.T) {
	s := start(t)
	for _, path := range []string{
		"/x", "/s/other/hot.json", "/s/blog/cold.json", "/s/blog/hot.exe", "/s/blog/cold/status.json",
		"/live/s/blog/hot.csv", "/live/s/other/hot.json",
	} {
		if w := get(s.Handler(), path); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

func TestPageIsRenderedBeforehand(t *testing.T) {
	s := start(t)
	page := func(text string) func() bool {
		return func() bool { return strings.Contains(get(s.Handler(), "/").Body.String(), text) }
	}
	if !eventually(page("beforehand import access.log")) {
		t.Fatal("no page")
	}
	w := get(s.Handler(), "/")
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v\n%.300s", w.Header(), w.Body)
	}
	importLog(t, s, "/import?site=blog&name=access.log", logOf(50)+`h - - [01/Jan/2026:00:00:00 +0000] "GET /<script>alert(1)</script> HTTP/1.1" 200 1 "-" "`+firefox+"\"\n")
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !eventually(page("/p1")) {
		t.Fatalf("the page was not rendered again: %.500s", get(s.Handler(), "/").Body)
	}
	for _, path := range []string{"/", "/live/", "/s/blog/hot.svg", "/live/s/blog/pageviews.svg"} {
		w := get(s.Handler(), path)
		if w.Code != 200 || strings.Contains(w.Body.String(), "<script>alert") {
			t.Errorf("%s: status %d, or a path is on it unescaped", path, w.Code)
		}
	}
}

func TestImportSaysWhatIsWrong(t *testing.T) {
	s := start(t)
	for _, c := range []struct{ path, log, want string }{
		{"/import?site=other&name=x", logOf(1), `no site "other"`},
		{"/import?site=blog&name=x", "", "nothing to import"},
		{"/import?site=blog&name=x", "hello\n", "not an access log"},
	} {
		m := importLog(t, s, c.path, c.log)
		if len(m) != 1 || !strings.Contains(m[0].Error, c.want) {
			t.Errorf("%s: %+v, want %q", c.path, m, c.want)
		}
	}
}

func TestEachSiteHasItsOwnReports(t *testing.T) {
	s := start(t, "shop")
	m := importLog(t, s, "/import?site=shop&name=access.log", logOf(12))
	if last := m[len(m)-1]; last.Error != "" || last.Summary.Pageviews != 12 {
		t.Fatalf("%+v", last)
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := s.Handler()
	for path, want := range map[string]string{
		"/s/shop/pageviews.json": `"total":12`, "/s/blog/pageviews.json": `"total":0`,
		"/s/shop/hot.json": `"path":"/p1"`, "/s/blog/hot.json": `"items":[]`,
	} {
		if body := get(h, path).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s: %s, want %s", path, body, want)
		}
	}
	if !eventually(func() bool { return strings.Contains(get(h, "/s/shop/").Body.String(), "/p1") }) {
		t.Fatal("the second site has no page")
	}
	if w := get(h, "/s/other/"); w.Code != http.StatusNotFound {
		t.Errorf("a site that is not there: status %d", w.Code)
	}
}
