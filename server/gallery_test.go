package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/beforehand-go/beforehand/server"
)

func TestGallery(t *testing.T) {
	s := startWidgets(t, func(v *server.Site) {
		v.Lists = []server.List{{Name: "week", Title: `This <week> "`}}
		v.Frames = []string{"https://blog.example"}
	})
	page := func(query string) string {
		t.Helper()
		w := visit{path: "/widgets/blog" + query}.do(s)
		if w.Code != http.StatusOK || !strings.HasSuffix(w.Header().Get("Content-Security-Policy"), "frame-src 'self'") {
			t.Fatalf("%s: %d %v", query, w.Code, w.Header())
		}
		return w.Body.String()
	}
	for _, c := range []struct {
		query string
		parts []string
	}{
		{"", []string{"http://localhost:8080/w/widgets.js", `limit=&#34;5&#34;`, `height=&#34;10em&#34;`, "https://blog.example", "newer pageviews count more, half as much after 7 d, within 30 d"}},
		{"?list=week&limit=3&theme=dark&words=zh&base=https://stats.example/", []string{
			"https://stats.example/s/blog/week.json", "https://stats.example/w/blog/week/frame.html?lang=zh&amp;amp;limit=3&amp;amp;theme=dark",
			"This &lt;week&gt; &#34;: ", `title=&#34;This &amp;lt;week&amp;gt; &amp;#34;&#34;`, "script-src https://stats.example;", `theme=&#34;dark&#34;`,
		}},
		{"?limit=", []string{`height=&#34;40em&#34;`}},
		{"?limit=4&theme=x&list=none&words=fr", []string{`limit=&#34;5&#34;`, "/s/blog/hot.json"}},
		{"?lang=zh", []string{"组件", "热门榜单"}},
		{`?base=https://a.example/"><script>`, []string{"That is no address of a server", `value="https://a.example/&#34;&gt;&lt;script&gt;"`, "http://localhost:8080/w/widgets.js"}},
		{"?base=javascript:alert(1)", []string{"That is no address of a server"}},
	} {
		body := page(c.query)
		for _, part := range c.parts {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %q in %s", c.query, part, body)
			}
		}
		if strings.Contains(body, "<img src=x") || strings.Contains(body, `"><script>`) {
			t.Errorf("%s: text became an element", c.query)
		}
	}
	for _, c := range []struct {
		v    visit
		want int
	}{
		{visit{path: "/widgets/none"}, 404},
		{visit{path: "/widgets/blog", addr: "192.0.2.1:5"}, 403},
		{visit{path: "/widgets/blog", header: "X-Forwarded-For", value: "192.0.2.1"}, 403},
	} {
		if w := c.v.do(s); w.Code != c.want {
			t.Errorf("%+v: %d, want %d", c.v, w.Code, c.want)
		}
	}
}

