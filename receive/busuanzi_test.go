package receive_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/receive"
)

// former is a store of pageviews from before.
type former struct {
	asked int
	err   error
}

func (f *former) Query(context.Context, pageview.Query) (pageview.Answer, error) {
	f.asked++
	return pageview.Answer{
		Rows:  []pageview.Row{{Keys: []string{"/a"}, Values: pageview.Values{Pageviews: 40, Visitors: 30}}},
		Total: pageview.Values{Pageviews: 100, Visitors: 80},
	}, f.err
}

func TestBusuanzi(t *testing.T) {
	before := &former{}
	w := newWays(t, func(c *receive.Config) { c.Counts = before })
	ask := func(page, query, addr string) (int, string) {
		rec := w.ask(http.MethodGet, "/busuanzi"+query, "", "Referer", page, "User-Agent", firefox+" "+addr)
		return rec.Code, rec.Body.String()
	}
	for _, c := range []struct{ page, query, addr, want string }{
		{"https://blog.example/a", "?jsonpCallback=BusuanziCallback_1", "1", `try{BusuanziCallback_1({"site_pv":101,"site_uv":81,"page_pv":41,"page_uv":31,"version":2.4});}catch(e){}`},
		{"https://blog.example/a?again", "", "1", `{"site_pv":102,"site_uv":81,"page_pv":42,"page_uv":31,"version":2.4}`},
		{"https://blog.example/new", "", "1", `{"site_pv":103,"site_uv":81,"page_pv":1,"page_uv":1,"version":2.4}`},
		{"https://blog.example/a", "", "2", `{"site_pv":104,"site_uv":82,"page_pv":43,"page_uv":32,"version":2.4}`},
	} {
		if code, body := ask(c.page, c.query, c.addr); code != 200 || body != c.want {
			t.Errorf("%s: %d %s, want %s", c.page, code, body, c.want)
		}
	}
	w.ask(http.MethodPost, "/b.js", `{"u":"https://blog.example/a"}`)          // counts together
	w.ask(http.MethodPost, "/b.js", `{"u":"https://blog.example/a","b":true}`) // a program
	if _, body := ask("https://blog.example/a", "", "1"); !strings.Contains(body, `"site_pv":106,"site_uv":83,"page_pv":45,"page_uv":33`) {
		t.Error(body)
	}
	if before.asked != 1 {
		t.Errorf("the store was asked %d times", before.asked)
	}
	if got := w.pageviews(); len(got) != 7 || got[0].Source != pageview.SourceBusuanzi || got[0].Path != "/a" {
		t.Errorf("%+v", got)
	}
}

func TestBusuanziRefuses(t *testing.T) {
	for _, c := range []struct {
		page, query string
		code        int
	}{
		{"https://blog.example/a", "?jsonpCallback=alert(1)//", 400},
		{"https://blog.example/a", "?jsonpCallback=a%0ab", 400},
		{"https://evil.example/a", "", 404},
		{"", "", 404},
	} {
		w := newWays(t, func(c *receive.Config) { c.Counts = &former{} })
		rec := w.ask(http.MethodGet, "/busuanzi"+c.query, "", "Referer", c.page)
		if rec.Code != c.code || strings.Contains(rec.Body.String(), "alert") || len(w.kept) > 0 {
			t.Errorf("%+v: %d %s", c, rec.Code, rec.Body)
		}
	}
	w := newWays(t, func(c *receive.Config) { c.Counts = &former{err: errors.New("no")} })
	if rec := w.ask(http.MethodGet, "/busuanzi", "", "Referer", "https://blog.example/a"); rec.Code != 503 || len(w.kept) > 0 {
		t.Errorf("a store that does not answer: %d", rec.Code)
	}
}

func TestBrowserShowsBusuanzi(t *testing.T) {
	w := newWorld(t, func(w *world) map[string]string {
		return map[string]string{"/a": `<script src="` + w.stats + `/busuanzi.js"></script>
			<span id=busuanzi_container_page_pv style="display:none">read <b id=busuanzi_value_page_pv></b></span><b id=busuanzi_value_site_uv></b>`}
	})
	w.open("/a")
	w.expect("/a")
	w.wait("the counts", func() bool {
		return evaluate[string](w, `busuanzi_value_page_pv.textContent + ' ' + busuanzi_value_site_uv.textContent + ' ' + busuanzi_container_page_pv.style.display`) == "41 81 inline"
	})
}
