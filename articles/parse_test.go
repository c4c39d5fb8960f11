package articles

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var base = &url.URL{Scheme: "https", Host: "blog.example", Path: "/x/feed.xml"}

// lines writes entries one a line.
func lines(entries []entry) string {
	var b strings.Builder
	for _, e := range entries {
		when := ""
		if !e.told.Published.IsZero() {
			when = e.told.Published.Format(time.RFC3339)
		}
		if e.modified && when != "" {
			when = "~" + when
		}
		fmt.Fprintln(&b, strings.Join([]string{e.url, e.told.Title, when, e.told.Picture}, "|"))
	}
	return b.String()
}

const urlset = `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">`

func TestSitemap(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"all that a page can say": {
			`<?xml version="1.0" encoding="UTF-8"?>` + urlset + `
			<url><loc> https://blog.example/a?b=1&amp;c=2 </loc><lastmod>2026-03-01</lastmod><image:image><image:loc>https://blog.example/a.png</image:loc><image:title>no</image:title></image:image></url>
			<url><loc>/b</loc><news:news><news:publication><news:name>Blog</news:name></news:publication>
			<news:publication_date>2026-03-02T10:00+01:00</news:publication_date><news:title>B &amp; C</news:title></news:news></url>
			<url><loc>https://blog.example/c</loc></url></urlset>`,
			"https://blog.example/a?b=1&c=2||~2026-03-01T00:00:00Z|\nhttps://blog.example/b|B & C|2026-03-02T09:00:00Z|\n",
		},
		"both times":            {urlset + `<url><loc>/a</loc><lastmod>2026-03-05T00:00:00Z</lastmod><news:news><news:publication_date>2026-03-02</news:publication_date></news:news></url></urlset>`, "https://blog.example/a||~2026-03-05T00:00:00Z|\nhttps://blog.example/a||2026-03-02T00:00:00Z|\n"},
		"no namespace":          {`<urlset><url><loc>http://blog.example/a</loc><lastmod>2026-03</lastmod></url></urlset>`, "http://blog.example/a||~2026-03-01T00:00:00Z|\n"},
		"another character set": {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + urlset + "<url><loc>/a</loc><news:news><news:title>caf\xe9</news:title></news:news></url></urlset>", "https://blog.example/a|café||\n"},
		"invalid UTF-8":         {urlset + "<url><loc>/a\xff</loc><lastmod>2026-03-01</lastmod></url></urlset>", "https://blog.example/a||~2026-03-01T00:00:00Z|\n"},
		"not of the web":        {urlset + `<url><loc>javascript:alert(1)</loc><lastmod>2026-03-01</lastmod></url><url><loc>file:///etc/passwd</loc><lastmod>2026-03-01</lastmod></url></urlset>`, ""},
		"no time":               {urlset + `<url><loc>/a</loc><lastmod>yesterday</lastmod></url></urlset>`, ""},
		"script in a title":     {urlset + `<url><loc>/a</loc><news:news><news:title>&lt;script&gt;alert(1)&lt;/script&gt; "x"</news:title></news:news></url></urlset>`, "https://blog.example/a|alert(1) \"x\"||\n"},
		"billion laughs":        {laughs + urlset + `<url><loc>/a</loc><news:news><news:title>&i;</news:title></news:news></url></urlset>`, "https://blog.example/a|&i;||\n"},
		"deep":                  {urlset + strings.Repeat("<url>", 20_000), "error"},
		"another file":          {`<html><body>not found</body></html>`, "error"},
		"nothing":               {"", "error"},
		"cut":                   {urlset + `<url><loc>/a</loc>`, "error"},
	} {
		entries, _, err := sitemap([]byte(c.in), base)
		got := lines(entries)
		if what, why, _ := strings.Cut(c.want, ": "); err != nil && what == "error" && strings.Contains(err.Error(), why) {
			got = c.want
		}
		if got != c.want || err != nil && !strings.HasPrefix(c.want, "error") {
			t.Errorf("%s: got\n%swant\n%s(error %v)", name, got, c.want, err)
		}
	}
}

// laughs defines an entity that would be 3 GB.
const laughs = `<!DOCTYPE x [<!ENTITY a "laugh"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">
<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;"><!ENTITY i "&h;&h;&h;&h;&h;&h;&h;&h;&h;&h;">]>`

