package server_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/token"
)

// attacks are lines that break out of wherever they are put, if they can.
func attacks() []string {
	return []string{
		`<script>alert(1)</script>`,
		`"><script>alert(1)</script>`,
		`'><img src=x onerror=alert(1)>`,
		`</title><script>alert(1)</script>`,
		`</style></script><svg/onload=alert(1)>`,
		`--><svg onload=alert(1)>`,
		`]]><script>alert(1)</script>`,
		`" onmouseover="alert(1)" x="`,
		`' autofocus onfocus='alert(1)`,
		"` onload=`alert(1)",
		`javascript:alert(1)`,
		"java\tscript:alert(1)",
		`data:text/html,<script>alert(1)</script>`,
		`//evil.example/x`,
		`{{.}}<%= 7*7 %>${7*7}`,
		`</bdi></a></li></ol><iframe srcdoc="<script>alert(1)</script>">`,
		`<a href="javascript:alert(1)">x</a>`,
		`<math><mtext><mglyph><style><img src=x onerror=alert(1)>`,
		"\u2028\u2029</script><script>alert(1)//",
		`\u003cscript\u003ealert(1)\u003c/script\u003e`,
		`<svg><script href="data:,alert(1)"/></svg>`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`,
		"<scr\x00ipt>alert(1)</scr\x00ipt>",
		`<base href="//evil.example/">`,
		`<meta http-equiv="refresh" content="0;url=//evil.example">`,
		`<form action="//evil.example"><button>`,
		`<link rel=stylesheet href=//evil.example>`,
		`x' style='background:url(//evil.example)`,
		"[x](javascript:alert(1))",
		"=cmd|' /C calc'!A0",
	}
}

// harmless says what in a page, a picture or a feed could run, lead away or load
// something, other than what the program puts there.
func harmless(contentType, body string) error {
	switch kind, _, _ := strings.Cut(contentType, ";"); kind {
	case "text/html":
		return harmlessHTML(body)
	case "image/svg+xml", "application/rss+xml", "text/xml", "application/xml":
		return harmlessXML(body)
	case "application/json":
		if !json.Valid([]byte(body)) {
			return errors.New("no JSON")
		}
	}
	return nil
}

// bad are elements that no page of ours has.
var bad = []string{"object", "embed", "base", "math", "style", "marquee", "video", "audio", "frame", "applet"}

func harmlessHTML(body string) error {
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) {
				return nil
			}
			return z.Err()
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if slices.Contains(bad, token.Data) {
				return fmt.Errorf("there is %s", token)
			}
			src := ""
			for _, a := range token.Attr {
				if err := harmlessAttribute(a.Key, a.Val); err != nil {
					return fmt.Errorf("%w in %s", err, token)
				}
				if a.Key == "src" || a.Key == "href" {
					src = a.Val
				}
			}
			own := strings.HasPrefix(src, "/assets/") || src == "/w/widgets.js"
			if (token.Data == "iframe" || token.Data == "img") && !strings.HasPrefix(src, "/w/") && !strings.HasPrefix(src, "/s/") {
				return fmt.Errorf("there is %s", token)
			}
			if (token.Data == "script" || token.Data == "link" && !strings.Contains(token.String(), `rel="alternate"`)) && !own {
				return fmt.Errorf("there is %s", token)
			}
			if token.Data == "meta" && strings.Contains(token.String(), "http-equiv") {
				return fmt.Errorf("there is %s", token)
			}
		}
	}
}

// harmlessAttribute refuses what runs, is a style, or leads away.
func harmlessAttribute(key, value string) error {
	if strings.HasPrefix(key, "on") || key == "style" || key == "srcdoc" {
		return errors.New("an attribute runs")
	}
	switch key {
	case "href", "src", "action", "formaction", "xlink:href":
		plain := strings.ToLower(strings.Map(func(r rune) rune {
			if r <= ' ' {
				return -1
			}
			return r
		}, value))
		for _, scheme := range []string{"javascript:", "data:", "vbscript:"} {
			if strings.HasPrefix(plain, scheme) {
				return errors.New("an address runs")
			}
		}
		if u, err := url.Parse(value); err != nil || u.Host != "" && u.Host != "blog.example" && u.Host != "localhost:8080" {
			return errors.New("an address leads elsewhere")
		}
	}
	return nil
}

