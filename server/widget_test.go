package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/server"
)

// hostile is a title and a path as a visitor may send them.
const hostile = `"><img src=x onerror=alert(1)>`

// startWidgets runs a server of the site blog whose seven pages were read, the
// first most, and which has the title of an attack.
func startWidgets(t *testing.T, change func(*server.Site)) *server.Server {
	t.Helper()
	all := sites("blog")
	all[0].URL = &url.URL{Scheme: "https", Host: "blog.example"}
	if change != nil {
		change(&all[0])
	}
	s := startSites(t, all)
	for page := range 7 {
		title := fmt.Sprint("Page ", page+1)
		if page == 0 {
			title = hostile
		}
		seen(t, s, fmt.Sprint("/p", page+1), title, 20-page)
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := s.Handler()
	if !eventually(func() bool { return strings.Contains(get(h, "/w/blog/hot/fragment.html").Body.String(), "/p7") }) {
		t.Fatalf("no widget has the list: %s", get(h, "/w/blog/hot/fragment.html").Body)
	}
	return s
}

// seen puts pageviews of a page into the store, by as many visitors, just now.
func seen(t *testing.T, s *server.Server, path, title string, n int) {
	t.Helper()
	var b pageview.Batch
	now := time.Now()
	for visitor := range n {
		b.Pageviews = append(b.Pageviews, pageview.Pageview{
			Site: "blog", At: now, Day: pageview.DayOf(now.UTC()), Hour: now.UTC().Truncate(time.Hour),
			Path: path, Title: title, Visitor: uint64(visitor + 1), Source: pageview.SourceScript,
		})
	}
	if err := s.Store.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func TestWidgets(t *testing.T) {
	h := startWidgets(t, nil).Handler()
	for _, c := range []struct {
		path       string
		code, rows int
		parts      []string
	}{
		{"/w/blog/hot/frame.html", 200, 7, []string{`<html lang="en" class="auto">`, "Hot articles", "20 pageviews"}},
		{"/w/blog/hot/frame.html?limit=3&theme=dark&lang=zh", 200, 3, []string{`<html lang="zh-Hans" class="dark">`, "热门文章", "20 次浏览"}},
		{"/w/blog/hot/frame.html?limit=20&theme=light", 200, 7, []string{`class="light"`}},
		{"/w/blog/hot/fragment.html?limit=5", 200, 5, []string{"20 pageviews"}},
		{"/w/blog/hot/fragment.html?lang=zh&theme=of-no-matter", 200, 7, []string{"20 次浏览"}},
		{"/w/blog/hot/chart.svg?theme=dark", 200, 0, []string{"<svg", "--_t:#e6e9ec"}},
		{"/w/blog/pageviews/chart.svg", 200, 0, []string{"<svg", "@media"}},
		{"/w/blog/pageviews/chart.svg?theme=light&lang=xx", 200, 0, []string{"<svg"}},
		{"/w/blog/pageviews/frame.html", 404, 0, nil},
		{"/w/blog/hot/frame.html?limit=4", 404, 0, nil},
		{"/w/blog/hot/frame.html?limit=0", 404, 0, nil},
		{"/w/blog/hot/frame.html?limit=-1", 404, 0, nil},
		{"/w/blog/hot/frame.html?lang=fr", 404, 0, nil},
		{"/w/blog/hot/frame.html?theme=", 404, 0, nil},
		{"/w/blog/hot/other.html", 404, 0, nil},
		{"/w/blog/none/frame.html", 404, 0, nil},
		{"/w/none/hot/frame.html", 404, 0, nil},
	} {
		w := get(h, c.path, "Accept-Encoding", "identity")
		body := w.Body.String()
		if w.Code != c.code || strings.Count(body, "<li value") != c.rows {
			t.Errorf("%s: %d with %d rows, want %d with %d: %s", c.path, w.Code, strings.Count(body, "<li value"), c.code, c.rows, body)
		}
		for _, part := range c.parts {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %q in %s", c.path, part, body)
			}
		}
		if strings.Contains(body, "<img") {
			t.Errorf("%s: a title became an element: %s", c.path, body)
		}
		if c.code == 200 && (w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Cross-Origin-Resource-Policy") != "cross-origin" || w.Header().Get("ETag") == "") {
			t.Errorf("%s: %v", c.path, w.Header())
		}
	}
	frame := get(h, "/w/blog/hot/frame.html")
	if again := get(h, "/w/blog/hot/frame.html", "If-None-Match", frame.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("asked again: %d", again.Code)
	}
}

func TestWidgetsFollowTheirReport(t *testing.T) {
	s := startWidgets(t, nil)
	h := s.Handler()
	before := map[string]string{}
	for _, path := range []string{"/w/blog/hot/frame.html?limit=3", "/w/blog/hot/fragment.html", "/w/blog/hot/chart.svg?theme=dark", "/w/blog/pageviews/chart.svg?theme=light"} {
		before[path] = get(h, path).Header().Get("ETag")
	}
	seen(t, s, "/new", "New", 50)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, tag := range before {
		if !eventually(func() bool { return get(h, path).Header().Get("ETag") != tag }) {
			t.Fatalf("%s stays as it was", path)
		}
	}
	if body := get(h, "/w/blog/hot/frame.html?limit=3").Body.String(); !strings.Contains(body, `<li value="1"><a href="https://blog.example/new"`) {
		t.Error(body)
	}
}

func TestOnlyWidgetsAreFramed(t *testing.T) {
	for _, c := range []struct {
		frames []string
		want   string
	}{{nil, "frame-ancestors *"}, {[]string{"https://blog.example", "https://*.example.org"}, "frame-ancestors 'self' https://blog.example https://*.example.org"}} {
		h := startWidgets(t, func(v *server.Site) { v.Frames = c.frames }).Handler()
		policy := func(path string) string { return get(h, path).Header().Get("Content-Security-Policy") }
		if p := policy("/w/blog/hot/frame.html"); !strings.HasSuffix(p, c.want) {
			t.Errorf("%q: %s, want %s", c.frames, p, c.want)
		}
		for _, path := range []string{"/", "/s/blog/", "/live/", "/jobs"} {
			if p := policy(path); !strings.Contains(p, "frame-ancestors 'none'") && !strings.HasPrefix(path, "/jobs") {
				t.Errorf("%s: %s", path, p)
			}
		}
	}
}

func TestWidgetsBeforeTheFirstResult(t *testing.T) {
	all := sites("blog")
	s := startSites(t, all)
	w := get(s.Handler(), "/w/blog/hot/frame.html")
	eventually(func() bool {
		if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
			t.Fatalf("%v", w.Header())
		}
		w = get(s.Handler(), "/w/blog/hot/frame.html")
		return w.Code != http.StatusServiceUnavailable
	})
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "No article is hot yet") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
