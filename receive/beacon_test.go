package receive_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/receive"
)

func TestBeaconIsAPageview(t *testing.T) {
	w := newWays(t)
	rec := w.ask(http.MethodPost, "/b.js", `{"u":"https://www.blog.example/a?utm_source=letter#x","t":"A <b>","r":"https://news.example/item?id=1","w":390,"z":"Europe/Oslo"}`,
		"Origin", "https://www.blog.example", "Accept-Language", "nb-NO,nb;q=0.9")
	if rec.Code != http.StatusNoContent || rec.Header().Get("Access-Control-Allow-Origin") != "*" || rec.Header().Get("Pageview-Left-Out") != "" {
		t.Fatalf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	got := w.pageviews()
	if len(got) != 1 || got[0].Visitor == 0 || time.Since(got[0].At) > time.Minute {
		t.Fatalf("%+v", got)
	}
	v := got[0]
	want := pageview.Pageview{
		Site: "blog", At: v.At, Day: v.Day, Hour: v.Hour, Visitor: v.Visitor, Source: pageview.SourceScript,
		Path: "/a", Title: "A <b>", Referrer: "news.example", ReferrerPage: "news.example/item",
		Campaign: pageview.Campaign{Source: "letter"}, Language: "nb-NO",
		Browser: "Firefox", System: "Linux", Device: "desktop", Country: "NO",
	}
	if v != want {
		t.Errorf("got  %+v\nwant %+v", v, want)
	}
}

func TestBeaconTellsHowLongAPageWasInSight(t *testing.T) {
	w := newWays(t)
	w.ask(http.MethodPost, "/b.js", `{"u":"https://blog.example/a"}`)
	for _, body := range []string{
		`{"u":"https://blog.example/a","d":12345}`,
		`{"u":"https://blog.example/a","d":-5}`,
		`{"u":"https://blog.example/a","d":86400001}`,
		`{"u":"https://blog.example/a","d":5,"b":true}`,
	} {
		if rec := w.ask(http.MethodPost, "/b.js", body); rec.Code != http.StatusNoContent {
			t.Errorf("%s: %d %s", body, rec.Code, rec.Body)
		}
	}
	views, stays := w.pageviews(), w.stays()
	if len(views) != 1 || len(stays) != 2 {
		t.Fatalf("%+v %+v", views, stays)
	}
	s := stays[0]
	if s.For != 12345*time.Millisecond || s.Path != "/a" || s.Site != "blog" || s.Visitor != views[0].Visitor || s.Day != views[0].Day || stays[1].For != 0 {
		t.Errorf("%+v", stays)
	}
}

func TestBeaconOfAProgram(t *testing.T) {
	w := newWays(t)
	w.ask(http.MethodPost, "/b.js", `{"u":"https://blog.example/a","b":true}`)
	if got := w.pageviews(); len(got) != 1 || got[0].Bot != collect.BotHeadless {
		t.Errorf("%+v", got)
	}
}

func TestBeaconIsLeftOut(t *testing.T) {
	page := `{"u":"https://blog.example/a"}`
	for _, c := range []struct {
		name, body string
		headers    []string
		code       int
		left       string
	}{
		{"another host", `{"u":"https://evil.example/a"}`, nil, 404, "unknown_site"},
		{"another host of a named site", `{"u":"https://evil.example/a","s":"blog"}`, nil, 204, collect.LeftOtherHost},
		{"a site that is not there", `{"u":"https://blog.example/a","s":"shop"}`, nil, 404, "unknown_site"},
		{"a page that tells of another's", page, []string{"Origin", "https://evil.example"}, 403, "other_origin"},
		{"the owner's network", page, []string{"X-Forwarded-For", "198.51.100.9"}, 204, collect.LeftExcluded},
		{"the owner's header", page, []string{"X-Uncounted", "yes"}, 204, collect.LeftExcluded},
		{"a picture", `{"u":"https://blog.example/a.png"}`, nil, 204, collect.LeftStatic},
		{"no address", `{"s":"blog"}`, nil, 204, collect.LeftNotAPage},
		{"no JSON", `u=/a`, nil, 400, ""},
		{"a list", `[]`, nil, 400, ""},
		{"a field of another kind", `{"u":1}`, nil, 400, ""},
		{"too long", `{"t":"` + strings.Repeat("a", 17000) + `"}`, nil, 413, ""},
	} {
		w := newWays(t, func(c *receive.Config) { c.Proxies.Trusted = prefixes("203.0.113.0/24") })
		rec := w.ask(http.MethodPost, "/b.js", c.body, c.headers...)
		if rec.Code != c.code || rec.Header().Get("Pageview-Left-Out") != c.left || len(w.pageviews()) != 0 {
			t.Errorf("%s: %d %q %s, kept %v", c.name, rec.Code, rec.Header().Get("Pageview-Left-Out"), rec.Body, w.pageviews())
		}
	}
}

func TestBeaconOfAPathIsOfItsOrigin(t *testing.T) {
	w := newWays(t)
	if rec := w.ask(http.MethodPost, "/b.js", `{"u":"/virtual"}`, "Origin", "https://blog.example"); rec.Code != http.StatusNoContent {
		t.Fatal(rec.Code, rec.Body)
	}
	if rec := w.ask(http.MethodPost, "/b.js", `{"u":"/virtual"}`, "Origin", "https://evil.example"); rec.Code != http.StatusNotFound {
		t.Error(rec.Code, rec.Body)
	}
	if rec := w.ask(http.MethodPost, "/b.js", `{"u":"/virtual","s":"blog"}`, "Origin", "null"); rec.Code != http.StatusNoContent {
		t.Error(rec.Code, rec.Body)
	}
}

func TestPixel(t *testing.T) {
	w := newWays(t)
	rec := w.ask(http.MethodGet, "/b.gif", "", "Referer", "https://blog.example/by-referer?x")
	h := rec.Header()
	if rec.Code != 200 || rec.Body.Len() != 43 || h.Get("Content-Type") != "image/gif" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Length") != "43" {
		t.Errorf("%d %v %d bytes", rec.Code, h, rec.Body.Len())
	}
	if !strings.HasPrefix(rec.Body.String(), "GIF89a") {
		t.Error("no GIF")
	}
	w.ask(http.MethodGet, "/b.gif?s=blog&u=/by-query&t=Title&r=https://news.example/", "", "Referer", "https://blog.example/")
	if rec := w.ask(http.MethodGet, "/b.gif?u=https://blog.example/a", "", "Referer", "https://evil.example/"); rec.Code != http.StatusForbidden {
		t.Errorf("a page that tells of another's: %d", rec.Code)
	}
	if rec := w.ask(http.MethodGet, "/b.gif", ""); rec.Header().Get("Pageview-Left-Out") != collect.LeftNotAPage {
		t.Errorf("nothing told: %d %v", rec.Code, rec.Header())
	}
	got := w.pageviews()
	if len(got) != 2 || got[0].Path != "/by-referer" || got[1].Path != "/by-query" || got[1].Title != "Title" || got[1].Referrer != "news.example" || got[0].Source != pageview.SourcePixel {
		t.Errorf("%+v", got)
	}
}