func harmlessXML(body string) error {
	for d := xml.NewDecoder(strings.NewReader(body)); ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		e, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		if slices.Contains([]string{"script", "foreignObject", "image", "iframe", "a"}, e.Name.Local) {
			return fmt.Errorf("there is a %s", e.Name.Local)
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
				return fmt.Errorf("attribute %s of %s", a.Name.Local, e.Name.Local)
			}
		}
	}
}

// TestHarmlessFindsHarm makes sure that the test above can fail.
func TestHarmlessFindsHarm(t *testing.T) {
	found := 0
	for _, attack := range attacks() {
		page := `<!doctype html><title>x</title><p title="` + attack + `">` + attack + `<a href="` + attack + `">x</a>`
		if harmlessHTML(page) != nil {
			found++
		}
	}
	if found < len(attacks())*2/3 {
		t.Errorf("of %d attacks %d were found", len(attacks()), found)
	}
	for _, ours := range []string{`<a href="/jobs?lang=en">x</a><script src="/assets/x.js"></script>`, `<p>&lt;script&gt;</p>`} {
		if err := harmlessHTML(ours); err != nil {
			t.Errorf("%s: %v", ours, err)
		}
	}
	for _, bad := range []string{`<svg onload="x"/>`, `<svg><script/></svg>`, `<svg`} {
		if harmlessXML(bad) == nil {
			t.Errorf("%s is harmless", bad)
		}
	}
}

// hostileSite is a server to which visitors, programs and users have sent attacks
// wherever something can be sent, and the cookie of its owner.
func hostileSite(t *testing.T) (*server.Server, string) {
	t.Helper()
	all := sites("blog")
	all[0].Title = attacks()[1]
	all[0].Site = &collect.Site{Name: "blog", Zone: all[0].Zone}
	s := withAccounts(t, startSites(t, all))
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	session := sessionOf(t, s, "owner")
	h := s.Handler()
	write := tokenOf(t, s, "write", "blog", token.PageviewsWrite)
	var views []map[string]string
	for i, attack := range attacks() {
		views = append(views, map[string]string{
			"path": "/" + attack, "title": attack, "referrer": "https://r" + fmt.Sprint(i) + ".example/" + url.PathEscape(attack), "agent": firefox + attack,
			"language": "en", "visitor": fmt.Sprint(i),
		}, map[string]string{"url": "https://blog.example/p?utm_source=" + url.QueryEscape(attack) + "&utm_campaign=" + url.QueryEscape(attack), "title": attack, "visitor": "c" + fmt.Sprint(i), "agent": firefox})
	}
	body, err := json.Marshal(views)
	if err != nil {
		t.Fatal(err)
	}
	send := request{method: http.MethodPost, path: "/api/v1/pageviews", addr: elsewhere, header: http.Header{"Authorization": {write}}}
	send.header["Content-Type"] = []string{"application/json"}
	r := send.raw(h, string(body))
	if r.Code != http.StatusOK {
		t.Fatalf("%d %.500s", r.Code, r.Body)
	}
	for i, attack := range attacks() {
		cookie := http.Header{"Cookie": {session}}
		for _, form := range []struct {
			path string
			v    url.Values
		}{
			{"/account/shares", url.Values{"site": {"blog"}, "note": {attack}, "action": {"share"}}},
			{"/account/tokens", url.Values{"name": {strings.NewReplacer(" ", "", "/", "", "\t", "", "\x00", "").Replace(fmt.Sprint(i, attack))}, "scope": {"stats:read"}, "action": {"token"}}},
		} {
			w := request{method: http.MethodPost, path: form.path, addr: elsewhere, header: cookie, body: form.v.Encode()}.do(h)
			if err := harmless(w.Header().Get("Content-Type"), w.Body.String()); err != nil || w.Code >= 500 {
				t.Errorf("%s with %q: %d, %v", form.path, attack, w.Code, err)
			}
		}
	}
	for i, attack := range attacks() {
		line := strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, attack)
		m := outbox.Message{
			Kind: "weekly", Way: outbox.Mail, Recipient: line, Tick: fmt.Sprint(i), Site: "blog", Subject: line, Body: []byte(attack),
			Created: time.Now(), Next: time.Now(), Error: line, Attempts: 1,
		}
		if _, err := s.Outbox.Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		s.Book.(*book).added = append(s.Book.(*book).added, server.Added{Name: fmt.Sprint("x", i), Terms: config.Terms{
			Title: attack, Hosts: attack, URL: attack, Rewrite: attack, Retention: attack, Zone: attack, Query: attack, Index: attack, Sources: attack,
		}})
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, session
}