func TestSitemapIndex(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, `<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>/one.xml.gz</loc><lastmod>2026-03-01</lastmod></sitemap><sitemap><loc>ftp://x/</loc></sitemap><sitemap><loc>https://cdn.example/two.xml</loc></sitemap></sitemapindex>`)
	z.Close()
	_, parts, err := sitemap(packed.Bytes(), base)
	if want := []string{"https://blog.example/one.xml.gz", "https://cdn.example/two.xml"}; err != nil || !cmp.Equal(parts, want) {
		t.Errorf("%q, %v", parts, err)
	}
	many := "<sitemapindex>" + strings.Repeat("<sitemap><loc>/s</loc></sitemap>", 1000) + "</sitemapindex>"
	if _, parts, err := sitemap([]byte(many), base); err != nil || len(parts) != maxParts {
		t.Errorf("%d parts, %v", len(parts), err)
	}
	if os.Getenv("BEFOREHAND_PROVE") == "" {
		return
	}
	long := urlset + strings.Repeat("<url><loc>/s</loc><lastmod>2026-03-01</lastmod></url>", maxEntries+1) + "</urlset>"
	if entries, _, err := sitemap([]byte(long), base); err != nil || len(entries) != maxEntries {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func TestPackedWithoutEnd(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, maxFeed+1))
	z.Close()
	if _, err := unpack(bomb.Bytes(), 1<<20); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("unpacked: %v", err)
	}
	if _, err := feed(bomb.Bytes(), base); err == nil || !strings.Contains(err.Error(), "larger than 4 MiB") {
		t.Errorf("feed: %v", err)
	}
	if _, err := feed(bomb.Bytes()[:100], base); err == nil {
		t.Error("a file that was cut was taken")
	}
}

func TestFeed(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"RSS": {
			`<rss version="2.0"><channel><link>https://blog.example/</link><title>Blog</title>
			<item><title>One &amp;amp; &lt;b&gt;two&lt;/b&gt;</title><link>https://blog.example/one</link><pubDate>Mon, 02 Mar 2026 10:00:00 +0100</pubDate><enclosure url="/one.jpg" type="image/jpeg" length="1"/></item>
			<item><title>Two</title><guid isPermaLink="true">https://blog.example/two</guid><pubDate>02 Mar 2026 10:00 GMT</pubDate></item>
			<item><title>Nowhere</title><guid isPermaLink="false">tag:1</guid></item></channel></rss>`,
			"https://blog.example/one|One & two|2026-03-02T09:00:00Z|https://blog.example/one.jpg\nhttps://blog.example/two|Two|2026-03-02T10:00:00Z|\n",
		},
		"Atom": {
			`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://blog.example/"><entry><title type="html">A &lt;i&gt;b&lt;/i&gt; List&amp;lt;T&amp;gt;</title><link rel="alternate" href="a"/><published>2026-03-01T00:00:00Z</published><updated>2026-04-01T00:00:00Z</updated></entry>
			<entry><title>Only updated</title><link href="b"/><updated>2026-04-01T00:00:00Z</updated></entry></feed>`,
			"https://blog.example/a|A b List<T>|2026-03-01T00:00:00Z|\nhttps://blog.example/b|Only updated|~2026-04-01T00:00:00Z|\n",
		},
		"JSON Feed":         {`{"version":"https://jsonfeed.org/version/1.1","title":"Blog","items":[{"id":"1","url":"https://blog.example/j","title":"J","date_published":"2026-03-01T00:00:00Z","image":"https://blog.example/j.png"}]}`, "https://blog.example/j|J|2026-03-01T00:00:00Z|https://blog.example/j.png\n"},
		"invalid UTF-8":     {"<rss version=\"2.0\"><channel><item><title>a\xff\xfeb</title><link>/a</link></item></channel></rss>", "https://blog.example/a|ab||\n"},
		"another set":       {"<?xml version=\"1.0\" encoding=\"gbk\"?><rss version=\"2.0\"><channel><item><title>\xd6\xd0\xce\xc4</title><link>/a</link></item></channel></rss>", "https://blog.example/a|中文||\n"},
		"script in a title": {`<rss version="2.0"><channel><item><title>&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;x&lt;/script&gt;</title><link>/a</link></item></channel></rss>`, "https://blog.example/a|x||\n"},
		"script as a link":  {`<rss version="2.0"><channel><item><title>x</title><link>javascript:alert(1)</link></item></channel></rss>`, ""},
		"billion laughs":    {laughs + `<rss version="2.0"><channel><item><title>&i;</title><link>/a</link></item></channel></rss>`, "https://blog.example/a|&i;||\n"},
		"deep extension":    {`<rss version="2.0" xmlns:x="http://x"><channel><item>` + strings.Repeat("<x:a>", 20_000), "error: its elements nest too deeply"},
		"deep body":         {`<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="xhtml">` + strings.Repeat("<b>", 20_000), "error: its elements nest too deeply"},
		"deep list":         {`{"version":"https://jsonfeed.org/version/1","items":` + strings.Repeat("[", 100_000), "error"},
		"a page":            {`<!doctype html><title>Not found</title>`, "error"},
		"nothing":           {"", "error"},
	} {
		entries, err := feed([]byte(c.in), base)
		got := lines(entries)
		if what, why, _ := strings.Cut(c.want, ": "); err != nil && what == "error" && strings.Contains(err.Error(), why) {
			got = c.want
		}
		if got != c.want || err != nil && !strings.HasPrefix(c.want, "error") {
			t.Errorf("%s: got\n%swant\n%s(error %v)", name, got, c.want, err)
		}
	}
}

