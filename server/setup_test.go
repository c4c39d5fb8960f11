package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/server"
)

// owned is a site whose page a test writes, and the server that counts it.
type owned struct {
	*server.Server
	t    *testing.T
	site *httptest.Server

	mu     sync.Mutex
	page   string
	header map[string]string
	asked  int
}

func newOwned(t *testing.T, more ...server.Site) *owned {
	t.Helper()
	o := &owned{t: t}
	o.site = httptest.NewServer(o)
	t.Cleanup(o.site.Close)
	u, err := url.Parse(o.site.URL)
	if err != nil {
		t.Fatal(err)
	}
	all := sites("blog")
	all[0].URL, all[0].Written, all[0].Hosts = u, true, []string{"127.0.0.1"}
	o.Server = startSites(t, append(all, more...))
	o.CheckEvery(time.Nanosecond)
	return o
}

func (o *owned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	switch r.URL.Path {
	case "/moved":
		http.Redirect(w, r, "/", http.StatusFound)
		return
	case "/inside":
		http.Redirect(w, r, "http://127.0.0.2:1/", http.StatusFound)
		return
	case "/none":
		http.NotFound(w, r)
		return
	case "/stats/b.js":
		w.Header().Set("Script-Version", "00 sha384-of-the-script")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	for k, v := range o.header {
		w.Header().Set(k, v)
	}
	fmt.Fprint(w, o.page)
}

// look looks at a path of the site, and returns what is said.
func (o *owned) look(path, page string, header map[string]string) string {
	o.t.Helper()
	o.mu.Lock()
	o.page, o.header = page, header
	o.mu.Unlock()
	at := o.site.URL + path
	if strings.HasPrefix(path, "http") {
		at = path
	}
	v := visit{method: http.MethodPost, path: "/setup/blog", form: url.Values{"page": {at}}}
	w := v.do(o.Server)
	if w.Code != http.StatusOK {
		o.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	_, said, _ := strings.Cut(w.Body.String(), `id="looked"`)
	said, _, _ = strings.Cut(said, `id="ways"`)
	return said
}

func TestSetupLooksAtAPage(t *testing.T) {
	other := sites("shop")[0]
	other.Hosts = []string{"shop.example"}
	o := newOwned(t, other)
	const here = `<script defer src="http://localhost:8080/b.js"></script>`
	policy := func(text string) map[string]string {
		return map[string]string{"Content-Security-Policy": text}
	}
	for _, c := range []struct {
		path, page string
		header     map[string]string
		says       []string
		silent     []string
	}{
		{"/", here, nil, []string{"The script is there: <bdi>http://localhost:8080/b.js", "Its address is this server", "No Content-Security-Policy is in its way"}, []string{"found bad"}},
		{"/", "<p>nothing", nil, []string{"no element that brings <bdi>b.js", "Paste one of the elements below"}, nil},
		{"/", `<img src="http://localhost:8080/b.gif">`, policy("img-src 'self'"), []string{"The picture is there", "blocks the picture: <bdi>img-src &#39;self&#39;"}, nil},
		{"/", here, policy("default-src 'self'"), []string{"blocks the script: <bdi>default-src", "blocks what the script sends: <bdi>default-src"}, nil},
		{"/", here, policy("script-src http://localhost:8080; connect-src 'none'"), []string{"blocks what the script sends: <bdi>connect-src &#39;none&#39;"}, []string{"blocks the script"}},
		{"/", here, policy("default-src http://localhost:8080"), []string{"Content-Security-Policy lets it work"}, []string{"found bad"}},
		{"/", `<meta http-equiv="Content-Security-Policy" content="script-src 'none'">` + here, nil, []string{"blocks the script"}, nil},
		{"/", `<script src="http://localhost:8080/b.js" data-off data-manual data-site="shop"></script>`, nil, []string{"data-off keeps", "With data-manual", "for the site “<bdi>shop</bdi>”, not for “<bdi>blog</bdi>”"}, nil},
		{"/", `<script src="http://localhost:8080/b.0000000000000000.js"></script>`, nil, []string{"There is no such script at"}, nil},
		{"/", `<script src="http://localhost:8080/b.js" integrity="sha384-x"></script>`, nil, []string{"Browsers refuse the script"}, nil},
		{"/", `<script src="/stats/b.js" data-local></script>`, nil, []string{"a server of this kind answers"}, []string{"data-local makes it", "found bad"}},
		{"/", `<script src="/none/b.js"></script><script src="/b.js"></script>`, nil, []string{"There is no such script at"}, nil},
		{"/", `<script src="http://127.0.0.2:1/b.js"></script>`, nil, []string{"could not be seen from here", "not a public address"}, nil},
		{"/", here + `<script src="http://localhost:8080/busuanzi.js"></script>`, nil, []string{"Several kinds of elements count"}, nil},
		{"/", `<noscript>` + here + `</noscript>`, nil, []string{"stands within noscript"}, []string{"script is there"}},
		{"/moved", here, nil, []string{"The address leads to <bdi>http://127.0.0.1", "Its address is this server"}, nil},
		{"/none", here, nil, []string{"answered <bdi>404 Not Found"}, []string{"script is there"}},
		{"/inside", here, nil, []string{"does not reach into private networks"}, nil},
		{"/app.css", here, nil, []string{"The path <bdi>/app.css</bdi> does not count"}, nil},
		{"/", "GIF89a", map[string]string{"Content-Type": "image/gif"}, []string{"no HTML page but <bdi>image/gif"}, nil},
		{"http://127.0.0.2:1/", here, nil, []string{"private networks"}, nil},
		{"http://localhost:1/<img src=x>", here, nil, []string{"private networks: <bdi>http://localhost:1/&lt;img src=x&gt;"}, nil},
		{"http:", "", nil, []string{"could not be fetched"}, nil},
		{"https://[::ffff:10.0.0.1]/", "", nil, []string{"private networks"}, nil},
	} {
		said := o.look(c.path, c.page, c.header)
		for _, text := range c.says {
			if !strings.Contains(said, text) {
				t.Errorf("%s %s %v: it does not say %q: %s", c.path, c.page, c.header, text, said)
			}
		}
		for _, text := range c.silent {
			if strings.Contains(said, text) {
				t.Errorf("%s %s %v: it says %q: %s", c.path, c.page, c.header, text, said)
			}
		}
		if strings.Contains(said, "<img") || strings.Contains(said, "<script") || strings.Contains(said, "%!") {
			t.Errorf("%s: text became an element: %s", c.path, said)
		}
	}
}

func TestSetupTellsWhatArrives(t *testing.T) {
	o := newOwned(t)
	page := func(headers ...string) string {
		t.Helper()
		v := visit{path: "/setup/blog"}
		if len(headers) > 0 {
			v.header, v.value = headers[0], headers[1]
		}
		w := v.do(o.Server)
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		said, _, _ := strings.Cut(w.Body.String(), `id="check"`)
		return said
	}
	send := func(body, agent string) {
		r := httptest.NewRequest(http.MethodPost, "/b.js", strings.NewReader(body))
		r.Header.Set("User-Agent", agent)
		w := httptest.NewRecorder()
		o.Handler().ServeHTTP(w, r)
	}
	if said := page(); !strings.Contains(said, "No pageview of this site has arrived yet") {
		t.Error(said)
	}
	send(`{"u":"https://elsewhere.example/<b>"}`, firefox)
	send(`{"u":"http://127.0.0.1/app.css"}`, firefox)
	send(`{"u":"http://127.0.0.1/a"}`, "curl/8")
	if said := page(); strings.Contains(said, "It counts") || !strings.Contains(said, "(<bdi>elsewhere.example</bdi>)") ||
		!strings.Contains(said, "ends like a file") || !strings.Contains(said, `<span class="badge">bot`) {
		t.Error(said)
	}
	send(`{"u":"http://127.0.0.1/a"}`, firefox)
	if said := page(); !strings.Contains(said, "It counts: a pageview arrived in the last five minutes") {
		t.Error(said)
	}
	for _, c := range [][3]string{{"Dnt", "1", "asks not to be tracked"}, {"Sec-Gpc", "1", "asks not to be tracked"}, {"User-Agent", "curl/8", "taken for a bot"}} {
		if said := page(c[0], c[1]); !strings.Contains(said, c[2]) {
			t.Errorf("%q: %s", c, said)
		}
	}
}

func TestSetupIsNotForStrangers(t *testing.T) {
	all := sites("blog")
	all[0].PublicStats = true
	s := startSites(t, all)
	form := url.Values{"page": {"http://127.0.0.1:1/"}}
	for _, c := range []struct {
		v    visit
		want int
	}{
		{visit{path: "/setup/none"}, 404},
		{visit{path: "/setup/blog", addr: "192.0.2.1:5"}, 401},
		{visit{path: "/setup/blog", method: http.MethodPost, form: form, addr: "192.0.2.1:5"}, 401},
		{visit{path: "/setup/blog", method: http.MethodPost, form: form, header: "Sec-Fetch-Site", value: "cross-site"}, 403},
		{visit{path: "/setup/blog", method: http.MethodPost, form: url.Values{"page": {strings.Repeat("x", 3000)}}}, 400},
		{visit{path: "/setup/blog", method: http.MethodPost, form: form}, 200},
		{visit{path: "/setup/blog", method: http.MethodPost, form: form}, 429}, // not twice within two seconds
		{visit{path: "/setup/blog?lang=zh"}, 200},
	} {
		if w := c.v.do(s); w.Code != c.want {
			t.Errorf("%+v: %d %s, want %d", c.v, w.Code, w.Body, c.want)
		}
	}
}

func TestSetupInABrowser(t *testing.T) {
	o := newOwned(t)
	b := browse(t, o.Server)
	o.mu.Lock()
	o.page = `<meta http-equiv="Content-Security-Policy" content="script-src 'self'"><script src="` + b.url + `/b.js" data-local></script>`
	o.mu.Unlock()
	b.open("/setup/blog")
	b.says("#arrivals", "No pageview of this site has arrived yet")
	b.until("document.querySelectorAll('.copy').length == 4 && (window.kept = true)")
	r := httptest.NewRequest(http.MethodPost, "/b.js", strings.NewReader(`{"u":"http://127.0.0.1/a"}`))
	r.Header.Set("User-Agent", firefox)
	o.Handler().ServeHTTP(httptest.NewRecorder(), r)
	b.says("#arrivals", "It counts: a pageview arrived")
	b.until("window.kept")
	b.until("document.getElementById('page').value == '" + o.site.URL + "'")
	b.click("#content form button")
	b.says("#looked", "Its address is this server")
	b.says("#looked", "blocks the script: script-src")
	b.open("/setup/blog?lang=zh")
	b.click("#content form button")
	b.says("#looked", "拦截脚本")
	b.fits("/setup/blog")
	b.quiet(b.url[len("http://"):])
}
