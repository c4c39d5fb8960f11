package web_test

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/articles"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

// variant is one state a page can be in.
type variant struct {
	render func(io.Writer, web.Data) error
	data   web.Data
}

func variants() map[string]variant {
	all := map[string]variant{"demo": {web.Page, sample()}, "live": {web.Live, sample()}}
	add := func(name string, change func(*web.Data)) {
		d := sample()
		d.LiveURL = ""
		change(&d)
		all[name] = variant{web.Page, d}
	}
	add("serve", func(*web.Data) {})
	add("stale", func(d *web.Data) {
		d.Hot.Stale, d.Hot.Reason = true, "read pageviews: the disk is full"
		d.Hot.AsOf = d.Hot.AsOf.Add(-26 * time.Hour)
		d.Pageviews.Stale = true
	})
	add("empty", func(d *web.Data) {
		*d = web.Data{Site: "default", Now: d.Now, Pageviews: web.Report{Name: "pageviews", AsOf: d.Now, Next: d.Pageviews.Next}}
	})
	add("waiting", func(d *web.Data) {
		*d = web.Data{Site: "default", Now: d.Now, Pageviews: web.Report{Name: "pageviews", Stale: true, Reason: "open pageviews: no space left"}}
	})
	add("unmeasured", func(d *web.Data) {
		d.LiveURL = "/live/"
		d.Pageviews = web.Report{Name: "pageviews", Next: d.Pageviews.Next}
		d.Hot = web.Report{Name: "hot"}
		d.Chart, d.Items = chart.Bars{}, nil
	})
	add("chinese", func(d *web.Data) { d.LiveURL, d.Language = "/live/", language.Chinese })
	add("hostile", func(d *web.Data) {
		d.Site, d.Title = "a/../b?<x>", `<script>alert("title")</script>`
		d.Import = "rm -rf <nothing>"
		for i := range d.Items {
			d.Items[i].URL, d.Items[i].Picture = "javascript:alert(1)//", `javascript:alert(2)//"onerror="alert(3)`
		}
		d.Lists = []web.Link{{Title: "<b>x", URL: `/s/"><b>`}}
		d.Items[0].Title, d.Items[0].Path = `"><img src=x onerror=alert(1)>`, `/"onmouseover="alert(1)`
		d.Items[1].Title, d.Items[1].Path = "", "//elsewhere.example/"
		d.Chart.Series[0].Name = `</svg><script>alert(2)</script>`
		d.Hot.Stale, d.Hot.Reason = true, `<b onclick="x">%s %d</b>`
	})
	add("strange-paths", func(d *web.Data) {
		site := &url.URL{Scheme: "https", Host: "blog.example"}
		for i, p := range []string{`/"onmouseover="alert(1)`, "//elsewhere.example/", "@elsewhere.example/", "javascript:alert(1)", "/ä ö?q=<1>#%zz", ""} {
			d.Items[i].Path, d.Items[i].URL = p, articles.Address(site, p)
		}
	})
	return all
}

func write(t *testing.T, v variant) string {
	t.Helper()
	var b bytes.Buffer
	if err := v.render(&b, v.data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			got := write(t, v)
			if again := write(t, v); again != got {
				t.Error("rendered twice, it differs")
			}
			file := "testdata/" + name + ".html"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("differs from %s; look at it and run go test -update", file)
			}
		})
	}
}

var (
	inline  = regexp.MustCompile(`(?i)<[a-z][^>]*\s(style|on[a-z]+)\s*=|<style|<script>|="?javascript:`)
	foreign = regexp.MustCompile(`(?i)\s(src|srcset|data|action|poster)\s*=\s*"?(https?:)?//|<link[^>]*href="(https?:)?//`)
	ids     = regexp.MustCompile(`\sid="([^"]*)"`)
)

// TestPagesKeepThePolicy looks for what the policy would block or what would
// be loaded from elsewhere, in every state of the page.
func TestPagesKeepThePolicy(t *testing.T) {
	for name, v := range variants() {
		keepsPolicy(t, name, write(t, v))
	}
}

func keepsPolicy(t *testing.T, name, html string) {
	t.Helper()
	if found := inline.FindString(html); found != "" {
		t.Errorf("%s: has %q", name, found)
	}
	if found := foreign.FindString(html); found != "" {
		t.Errorf("%s: loads %q", name, found)
	}
	if strings.Contains(html, "%!") || strings.Contains(html, "ZgotmplZ") {
		t.Errorf("%s: a sentence or URL went wrong", name)
	}
	seen := map[string]bool{}
	for _, id := range ids.FindAllStringSubmatch(html, -1) {
		if seen[id[1]] {
			t.Errorf("%s: id %q twice", name, id[1])
		}
		seen[id[1]] = true
	}
}

func TestPagesAreWellFormed(t *testing.T) {
	for name, v := range variants() {
		isWellFormed(t, name, write(t, v))
	}
}

// isWellFormed parses a page as XML that forgives what HTML may leave open.
func isWellFormed(t *testing.T, name, html string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(html, "<!doctype html>\n")))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link", "br", "input"}, xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}

func TestPageSaysWhatIsKnown(t *testing.T) {
	all := variants()
	for name, sentences := range map[string][]string{
		"demo": {
			">97,200,000</dd>", `as of <time datetime="2026-11-22T14:00:00+08:00">14:00</time>`, `>15:00</time>`,
			"took 1.8 s", "22,000×", `<a class="go" href="/live/?lang=en">`, "up 12", "down 3", ">new<",
			`href="https://blog.example/2026/11/article-number-51/"`, `href="/s/default/hot.json"`, `href="/s/default/pageviews.svg"`,
			"Times are those of Asia/Shanghai",
		},
		"live":       {"You waited 3.6 s.", "computed for you just now", `<a class="go" href="/?lang=en">`},
		"stale":      {"read pageviews: the disk is full", "21 November 2026, 12:00", "A newer result is overdue."},
		"empty":      {"No pageviews yet", "beforehand import access.log", ">default</bdi>", ">07:00</time>"},
		"waiting":    {"The first result is on its way", "Look again", "No newer result: open pageviews: no space left."},
		"unmeasured": {"not measured yet", "Not computed yet.", "the first result is due", "No article is hot yet", "Nothing to draw yet"},
	} {
		html := write(t, all[name])
		for _, s := range sentences {
			if !strings.Contains(html, s) {
				t.Errorf("%s does not say %q", name, s)
			}
		}
	}
	for name, sentence := range map[string]string{
		"serve": "slow page", "demo": "You waited", "empty": "<svg", "hostile": `href="//`,
	} {
		if strings.Contains(write(t, all[name]), sentence) {
			t.Errorf("%s says %q", name, sentence)
		}
	}
}

// TestPageIsSmall holds the page with its styles and scripts to what is sent
// in all.
func TestPageIsSmall(t *testing.T) {
	const most = 15_000 // bytes, gzip
	var sent int
	html := write(t, variants()["demo"])
	for _, body := range append(assetBodies(t, html), html) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := io.WriteString(z, body); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		sent += b.Len()
	}
	t.Logf("page %d bytes, all of it %d bytes gzip", len(html), sent)
	if sent > most {
		t.Errorf("%d bytes, want at most %d", sent, most)
	}
}

func TestChartWithWrongDataIsAnError(t *testing.T) {
	d := sample()
	d.Chart.Series[0].Values = d.Chart.Series[0].Values[1:]
	var b bytes.Buffer
	if err := web.Page(&b, d); err == nil || b.Len() > 0 {
		t.Errorf("error %v after %d bytes, want an error before the first", err, b.Len())
	}
}