func TestPage(t *testing.T) {
	for name, c := range map[string]struct{ in, mediaType, want string }{
		"all": {`<!doctype html><html><head><title>One | Blog</title><meta property="og:title" content="One &amp; only"><meta property=og:image content="/one.jpg">
			<meta property="article:published_time" content="2026-03-01T10:00:00+01:00"><meta property="og:title" content="second"></head>`, "text/html", "One & only|https://blog.example/one.jpg|2026-03-01T09:00:00Z|One | Blog"},
		"name in place of property": {`<meta content="N" name="OG:Title"><title>T</title>`, "", "N|||T"},
		"after the head":            {`<head><title>T</title></head><body><meta property="og:title" content="late">`, "", "|||T"},
		"in the body":               {`<title>T</title><body><meta property="og:title" content="late">`, "", "|||T"},
		"in a script":               {`<script>"<meta property='og:title' content='no'>"</script><!-- <title>no</title> --><title>T</title>`, "", "|||T"},
		"hostile":                   {"<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;\u202e\x00</title><meta property=og:title content='\"><script>alert(1)</script>'><meta property=og:image content='javascript:alert(1)'>", "", "\"><script>alert(1)</script>|||</title><script>alert(1)</script>"},
		"data as a picture":         {`<meta property=og:image content="data:image/svg+xml,<svg onload=alert(1)>">`, "", "|||"},
		"markup in a picture":       {`<meta property=og:image content='/a.jpg?x="><script>&y=ü z'>`, "", "|https://blog.example/a.jpg?x=%22%3E%3Cscript%3E&y=%C3%BC%20z||"},
		"password in a picture":     {`<meta property=og:image content="https://user:secret@blog.example/x">`, "", "|||"},
		"another set":               {"<title>\xd6\xd0\xce\xc4</title>", "text/html; charset=gb2312", "|||中文"},
		"said in the page":          {"<meta charset=windows-1252><title>caf\xe9</title>", "text/html", "|||café"},
		"invalid UTF-8":             {"<title>a\xff\xc0b</title>", "text/html; charset=utf-8", "|||ab"},
		"cut in a tag":              {`<title>T</title><meta property="og:tit`, "", "|||T"},
		"empty":                     {"", "", "|||"},
		"bad time":                  {`<meta property="article:published_time" content="soon">`, "", "|||"},
	} {
		told, head, err := page([]byte(c.in), c.mediaType, base)
		when := ""
		if !told.Published.IsZero() {
			when = told.Published.Format(time.RFC3339)
		}
		if got := strings.Join([]string{told.Title, told.Picture, when, head.Title}, "|"); err != nil || got != c.want {
			t.Errorf("%s: got %q, want %q, error %v", name, got, c.want, err)
		}
	}
}

func TestALongTitleIsCut(t *testing.T) {
	told, head, err := page([]byte("<title>"+strings.Repeat("長い", 20_000)+"</title><meta property=og:title content="+strings.Repeat("é", 1000)+">"), "text/html; charset=utf-8", base)
	if err != nil || len(head.Title) > maxTitle || len(told.Title) > maxTitle || !utf8.ValidString(head.Title) || len(told.Title) < maxTitle-1 {
		t.Errorf("%d and %d bytes, %v", len(head.Title), len(told.Title), err)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{urlset + "<url><loc>/a</loc><lastmod>2026</lastmod></url></urlset>", `<rss version="2.0"><channel><item><title>x</title><link>/a</link></item></channel></rss>`, `<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="html">a</title><link href="a"/></entry></feed>`, `<title>x</title><meta property="og:title" content="y">`, `{"version":"https://jsonfeed.org/version/1","items":[{"url":"/a"}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		entries, _, _ := sitemap(body, base)
		more, err := feed(body, base)
		if err == nil {
			entries = append(entries, more...)
		}
		told, head, _ := page(body, "text/html", base)
		entries = append(entries, entry{url: "https://blog.example/", told: told}, entry{url: "https://blog.example/", told: head})
		for _, e := range entries {
			if !utf8.ValidString(e.told.Title) || len(e.told.Title) > maxTitle || strings.ContainsAny(e.told.Title, "\x00\n\u202e") {
				t.Errorf("title %q", e.told.Title)
			}
			for _, u := range []string{e.url, e.told.Picture} {
				if u != "" && !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") || strings.ContainsAny(u, "\"<> \n") {
					t.Errorf("URL %q", u)
				}
			}
		}
	})
}

func TestAddressStaysOnTheSite(t *testing.T) {
	site := &url.URL{Scheme: "https", Host: "blog.example:8443", Path: "/ignored"}
	for path, want := range map[string]string{
		"/":                 "https://blog.example:8443/",
		"/a b/ü?q=<1>":      "https://blog.example:8443/a%20b/%C3%BC?q=%3C1%3E",
		"//evil.example/":   "https://blog.example:8443//evil.example/",
		"/\\evil.example/":  "https://blog.example:8443/%5Cevil.example/",
		"@evil.example/":    "",
		".evil.example/":    "",
		":80@evil.example/": "",
		"":                  "",
		"/%zz":              "",
		"/\r\nHost: evil":   "",
	} {
		if got := Address(site, path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
