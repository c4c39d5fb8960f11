package snippet_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/snippet"
)

func address(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ page, want string }{
		{`<script defer src="https://stats.example/b.js"></script>`, "script https://stats.example/b.js"},
		{`<SCRIPT SRC=//stats.example/b.js data-site=blog DATA-OFF></SCRIPT>`, "script https://stats.example/b.js site=blog off"},
		{`<script src="/x/b.06a7c654b9ee500b.js?1" data-manual data-local integrity="sha384-x" nonce=n></script>`, "script https://blog.example/x/b.06a7c654b9ee500b.js?1 manual local integrity=sha384-x nonce=n"},
		{`<base href="https://other.example/a/"><base href="/z/"><script src="b.js"></script>`, "script https://other.example/a/b.js"},
		{`<noscript><img src="https://stats.example/b.gif?s=blog"></noscript><img src=b.gif>`, "picture https://stats.example/b.gif?s=blog site=blog noscript, picture https://blog.example/posts/b.gif"},
		{`<script async src="https://stats.example/busuanzi.js"></script>`, "busuanzi https://stats.example/busuanzi.js"},
		{`<script src="https://cdn.example/busuanzi/2.3/busuanzi.pure.mini.js"></script>`, "busuanzi https://cdn.example/busuanzi/2.3/busuanzi.pure.mini.js"},
		{`<!-- <script src="/b.js"></script> --><template><script src="/b.js"></script></template>`, ""},
		{`<script>document.write('<script src="/b.js">')</script><script src="/ab.js"></script><script src="/b.mjs"></script><img src="/b.js">`, ""},
		{`<script src="javascript:b.js"></script><script src="data:,/b.js"></script><script src="http://[::1/b.js"></script><script src></script>`, ""},
		{`<textarea><script src="/b.js"></script></textarea><style><script src="/b.js"></script></style>`, ""},
		{`<script src="/b.js"`, ""},
		{"", ""},
	} {
		p, err := snippet.Find([]byte(c.page), "text/html", address(t, "https://blog.example/posts/1"), "b")
		if err != nil {
			t.Errorf("%s: %v", c.page, err)
		}
		var got []string
		for _, e := range p.Elements {
			words := []string{string(e.Kind), e.Address.String()}
			for _, is := range []struct {
				name string
				is   bool
			}{
				{"site=" + e.Site, e.Site != ""},
				{"off", e.Off},
				{"manual", e.Manual},
				{"local", e.Local},
				{"noscript", e.NoScript},
				{"integrity=" + e.Integrity, e.Integrity != ""},
				{"nonce=" + e.Nonce, e.Nonce != ""},
			} {
				if is.is {
					words = append(words, is.name)
				}
			}
			got = append(got, strings.Join(words, " "))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.page, got, c.want)
		}
	}
	p, err := snippet.Find([]byte(strings.Repeat(`<script src="/b.js"></script>`, 1000)), "text/html", address(t, "https://a.example/"), "b")
	if err != nil || len(p.Elements) != 20 {
		t.Errorf("%d elements, %v", len(p.Elements), err)
	}
	p, err = snippet.Find([]byte(`<meta http-equiv="Content-Security-Policy" content="script-src 'self'"><template><meta http-equiv=content-security-policy content=x></template>`), "", address(t, "https://a.example/"), "b")
	if err != nil || len(p.Policies) != 1 || p.Policies[0] != "script-src 'self'" {
		t.Errorf("%q, %v", p.Policies, err)
	}
}

