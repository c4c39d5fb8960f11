package articles

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/internal/fetch"
	"github.com/google/go-cmp/cmp"
)

// web is the web as a Getter: what each URL answers, and who asked when.
type web struct {
	answers map[string]func(fetch.Request) (*fetch.Response, error)
	asked   []string // "seconds URL" since the first request
	began   time.Time
	takes   time.Duration // an answer takes
}

func (w *web) Get(ctx context.Context, r fetch.Request) (*fetch.Response, error) {
	if w.began.IsZero() {
		w.began = time.Now()
	}
	w.asked = append(w.asked, fmt.Sprintf("%v %s", time.Since(w.began), strings.TrimPrefix(r.URL, "https://blog.example")))
	time.Sleep(w.takes)
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	answer := w.answers[r.URL]
	if answer == nil {
		return &fetch.Response{URL: u, Status: 404}, nil
	}
	res, err := answer(r)
	if res != nil && res.URL == nil {
		res.URL = u
	}
	return res, err
}

// says answers with a body, and 304 to who has it.
func says(mediaType, body string) func(fetch.Request) (*fetch.Response, error) {
	return func(r fetch.Request) (*fetch.Response, error) {
		tag := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
		if r.ETag == tag {
			return &fetch.Response{Status: 304}, nil
		}
		return &fetch.Response{Status: 200, Body: []byte(body), Type: mediaType, ETag: tag}, nil
	}
}

func status(n int) func(fetch.Request) (*fetch.Response, error) {
	return func(fetch.Request) (*fetch.Response, error) { return &fetch.Response{Status: n}, nil }
}

// config is a reader of blog.example whose pages are counted by their path.
func config(w *web) Config {
	return Config{
		Base: &url.URL{Scheme: "https", Host: "blog.example"}, Client: w,
		Page: func(address string) string {
			u, err := url.Parse(address)
			if err != nil || u.Host != "blog.example" {
				return ""
			}
			return u.EscapedPath()
		},
	}
}

func og(title string) string {
	return `<title>` + title + ` | Blog</title><meta property="og:title" content="` + title + `"><meta property="og:image" content="/p.png"><meta property="article:published_time" content="2026-03-01">`
}

// summary is what counts, one page a line.
func summary(b *Book, paths ...string) string {
	var out strings.Builder
	for _, p := range paths {
		a := b.Articles[p]
		title, from := a.Title()
		when, by := a.Published()
		picture, _ := a.Picture()
		fmt.Fprintf(&out, "%s %s(%s) %s(%s) %s\n", p, title, from, when.Format(time.DateOnly), by, picture)
	}
	return out.String()
}

func TestWhatIsKnownIsReadInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)))
		w := &web{answers: map[string]func(fetch.Request) (*fetch.Response, error){
			"https://blog.example/robots.txt":  says("text/plain", "User-agent: *\nDisallow: /secret\nSitemap: https://blog.example/sitemap.xml\n"),
			"https://blog.example/sitemap.xml": says("application/xml", `<sitemapindex><sitemap><loc>/part.xml</loc></sitemap></sitemapindex>`),
			"https://blog.example/part.xml": says("application/xml", urlset+`<url><loc>/a</loc><lastmod>2026-05-05</lastmod></url><url><loc>/b</loc><lastmod>2026-05-06</lastmod></url>
				<url><loc>/c</loc><lastmod>2026-05-07</lastmod></url><url><loc>/future</loc><lastmod>2027-01-01</lastmod></url></urlset>`),
			"https://blog.example/feed.xml": says("application/xml", `<rss version="2.0"><channel><item><title>B of the feed</title><link>https://blog.example/b</link><pubDate>Mon, 04 May 2026 00:00:00 GMT</pubDate></item>
				<item><title>Elsewhere</title><link>https://other.example/b</link></item></channel></rss>`),
			"https://blog.example/a":        says("text/html", og("A itself")),
			"https://blog.example/untitled": says("text/html; charset=utf-8", "<title>Only a title</title>"),
			"https://blog.example/data":     says("application/json", "{}"),
		}}
		c := config(w)
		c.Feeds = []string{"https://blog.example/feed.xml"}
		b, err := New(c).Read(t.Context(), &Book{}, []string{"/a", "/b", "/secret/x", "/untitled", "/data", "//evil.example/x", "@evil.example/x"})
		if err != nil {
			t.Fatal(err)
		}
		want := `/a A itself(page) 2026-03-01(page) https://blog.example/p.png
/b B of the feed(feed) 2026-05-04(feed) 
/c () 2026-05-07(sitemap) 
/untitled Only a title(head) 0001-01-01() 
/future () 0001-01-01() 
`
		if got := summary(b, "/a", "/b", "/c", "/untitled", "/future"); got != want {
			t.Error(cmp.Diff(want, got))
		}
		asked := []string{"0s /robots.txt", "1s /sitemap.xml", "2s /part.xml", "3s /feed.xml", "4s /a", "5s /b", "6s /untitled", "7s /data", "8s //evil.example/x"}
		if !cmp.Equal(w.asked, asked) {
			t.Error(cmp.Diff(asked, w.asked))
		}
		for path, want := range map[string]string{"/b": "404 Not Found", "/secret/x": errRobots.Error(), "/data": "not HTML", "@evil.example/x": "no path of the site", "/a": ""} {
			if got := b.Pages[path].Error; !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}
	})
}