func TestNothingIsAcknowledgedThatIsNotKept(t *testing.T) {
	for _, c := range []struct {
		err   error
		after string
	}{
		{pageview.ErrBusy, "1"}, {pageview.ErrFull, "60"}, {pageview.ErrClosed, "5"},
	} {
		w := newWays(t)
		w.err = c.err
		rec := w.ask(http.MethodPost, "/b.js", `{"u":"https://blog.example/a"}`)
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") != c.after {
			t.Errorf("%v: script %d %v", c.err, rec.Code, rec.Header())
		}
		rec = w.ask(http.MethodGet, "/b.gif", "", "Referer", "https://blog.example/a")
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") != c.after {
			t.Errorf("%v: pixel %d %v", c.err, rec.Code, rec.Header())
		}
	}
}

func TestScriptIsServed(t *testing.T) {
	w := newWays(t, func(c *receive.Config) { c.Script = "my-name" })
	rec := w.ask(http.MethodGet, "/my-name.js", "", "Accept-Encoding", "gzip")
	h := rec.Header()
	if rec.Code != 200 || h.Get("Content-Encoding") != "gzip" || h.Get("Cache-Control") != "public, max-age=3600" || h.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%d %v", rec.Code, h)
	}
	if again := w.ask(http.MethodGet, "/my-name.js", "", "If-None-Match", h.Get("Etag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("again: %d %s", again.Code, again.Body)
	}
	hash, integrity, _ := strings.Cut(h.Get("Script-Version"), " ")
	rec = w.ask(http.MethodGet, "/my-name."+hash+".js", "")
	if rec.Code != 200 || !strings.HasSuffix(rec.Header().Get("Cache-Control"), "immutable") || !strings.Contains(rec.Body.String(), "sendBeacon") {
		t.Errorf("by its hash: %d %v", rec.Code, rec.Header())
	}
	if rec := w.ask(http.MethodPost, "/my-name."+hash+".js", `{"u":"https://blog.example/a"}`); rec.Code != http.StatusNoContent {
		t.Errorf("a pinned script's message: %d", rec.Code)
	}
	want := `<script defer src="https://stats.example/my-name.` + hash + `.js" integrity="` + integrity + `" crossorigin="anonymous" data-site="blog"></script>`
	if got := receive.Tag("https://stats.example", "my-name", "blog", true); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, path := range []string{"/b.js", "/my-name.0123456789abcdef.js", "/my-name.gif.js"} {
		if rec := w.ask(http.MethodGet, path, ""); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}

func TestScriptNameIsChecked(t *testing.T) {
	for _, name := range []string{"a/b", "a.b", "{x}", " ", strings.Repeat("a", 41)} {
		if _, err := receive.New(receive.Config{Script: name}); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func FuzzBeacon(f *testing.F) {
	f.Add(`{"u":"https://blog.example/a","t":"A","w":1e99,"d":-1}`, "https://blog.example")
	f.Add(`{"u":"http://[","r":"\ud800"}`, "null")
	w := newWays(f)
	f.Fuzz(func(t *testing.T, body, origin string) {
		rec := w.ask(http.MethodPost, "/b.js", body, "Origin", origin)
		if rec.Code >= 500 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		for _, v := range w.pageviews() {
			if v.Path == "" || v.Path[0] != '/' || v.Site != "blog" {
				t.Errorf("%+v", v)
			}
		}
		w.kept = nil
	})
}

// FuzzPixel gives whatever as the query and the Referer of a picture, and as
// the callback and the Referer of busuanzi.
func FuzzPixel(f *testing.F) {
	f.Add("u=/a&s=blog&t=A&r=https://news.example/", "https://blog.example/b?utm_source=x")
	f.Add("u=https://[&t=%ff%00", "http://blog.example:80/%zz")
	f.Add("jsonpCallback=a.b$_1", "https://blog.example/")
	f.Add("jsonpCallback=alert(1)//", "x")
	w := newWays(f)
	f.Fuzz(func(t *testing.T, query, referrer string) {
		for _, path := range []string{"/b.gif", "/busuanzi"} {
			req := httptest.NewRequest(http.MethodGet, path, nil)
			req.URL.RawQuery = query
			req.Header = http.Header{"Referer": {referrer}, "User-Agent": {firefox}}
			rec := httptest.NewRecorder()
			w.ServeHTTP(rec, req)
			if rec.Code >= 500 || rec.Code == 200 && rec.Header().Get("Content-Type") == "" {
				t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
			}
			if body := rec.Body.String(); path == "/busuanzi" && rec.Header().Get("Content-Type") != "application/json" && rec.Code == 200 && strings.ContainsAny(body, "<>&'\\") {
				t.Errorf("%q is repeated to a page", body)
			}
		}
		for _, v := range w.pageviews() {
			if v.Path == "" || v.Path[0] != '/' || v.Site != "blog" || !utf8.ValidString(v.Path+v.Title+v.Referrer) {
				t.Errorf("%+v", v)
			}
		}
		w.kept = nil
	})
}