func TestPolicy(t *testing.T) {
	const page, script = "https://blog.example/", "https://stats.example/b.js"
	for _, c := range []struct {
		policy, page, script string
		allowed              bool
	}{
		{"", page, script, true},
		{"img-src 'none'", page, script, true},
		{"default-src 'self'", page, script, false},
		{"default-src 'none'; script-src https://stats.example", page, script, true},
		{"script-src 'self'; script-src https://stats.example", page, script, false}, // the first counts
		{"script-src-elem 'self'; script-src *", page, script, false},
		{"script-src", page, script, false},
		{"script-src 'none'", page, script, false},
		{"script-src *", page, script, true},
		{"script-src https:", page, script, true},
		{"script-src http:", page, script, true},
		{"script-src https:", page, "http://stats.example/b.js", false},
		{"script-src STATS.example", page, script, true},
		{"script-src stats.example", "http://blog.example/", "http://stats.example/b.js", true},
		{"script-src stats.example", "http://blog.example/", script, true},
		{"script-src stats.example", page, "http://stats.example/b.js", false},
		{"script-src *.example", page, script, true},
		{"script-src *.stats.example", page, script, false},
		{"script-src https://*.a.example", page, "https://xa.example/b.js", false},
		{"script-src https://stats.example:8443", page, script, false},
		{"script-src https://stats.example:8443", page, "https://stats.example:8443/b.js", true},
		{"script-src https://stats.example", page, "https://stats.example:8443/b.js", false},
		{"script-src https://stats.example:*", page, "https://stats.example:8443/b.js", true},
		{"script-src https://stats.example/b.js", page, script, true},
		{"script-src https://stats.example/B.js", page, script, false},
		{"script-src https://stats.example/js/", page, "https://stats.example/js/b.js", true},
		{"script-src https://stats.example/js", page, "https://stats.example/js/b.js", false},
		{"script-src 'self'", page, "https://blog.example/b.js", true},
		{"script-src 'self'", "http://blog.example/", "https://blog.example/b.js", true},
		{"script-src 'self'", page, "http://blog.example/b.js", false},
		{"script-src 'self'", page, "https://blog.example:444/b.js", false},
		{"script-src 'nonce-abc'", page, script, true},
		{"script-src 'nonce-abC'", page, script, false},
		{"script-src 'sha384-xyz'", page, script, true},
		{"script-src 'strict-dynamic' https://stats.example", page, script, false},
		{"script-src 'strict-dynamic' 'nonce-abc'", page, script, true},
		{"script-src https://stats.example, script-src 'self'", page, script, false},
		{"script-src https://[::1]:80", page, "https://[::1]/b.js", true},
		{";;,", page, script, true},
	} {
		e := snippet.Element{Address: address(t, c.script), Nonce: "abc", Integrity: "sha256-a sha384-xyz"}
		blocked := ""
		for _, p := range snippet.ParsePolicies(c.policy) {
			if d := p.Script(e, address(t, c.page)); d != "" {
				blocked = d
			}
		}
		if (blocked == "") != c.allowed {
			t.Errorf("%q on %s for %s: blocked by %q, want allowed %v", c.policy, c.page, c.script, blocked, c.allowed)
		}
	}
	p := snippet.ParsePolicies("default-src 'self'; img-src https://stats.example; upgrade-insecure-requests")[0]
	to := address(t, script)
	if p.Picture(to, address(t, page)) != "" || p.Connect(to, address(t, page)) != "default-src 'self'" || !p.Upgrades() {
		t.Errorf("picture %q, connect %q", p.Picture(to, address(t, page)), p.Connect(to, address(t, page)))
	}
}

func FuzzFind(f *testing.F) {
	f.Add(`<base href=x><script src=b.js integrity=x>`, "script-src 'self' https://a:1/x", "text/html; charset=gbk")
	f.Fuzz(func(t *testing.T, page, policy, mediaType string) {
		from := address(t, "https://blog.example/")
		found, err := snippet.Find([]byte(page), mediaType, from, "b")
		if err != nil {
			return
		}
		for _, e := range found.Elements {
			if e.Address.Host == "" || e.Address.Scheme != "http" && e.Address.Scheme != "https" {
				t.Errorf("%q: %s", page, e.Address)
			}
			for _, p := range snippet.ParsePolicies(policy) {
				p.Script(e, from)
				p.Connect(e.Address, from)
			}
		}
	})
}