// TestPolitely sees how often what is asked, and how far apart.
func TestPolitely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &web{takes: 300 * time.Millisecond, answers: map[string]func(fetch.Request) (*fetch.Response, error){
			"https://blog.example/robots.txt": says("text/plain", "User-agent: beforehand\nCrawl-delay: 5\n"),
			"https://blog.example/a":          says("text/html", og("A")),
			"https://blog.example/gone":       status(410),
		}}
		var listed []string
		for i := range 50 {
			listed = append(listed, fmt.Sprintf("/none/%d", i))
		}
		c := config(w)
		c.PerRun = 3
		r := New(c)
		read := func(b *Book, listed ...string) *Book {
			t.Helper()
			w.asked, w.began = nil, time.Time{}
			b, err := r.Read(t.Context(), b, listed)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		b := read(&Book{}, append([]string{"/a", "/a", "/gone"}, listed...)...)
		if want := []string{"0s /robots.txt", "5.3s /a", "10.6s /gone", "15.9s /none/0"}; !cmp.Equal(w.asked, want) {
			t.Error(cmp.Diff(want, w.asked))
		}
		count := func(path string) (n int) {
			for _, a := range w.asked {
				if strings.HasSuffix(a, " "+path) {
					n++
				}
			}
			return n
		}
		// An hour later nothing is due but what failed; a day later it is, and
		// what did not change is not sent.
		for hour, want := range map[int][2]int{1: {0, 1}} {
			time.Sleep(time.Duration(hour) * time.Hour)
			b = read(b, "/a", "/gone")
			if got := [2]int{count("/a"), count("/gone")}; got != want {
				t.Errorf("after %d h asked %v", hour, got)
			}
		}
		b = read(b, "/a", "/gone")
		if len(w.asked) != 1 { // robots.txt
			t.Errorf("asked %q at once again", w.asked)
		}
		since := b.Articles["/a"][OriginPage].At
		time.Sleep(24 * time.Hour)
		b = read(b, "/a", "/gone")
		if title, _ := b.Articles["/a"].Title(); count("/a") != 1 || title != "A" || b.Articles["/a"][OriginPage].At != since || b.Pages["/a"].At.Before(time.Now().Add(-time.Hour)) {
			t.Errorf("asked %q, knows %+v", w.asked, b)
		}
		// A page that is gone is asked ever more seldom.
		n := 0
		for range 40 * 24 {
			time.Sleep(time.Hour)
			b = read(b, "/gone")
			n += count("/gone")
		}
		if n < 6 || n > 14 {
			t.Errorf("a page that is gone was asked %d times in 40 days", n)
		}
	})
}

func TestRobotsThatCannotBeReadAllowNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			answer func(fetch.Request) (*fetch.Response, error)
			pages  int
		}{
			"none":      {status(404), 1},
			"forbidden": {status(403), 1},
			"broken":    {status(500), 0},
			"away":      {func(fetch.Request) (*fetch.Response, error) { return nil, errors.New("no route") }, 0},
			"all":       {says("text/plain", "User-agent: *\nDisallow: /"), 0},
			"others":    {says("text/plain", "User-agent: other\nDisallow: /"), 1},
			"us":        {says("text/plain", "User-agent: *\nAllow: /\n\nUser-agent: Beforehand\nDisallow: /"), 0},
			"a pattern": {says("text/plain", "User-agent: *\nDisallow: /*a$"), 0},
			"garbage":   {says("text/html", "<html>\x00\xff"), 1},
			"huge":      {says("text/plain", "User-agent: *\n"+strings.Repeat("Disallow: /x\n", 5_000)), 1},
			"of nobody": {says("text/plain", strings.Repeat("Disallow: /x\n", 100)), 0},
		} {
			w := &web{answers: map[string]func(fetch.Request) (*fetch.Response, error){
				"https://blog.example/robots.txt": c.answer, "https://blog.example/a": says("text/html", og("A")),
			}}
			b, err := New(config(w)).Read(t.Context(), &Book{}, []string{"/a"})
			pages := 0
			if b != nil {
				pages = len(b.Articles)
			}
			if pages != c.pages {
				t.Errorf("%s: %d pages read, asked %q, error %v", name, pages, w.asked, err)
			}
		}
	})
}

func TestWhatCannotBeReadLeavesWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := `<rss version="2.0"><channel><item><title>A</title><link>https://blog.example/a</link></item></channel></rss>`
		w := &web{answers: map[string]func(fetch.Request) (*fetch.Response, error){"https://blog.example/feed": says("", good)}}
		c := config(w)
		c.Feeds, c.Sitemaps, c.NoPages = []string{"https://blog.example/feed"}, []string{"https://blog.example/map"}, true
		r := New(c)
		b, err := r.Read(t.Context(), &Book{}, nil)
		if title, _ := b.Articles["/a"].Title(); err != nil || title != "A" || b.Files["https://blog.example/map"].Error == "" {
			t.Fatalf("%+v, %v", b, err)
		}
		w.answers["https://blog.example/feed"] = says("", "<html>down for maintenance")
		if _, err := r.Read(t.Context(), b, nil); err == nil || !strings.Contains(err.Error(), "nothing of the site could be read") {
			t.Errorf("all failed: %v", err)
		}
		w.answers["https://blog.example/map"] = says("", urlset+`<url><loc>/b</loc><lastmod>2000-01-01</lastmod></url></urlset>`)
		next, err := r.Read(t.Context(), b, nil)
		if title, _ := next.Articles["/a"].Title(); err != nil || title != "A" || len(next.Articles) != 2 || len(b.Articles) != 1 {
			t.Errorf("%+v, %v", next, err)
		}
		// The earliest <lastmod> stands for when a page was published.
		w.answers["https://blog.example/map"] = says("", urlset+`<url><loc>/b</loc><lastmod>2000-01-02</lastmod></url></urlset>`)
		next, err = r.Read(t.Context(), next, nil)
		if when, _ := next.Articles["/b"].Published(); err != nil || when.Day() != 1 {
			t.Errorf("published %v, %v", when, err)
		}
		c.Sitemaps = nil // a file that is no longer read is forgotten
		next, err = New(c).Read(t.Context(), next, nil)
		if _, known := next.Files["https://blog.example/map"]; err != nil || known || len(next.Files) != 1 || len(next.Articles) != 2 {
			t.Errorf("%+v, %v", next, err)
		}
	})
}

func TestAnIndexThatCannotBeReadLeavesItsParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &web{answers: map[string]func(fetch.Request) (*fetch.Response, error){
			"https://blog.example/map":  says("", "<sitemapindex><sitemap><loc>/part</loc></sitemap></sitemapindex>"),
			"https://blog.example/part": says("", urlset+"</urlset>"),
		}}
		c := config(w)
		c.Sitemaps, c.NoPages = []string{"https://blog.example/map"}, true
		r := New(c)
		b, err := r.Read(t.Context(), &Book{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, answer := range map[string]func(fetch.Request) (*fetch.Response, error){
			"unchanged": w.answers["https://blog.example/map"], "broken": says("", "<html>"), "away": status(503),
		} {
			w.answers["https://blog.example/map"], w.asked = answer, nil
			if b, err = r.Read(t.Context(), b, nil); err != nil || len(w.asked) != 2 || len(b.Files) != 2 {
				t.Errorf("%s: asked %q, %v", name, w.asked, err)
			}
		}
	})
}

func TestReadingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &web{answers: map[string]func(fetch.Request) (*fetch.Response, error){"https://blog.example/robots.txt": says("", "")}}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		_, err := New(config(w)).Read(ctx, &Book{}, []string{"/1", "/2", "/3", "/4"})
		if !errors.Is(err, context.DeadlineExceeded) || len(w.asked) != 3 {
			t.Errorf("%v, asked %q", err, w.asked)
		}
	})
}