// snippets are the texts to copy on the gallery that a browser shows, by name.
func (b *browser) snippets() map[string]string {
	b.t.Helper()
	text, err := chromedp.Run(b, chromedp.Evaluate[string](
		`JSON.stringify(Object.fromEntries([...document.querySelectorAll("article")].map((a) => [a.getAttribute("aria-labelledby"), a.querySelector("pre code").textContent])))`))
	all := map[string]string{}
	if err == nil {
		err = json.Unmarshal([]byte(text), &all)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// foreign is a page of another origin with the snippets, under a policy that
// allows what the gallery says they need and nothing else. Busuanzi's way of
// asking by a script is not one for trusted types.
func foreign(t *testing.T, stats string, snippets map[string]string, busuanzi bool) string {
	t.Helper()
	var body strings.Builder
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; " + fmt.Sprintf("script-src %[1]s; connect-src %[1]s; frame-src %[1]s; img-src %[1]s", stats)
	if !busuanzi {
		delete(snippets, "busuanzi")
		policy += "; require-trusted-types-for 'script'; trusted-types 'none'"
	}
	for _, name := range []string{"list-element", "list-frame", "count-page", "count-site", "count-picture", "busuanzi", "picture"} {
		if snippets[name] != "" {
			fmt.Fprintf(&body, "<p>Before %s: %s</p><p>after it.</p>\n", name, snippets[name])
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		fmt.Fprintf(w, "<!doctype html><html lang=en><title>A page elsewhere</title>%s", body.String())
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// shifted is what of a page moved by itself, and from where to where.
const shifted = `new Promise((done) => {
	const at = (r) => [r.x, r.y, r.width, r.height].map(Math.round).join(' ')
	const of = (s) => (s.node?.id || s.node?.className || s.node?.nodeName) + ': ' + at(s.previousRect) + ' to ' + at(s.currentRect)
	const seen = []
	new PerformanceObserver((list) => list.getEntries().forEach((e) => seen.push(...e.sources.map(of)))).observe({type: "layout-shift", buffered: true})
	setTimeout(() => done(seen.join(', ')), 300)
})`

// shifts is how far the parts of a page moved by themselves. Less than 0.1 is what
// search engines call good.
const shifts = `new Promise((done) => {
	let sum = 0
	new PerformanceObserver((list) => list.getEntries().forEach((e) => sum += e.value)).observe({type: "layout-shift", buffered: true})
	setTimeout(() => done(sum), 300)
})`

func TestWidgetsInABrowser(t *testing.T) {
	s := startWidgets(t, nil)
	b := browse(t, s)
	b.Run(chromedp.EmulateViewport(900, 2600))
	hosts := []string{b.url[len("http://"):]}
	for _, c := range []struct{ query, unit string }{
		{"", "pageviews"}, {"?words=zh&theme=dark&limit=3", "次浏览"}, {"?theme=light&limit=", "pageviews"},
	} {
		b.open("/widgets/blog" + c.query)
		b.until("document.querySelector('article beforehand-list').shadowRoot.querySelector('a')")
		snippets := b.snippets()
		if len(snippets) < 10 {
			t.Fatalf("%d snippets", len(snippets))
		}
		elsewhere := foreign(t, b.url, snippets, c.query == "")
		hosts = append(hosts, elsewhere[len("http://"):])
		b.Run(chromedp.Navigate(elsewhere + "/p2"))
		b.until("document.readyState == 'complete' && document.querySelector('beforehand-list').shadowRoot?.querySelector('li')")
		b.until("[...document.querySelectorAll('beforehand-count')].every((c) => c.shadowRoot?.querySelector('span'))")
		b.until("(document.getElementById('busuanzi_value_site_pv')?.textContent ?? 200) > 100")
		b.until("[...document.images].every((i) => i.complete && i.naturalWidth > 0)")
		for _, is := range []string{
			fmt.Sprintf("document.querySelector('beforehand-list').shadowRoot.querySelector('a').textContent == %q", hostile),
			"document.querySelector('beforehand-list').shadowRoot.querySelector('a').href == 'https://blog.example/p1'",
			"document.querySelector('beforehand-list').shadowRoot.querySelector('small').textContent == '20 " + c.unit + "'",
			"!document.querySelector('beforehand-list').shadowRoot.querySelector('img')",
			"document.querySelector('beforehand-count').shadowRoot.querySelector('span').textContent == '19'",
			"document.querySelectorAll('beforehand-list').length == 1 && getComputedStyle(document.querySelector('beforehand-list')).display == 'grid'",
			"document.cookie == '' && localStorage.length == 0 && sessionStorage.length == 0",
			"performance.getEntriesByType('resource').filter((e) => e.name.includes('/s/blog/hot.json')).length == 1",
			"performance.getEntriesByType('resource').filter((e) => e.name.includes('count.json')).length == 1",
		} {
			if !b.is(is) {
				t.Errorf("%q: not %s", c.query, is)
			}
		}
		moved, err := chromedp.Run(b, chromedp.Evaluate[float64](shifts, chromedp.EvalAwaitPromise))
		if err != nil || moved != 0 {
			t.Errorf("%q: the page moved by %v, %v", c.query, moved, err)
		}
	}
	b.fits("/widgets/blog", "/w/blog/hot/frame.html")
	b.quiet(hosts...)
}