// TestStoredAttacks looks at every route when attacks are stored wherever they can.
func TestStoredAttacks(t *testing.T) {
	s, session := hostileSite(t)
	h := s.Handler()
	looked := 0
	for _, route := range s.Routes() {
		method, path := concrete(route.Pattern)
		if method != http.MethodGet || strings.HasSuffix(path, "/events") {
			continue
		}
		paths := []string{path}
		if strings.HasSuffix(path, "/hot.json") {
			for _, file := range []string{"hot.html", "hot.svg", "hot.rss", "hot.md", "hot.csv", "pageviews.svg", "pageviews.json", "list.html", "list.svg"} {
				paths = append(paths, strings.TrimSuffix(path, "hot.json")+file)
			}
		}
		if route.Pattern == "GET /account/sites/{site}" {
			for _, v := range s.Book.(*book).added {
				paths = append(paths, "/account/sites/"+v.Name)
			}
		}
		for _, by := range []string{"page", "referrer", "campaign", "browser"} {
			if strings.HasPrefix(route.Pattern, "GET /api/v1/sites/") {
				paths = append(paths, path+"?by="+by)
			}
		}
		for _, path := range paths {
			w := request{path: path, addr: elsewhere, header: http.Header{"Cookie": {session}}}.do(h)
			if err := harmless(w.Header().Get("Content-Type"), w.Body.String()); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			secured(t, path, w.Header())
			if strings.Contains(w.Body.String(), "alert(1)") {
				looked++
			}
		}
	}
	if looked < 10 {
		t.Errorf("only %d answers had any of it", looked)
	}
}

// secured holds an answer to the headers that keep a browser from what it should
// not do.
func secured(t *testing.T, path string, h http.Header) {
	t.Helper()
	kind := h.Get("Content-Type")
	page := strings.HasPrefix(kind, "text/html")
	policy := h.Get("Content-Security-Policy")
	if strings.HasPrefix(path, "/s/") { // a report of the site's own may style itself, and cannot do anything
		policy = strings.Replace(policy, "style-src 'unsafe-inline'", "", 1)
	}
	if page && h.Get("Location") == "" && (strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'")) {
		t.Errorf("%s has the policy %q", path, policy)
	}
	if kind != "" && !strings.HasPrefix(kind, "text/plain") && h.Get("X-Content-Type-Options") != "nosniff" && h.Get("Location") == "" {
		t.Errorf("%s, %s, may be sniffed", path, kind)
	}
}

// TestReflectedAttacks sends attacks in every parameter of every route.
func TestReflectedAttacks(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	h, session := s.Handler(), sessionOf(t, s, "owner")
	names := []string{
		"q", "next", "lang", "did", "before", "after", "trigger", "history", "from", "to", "by", "metrics", "filter", "limit", "compare", "bots",
		"list", "theme", "remove", "words", "picture", "base", "page", "period", "sort", "name", "site", "of", "metric", "log", "url", "color",
	}
	for _, route := range s.Routes() {
		method, path := concrete(route.Pattern)
		if method != http.MethodGet || strings.HasSuffix(path, "/events") || strings.HasPrefix(path, "/live/") || path == "/metrics" {
			continue
		}
		for i, attack := range attacks() {
			query := url.Values{}
			for j, name := range names {
				query.Set(name, attacks()[(i+j)%len(attacks())])
			}
			for _, target := range []string{path + "?" + query.Encode(), path + "?" + names[i%len(names)] + "=" + url.QueryEscape(attack), path + "/" + url.PathEscape(attack)} {
				w := request{path: target, addr: elsewhere, header: http.Header{"Cookie": {session}}}.do(h)
				if err := harmless(w.Header().Get("Content-Type"), w.Body.String()); err != nil {
					t.Errorf("%.300s: %v", target, err)
				}
				if kind := w.Header().Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
					secured(t, target, w.Header())
				}
				if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
					t.Errorf("%.300s: %d", target, w.Code)
				}
			}
		}
	}
}