func TestABookIsBounded(t *testing.T) {
	b := (&Book{}).clone()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range maxArticles + 500 {
		b.tell(fmt.Sprintf("/%d", i), OriginFeed, Told{Title: "x", Published: now.Add(-time.Duration(i) * time.Hour)}, now)
	}
	last := fmt.Sprintf("/%d", maxArticles+499)
	b.Pages["/gone"], b.Pages["/recent"] = Source{At: now.Add(-time.Hour)}, Source{At: now}
	b.trim(map[string]bool{last: true}, now)
	if _, kept := b.Articles[last]; len(b.Articles) != maxArticles || !kept || b.Articles["/0"] == nil || len(b.Pages) != 1 {
		t.Errorf("%d articles, listed kept: %t, %d pages", len(b.Articles), kept, len(b.Pages))
	}
	text, err := b.Encode()
	if err != nil || len(text) > 4<<20 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	again, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := again.Encode(); err != nil || !bytes.Equal(back, text) || len(again.Articles) != maxArticles {
		t.Errorf("a book does not come back as it was: %v", err)
	}
	b.tell("/0", OriginFeed, Told{Title: "x", Published: now}, now.Add(time.Hour))
	if at := b.Articles["/0"][OriginFeed].At; !at.Equal(now) {
		t.Errorf("what is said as before is said since %s", at)
	}
	b.tell("/0", OriginFeed, Told{}, now)
	if b.Articles["/0"] != nil {
		t.Error("what nothing is told of is kept")
	}
}

// TestASiteOnThisMachine reads over HTTP, once allowed to and once not.
func TestASiteOnThisMachine(t *testing.T) {
	var asked atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/a", func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, og("A"))
	})
	// What a hostile page could try: to lead elsewhere on this machine, to
	// another site, or to what robots.txt does not allow.
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the inner server was asked") }))
	defer inner.Close()
	mux.Handle("/inner", http.RedirectHandler(inner.URL+"/x", http.StatusFound))
	mux.Handle("/metadata", http.RedirectHandler("http://169.254.169.254/latest/", http.StatusFound))
	mux.Handle("/secret-soon", http.RedirectHandler("/secret", http.StatusFound))
	mux.Handle("/moved", http.RedirectHandler("/a", http.StatusMovedPermanently))
	mux.HandleFunc("/secret", func(http.ResponseWriter, *http.Request) { t.Error("/secret was asked") })
	mux.HandleFunc("/robots.txt", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "User-agent: *\nDisallow: /secret$\n") })
	server := httptest.NewServer(mux)
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Base: base, Pause: time.Millisecond}
	c.Page = func(address string) string { // of every port of this machine
		if u, err := url.Parse(address); err == nil && u.Hostname() == "127.0.0.1" {
			return u.Path
		}
		return ""
	}
	if _, err := New(c).Read(t.Context(), &Book{}, []string{"/a"}); !errors.Is(err, fetch.ErrPrivate) || asked.Load() != 0 {
		t.Errorf("not allowed: %v, asked %d times", err, asked.Load())
	}
	c.Private = true
	b, err := New(c).Read(t.Context(), &Book{}, []string{"/a", "/inner", "/metadata", "/secret-soon", "/moved"})
	if err != nil {
		t.Fatal(err)
	}
	if title, _ := b.Articles["/moved"].Title(); title != "A" || len(b.Articles) != 2 {
		t.Errorf("knows %+v of %+v", b.Articles, b.Pages)
	}
	for path, want := range map[string]string{"/inner": "another site", "/metadata": "another site", "/secret-soon": errRobots.Error()} {
		if got := b.Pages[path].Error; !strings.Contains(got, want) {
			t.Errorf("%s: %q", path, got)
		}
	}
	// A sitemap that the owner names may lead to parts, but not on this machine.
	mux.HandleFunc("/index.xml", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "<sitemapindex><sitemap><loc>http://localhost:%s/part.xml</loc></sitemap></sitemapindex>", base.Port())
	})
	c.Sitemaps, c.NoPages = []string{server.URL + "/index.xml"}, true
	b, err = New(c).Read(t.Context(), &Book{}, nil)
	if part := b.Files["http://localhost:"+base.Port()+"/part.xml"]; err != nil || !strings.Contains(part.Error, fetch.ErrPrivate.Error()) {
		t.Errorf("%+v, %v", b.Files, err)
	}
}
