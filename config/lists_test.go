package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/report"
	"github.com/google/go-cmp/cmp"
)

const listed = `
sites:
  - name: blog
    url: https://blog.example/start/
    articles: /posts/*
    reports: [{name: top, run: [true]}]
    lists:
      - name: week
        method: pageviews
        window: 7d
        articles: [/posts/*, /notes/*]
        exclude: /posts/draft-*
        limit: 5
        bots: include
        trigger: every 5m
      - name: hot
        half_life: 1d
      - name: by
        title: "On {category}"
        articles: "/{category}/*"
        category: [go, 生活]
      - {name: rise, method: rising, window: 24h}
      - {name: ever, method: visitors, window: all}
    learn:
      sitemaps: /sitemap.xml
      feeds: [index.xml, https://feeds.example/blog]
      pages: false
      pages_per_run: 5
      pause: 2s
`

func TestHotLists(t *testing.T) {
	text := strings.Replace(listed, "index.xml", "/index.xml", 1)
	f, err := config.Parse("beforehand.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	site := f.Sites[0]
	day := 24 * time.Hour
	want := []struct {
		name, title string
		query       report.HotQuery
	}{
		{"hot", "", report.HotQuery{Pages: []string{"/posts/*"}, HalfLife: day}},
		{"week", "", report.HotQuery{Method: "pageviews", Window: 7 * day, Pages: []string{"/posts/*", "/notes/*"}, Except: []string{"/posts/draft-*"}, Limit: 5, Bots: "include"}},
		{"by-go", "On go", report.HotQuery{Pages: []string{"/go/*"}}},
		{"by-生活", "On 生活", report.HotQuery{Pages: []string{"/生活/*"}}},
		{"rise", "", report.HotQuery{Method: "rising", Window: day, Pages: []string{"/posts/*"}}},
		{"ever", "", report.HotQuery{Method: "visitors", Window: report.AllTime, Pages: []string{"/posts/*"}}},
	}
	lists := site.HotLists()
	if len(lists) != len(want) {
		t.Fatalf("%d lists", len(lists))
	}
	for i, w := range want {
		l := lists[i]
		w.query.Site = "blog"
		if q := l.Query(&site); l.Name != w.name || l.Title != w.title || cmp.Diff(w.query, q) != "" {
			t.Errorf("list %d: %s %q\n%s", i, l.Name, l.Title, cmp.Diff(w.query, q))
		}
	}
	if lists[1].Trigger != "every 5m" {
		t.Errorf("trigger %q", lists[1].Trigger)
	}
	r, err := site.Reader()
	if err != nil || !cmp.Equal(r.Sitemaps, []string{"https://blog.example/sitemap.xml"}) || !cmp.Equal(r.Feeds, []string{"https://blog.example/index.xml", "https://feeds.example/blog"}) ||
		!r.NoPages || r.PerRun != 5 || r.Pause != 2*time.Second || r.Private {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestASiteWithoutListsHasOne(t *testing.T) {
	f, err := config.Parse("beforehand.yaml", []byte("sites: {name: blog, learn: {}, url: \"http://localhost:1313\"}"))
	if err != nil {
		t.Fatal(err)
	}
	site := f.Sites[0]
	lists := site.HotLists()
	if len(lists) != 1 || cmp.Diff(report.HotQuery{Site: "blog"}, lists[0].Query(&site)) != "" || lists[0].Name != config.HotList {
		t.Errorf("%+v", lists)
	}
	if r, err := site.Reader(); err != nil || r.NoPages || r.Base.Host != "localhost:1313" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMistakesInLists(t *testing.T) {
	good := strings.Replace(listed, "index.xml", "/index.xml", 1)
	for _, c := range []struct{ old, new, want string }{
		{"/index.xml", "index.xml", "beforehand.yaml:26:15: \"index.xml\" is neither a URL nor a path"},
		{"https://feeds.example/blog", "ftp://feeds.example/", "is neither a URL nor a path"},
		{"url: https://blog.example/start/", "url: blog.example", "beforehand.yaml:4:10: \"blog.example\" is no address of a site"},
		{"url: https://blog.example/start/", "url: https://me:secret@blog.example/", "is no address of a site"},
		{"    url: https://blog.example/start/\n", "", "beforehand.yaml:23:5: give the site's url, too"},
		{"    articles: /posts/*\n    rep", "    hosts: other.example\n    rep", "beforehand.yaml:4:5: the host blog.example is none of hosts"},
		{"method: pageviews", "method: votes", "unknown method \"votes\"; allowed are decay, pageviews, visitors, hackernews, reddit, rising"},
		{"method: pageviews", "methode: pageviews", "unknown key \"methode\"; allowed are name, title, method"},
		{"window: 7d", "window: 0s", "\"0s\" is no window: write it like 24h or 7d, or all"},
		{"window: 24h", "window: all", "rising compares with the window before"},
		{"limit: 5", "limit: 1001", "beforehand.yaml:13:9: 1001: allowed are 1 to 1000"},
		{"limit: 5", "half_life: 1d", "beforehand.yaml:13:9: it is for the method decay, not for pageviews"},
		{"bots: include", "bots: some", "allowed are exclude, include and only"},
		{"/posts/draft-*", "posts", "\"posts\" matches no path"},
		{"name: week", "name: pageviews", "beforehand.yaml:8:9: \"pageviews\": use letters"},
		{"name: week", "name: a/b", "\"a/b\": use letters"},
		{"name: week", "name: top", "two lists or reports are called \"top\""},
		{"name: week", "name: by-go", "two lists or reports are called \"by-go\""},
		{"name: week", "name: hot", "two lists or reports are called \"hot\""},
		{"\"/{category}/*\"", "/posts/*", "category and {category} in articles belong together"},
		{"        category: [go, 生活]\n", "", "category and {category} in articles belong together"},
		{"[go, 生活]", "[go, go]", "\"go\" is in it twice"},
		{"[go, 生活]", "[\"a b\"]", "\"a b\": use letters"},
		{"pause: 2s", "pause: 1ms", "at least 100ms"},
		{"pages_per_run: 5", "pages_per_run: 501", "501: allowed are 1 to 500"},
		{"pages: false", "pages: maybe", "true or false is wanted here"},
		{"trigger: every 5m", "trigger: often", "beforehand.yaml:15:18: "},
	} {
		_, err := config.Parse("beforehand.yaml", []byte(strings.Replace(good, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.new, err, c.want)
		}
	}
}
