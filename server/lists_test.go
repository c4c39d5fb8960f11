package server_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/articles"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/server"
)

// aBlog is a site with a feed and pages that say what they are called.
func aBlog(t *testing.T) *url.URL {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/feed.xml", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `<rss version="2.0"><channel>
			<item><title>Of another site</title><link>https://other.example/posts/untold</link></item>
			<item><title>Old of the feed</title><link>/posts/old</link><pubDate>Thu, 01 Jan 2026 00:00:00 GMT</pubDate></item>
			<item><title>New &amp;lt;b&amp;gt; of the feed</title><link>/posts/new</link><pubDate>Sun, 01 Mar 2026 00:00:00 GMT</pubDate></item></channel></rss>`)
	})
	mux.HandleFunc("/posts/old", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<meta property="og:title" content="]]>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:alert(1)) =1+1"><meta property="og:image" content='/old.jpg?"><script>'>`)
	})
	blog := httptest.NewServer(mux)
	t.Cleanup(blog.Close)
	u, err := url.Parse(blog.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// view puts pageviews of a page into the store, by as many visitors.
func view(t *testing.T, s *server.Server, path, title string, n int) {
	t.Helper()
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	var batch pageview.Batch
	for i := range n {
		batch.Pageviews = append(batch.Pageviews, pageview.Pageview{
			Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: path, Title: title,
			Visitor: uint64(i + 1), Source: pageview.SourceScript,
		})
	}
	if err := s.Store.Append(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// hot asks for a list until ok is satisfied with it.
func hot(t *testing.T, h http.Handler, list string, ok func(report.Hot) bool) report.Hot {
	t.Helper()
	var v report.Hot
	var body []byte
	if !eventually(func() bool {
		body, v = get(h, "/s/blog/"+list+".json").Body.Bytes(), report.Hot{}
		return json.Unmarshal(body, &v) == nil && ok(v)
	}) {
		t.Fatalf("list %s: %s", list, body)
	}
	return v
}

func TestListsTellWhatIsKnownOfArticles(t *testing.T) {
	blog := aBlog(t)
	s := startSites(t, []server.Site{{
		Site: &collect.Site{Name: "blog", Zone: time.UTC}, Title: "A & <blog>", URL: blog,
		Lists: []server.List{
			{Name: "hot", Title: "Hot", Query: report.HotQuery{Pages: []string{"/posts/*"}}},
			{Name: "news", Title: "News", Query: report.HotQuery{Method: report.HotHackerNews}},
			{Name: "two", Title: "Two", Query: report.HotQuery{Method: report.HotVisitors, Limit: 2, Except: []string{"/posts/old"}}},
		},
		Learn: &server.Learn{Config: articles.Config{Private: true, Pause: time.Millisecond, Feeds: []string{blog.String() + "/feed.xml"}, Sitemaps: []string{blog.String() + "/none.xml"}}},
	}})
	h := s.Handler()
	view(t, s, "/posts/old", "From the script", 4)
	view(t, s, "/posts/new", "From the script, too", 3)
	view(t, s, "/posts/untold", "</bdi><script>alert(2)</script>", 2)
	view(t, s, "/", "Home", 9)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var asked time.Time
	list := hot(t, h, "hot", func(v report.Hot) bool {
		if time.Since(asked) < time.Second {
			return len(v.Items) == 3 && strings.Contains(v.Items[0].Title, "alert(1)")
		}
		asked = time.Now()
		if _, err := s.Reports.Scheduler().RunNow(t.Context(), "blog/articles"); err != nil {
			t.Fatal(err)
		}
		return len(v.Items) == 3 && strings.Contains(v.Items[0].Title, "alert(1)")
	})
	published := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	old, recent, untold := list.Items[0], list.Items[1], list.Items[2]
	if old.URL != blog.String()+"/posts/old" || !strings.HasPrefix(old.Picture, blog.String()+"/old.jpg?%22") || old.Published == nil || !old.Published.Equal(published) {
		t.Errorf("old: %+v", old)
	}
	if recent.Title != "New <b> of the feed" || recent.Picture != "" || untold.Title != "</bdi><script>alert(2)</script>" {
		t.Errorf("recent: %+v, untold: %+v", recent, untold)
	}
	news := hot(t, h, "news", func(v report.Hot) bool { return len(v.Items) == 2 })
	if news.Items[0].Path != "/posts/new" || news.Undated != 2 {
		t.Errorf("by the formula of Hacker News: %+v", news)
	}
	two := hot(t, h, "two", func(v report.Hot) bool { return len(v.Items) == 2 })
	if two.Items[0].Path != "/" || two.Items[1].Path != "/posts/new" {
		t.Errorf("two: %+v", two)
	}
	checkFormats(t, h, list)
	page := ""
	eventually(func() bool {
		page = get(h, "/").Body.String()
		return strings.Contains(page, "New &lt;b&gt; of the feed")
	})
	for _, want := range []string{`<h2 id="hot"><bdi>Hot</bdi></h2>`, "newer pageviews count more", "New &lt;b&gt; of the feed", `href="` + blog.String() + `/posts/new"`, `href="/s/blog/news.html"`} {
		if !strings.Contains(page, want) || strings.Contains(page, "<script>alert") {
			t.Errorf("the site's page has no %s, or a script", want)
		}
	}
	for _, path := range []string{"/s/blog/articles.json", "/s/blog/articles", "/s/blog/articles..articles", "/s/blog/articles/status.json"} {
		if w := get(h, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestAPageThatIsNewOnAListIsReadSoon does not wait for the hourly tick.
func TestAPageThatIsNewOnAListIsReadSoon(t *testing.T) {
	blog := aBlog(t)
	s := startSites(t, []server.Site{{
		Site: &collect.Site{Name: "blog", Zone: time.UTC}, URL: blog,
		Lists: []server.List{{Name: "hot", Query: report.HotQuery{Method: report.HotVisitors}}},
		Learn: &server.Learn{Config: articles.Config{Private: true, Pause: time.Millisecond}},
	}})
	hot(t, s.Handler(), "hot", func(v report.Hot) bool { return true })
	view(t, s, "/posts/old", "From the script", 4)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	hot(t, s.Handler(), "hot", func(v report.Hot) bool { return len(v.Items) == 1 && strings.Contains(v.Items[0].Title, "alert(1)") })
	if !eventually(func() bool {
		return strings.Contains(get(s.Handler(), "/").Body.String(), "In order of score, which the bars show.</p>")
	}) {
		t.Fatal("the page says of visitors that newer pageviews count more")
	}
}

// checkFormats reads a hostile list in every format.
func checkFormats(t *testing.T, h http.Handler, list report.Hot) {
	t.Helper()
	w := get(h, "/s/blog/hot.rss")
	if got := w.Header().Get("Content-Type"); got != "application/rss+xml" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("RSS: %v", w.Header())
	}
	var feed struct {
		Channel struct {
			Title string `xml:"title"`
			Items []struct {
				Title     string `xml:"title"`
				Link      string `xml:"link"`
				GUID      string `xml:"guid"`
				Published string `xml:"pubDate"`
				Media     struct {
					URL string `xml:"url,attr"`
				} `xml:"http://search.yahoo.com/mrss/ content"`
			} `xml:"item"`
		} `xml:"channel"`
	}
	if err := xml.Unmarshal(w.Body.Bytes(), &feed); err != nil || feed.Channel.Title != "A & <blog>: Hot" || len(feed.Channel.Items) != len(list.Items) {
		t.Fatalf("%+v, error %v, of %s", feed, err, w.Body)
	}
	for i, item := range feed.Channel.Items {
		want := list.Items[i]
		if item.Title != want.Title || item.Link != want.URL || item.GUID != want.URL || item.Media.URL != want.Picture {
			t.Errorf("RSS item %+v, want %+v", item, want)
		}
	}
	if got := feed.Channel.Items[0].Published; got != "Thu, 01 Jan 2026 00:00:00 +0000" {
		t.Errorf("published %s", got)
	}
	html := get(h, "/s/blog/hot.html").Body.String()
	svg := get(h, "/s/blog/hot.svg").Body.String()
	if strings.Contains(html, "<script>") || strings.Contains(svg, "<script>") || !strings.Contains(html, "<img src=") || !strings.HasPrefix(html, "<ol ") {
		t.Errorf("HTML %s", html)
	}
	if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
		t.Errorf("SVG: %v", err)
	}
	md := get(h, "/s/blog/hot.md")
	if want := `1. [\]\]\>\<\/title\>\<script\>alert\(1\)\<\/script\> \[x\]\(javascript\:alert\(1\)\) \=1\+1](<` + list.Items[0].URL + ">) (4)\n"; !strings.HasPrefix(md.Body.String(), want) || md.Header().Get("Content-Type") != "text/markdown; charset=utf-8" {
		t.Errorf("Markdown %v %s", md.Header(), md.Body)
	}
	if csv := get(h, "/s/blog/hot.csv").Body.String(); !strings.HasPrefix(csv, "rank,path,title,") || strings.Count(csv, "\n") != 4 {
		t.Errorf("CSV %s", csv)
	}
}
