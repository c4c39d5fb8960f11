package collect

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

func TestPathRules(t *testing.T) {
	rewrite := func(from, to string) Rewrite { return Rewrite{regexp.MustCompile(from), to} }
	for _, c := range []struct {
		name        string
		rules       PathRules
		path, query string
		want        string
	}{
		{"none", PathRules{}, "/A/index.html", "p=1", "/A/index.html"},
		{"query", PathRules{Query: []string{"p", "lang"}}, "/", "utm_source=x&lang=de&p=12&p=1%202", "/?p=12&p=1+2&lang=de"},
		{"query beyond ASCII", PathRules{Query: []string{"q"}}, "/", "q=%C3%BC%26%3C", "/?q=ü%26%3C"},
		{"no query", PathRules{Query: []string{"p"}}, "/a", "x=1", "/a"},
		{"index", PathRules{Index: []string{"index.html", "index.php"}}, "/a/index.php", "", "/a/"},
		{"index of the root", PathRules{Index: []string{"index.html"}}, "/index.html", "", "/"},
		{"no index", PathRules{Index: []string{"index.html"}}, "/myindex.html", "", "/myindex.html"},
		{"lower", PathRules{Lower: true}, "/Ä/B", "", "/ä/b"},
		{"add", PathRules{Slash: SlashAdd}, "/a/b", "", "/a/b/"},
		{"add to a file", PathRules{Slash: SlashAdd}, "/a.html", "", "/a.html"},
		{"added", PathRules{Slash: SlashAdd}, "/a/", "", "/a/"},
		{"remove", PathRules{Slash: SlashRemove}, "/a/b//", "", "/a/b"},
		{"remove from the root", PathRules{Slash: SlashRemove}, "/", "", "/"},
		{"rewrite", PathRules{Rewrite: []Rewrite{rewrite(`^/\d{4}/(.*)$`, "/posts/$1"), rewrite(`^/posts/old$`, "/posts/new")}}, "/2026/old", "", "/posts/new"},
		{"leave out", PathRules{Rewrite: []Rewrite{rewrite(`^/admin/.*`, "")}}, "/admin/x", "", ""},
		{"rewrite to no path", PathRules{Rewrite: []Rewrite{rewrite(`^/a$`, "b")}}, "/a", "", ""},
		{"rewrite to too long a path", PathRules{Rewrite: []Rewrite{rewrite(`a`, strings.Repeat("b", 100))}}, "/" + strings.Repeat("a", 100), "", ""},
		{"in order", PathRules{Index: []string{"index.html"}, Lower: true, Slash: SlashRemove, Query: []string{"p"}}, "/A/index.html", "p=X", "/a?p=X"},
	} {
		if got := c.rules.apply(c.path, c.query); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

type ruleSalts struct{ sync.Map }

func (s *ruleSalts) Salt(_ context.Context, site string, _ pageview.Day, fresh []byte) ([]byte, error) {
	v, _ := s.LoadOrStore(site, fresh)
	return v.([]byte), nil
}

// TestIntakeJudges holds the intake to its verdicts and to what it leaves out.
func TestIntakeJudges(t *testing.T) {
	visitors, err := NewVisitors(&ruleSalts{}, Key{})
	if err != nil {
		t.Fatal(err)
	}
	in := &Intake{
		Visitors: visitors, Agents: &Agents{}, Machines: NewNetworks([]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}),
		Country: func(a netip.Addr) string { return map[string]string{"203.0.113.7": "FR"}[a.String()] },
	}
	site := &Site{
		Name: "blog", Zone: time.UTC, Hosts: []string{"blog.example"}, Internal: []string{"pay.example"}, Spam: []string{"spam.example"},
		Paths: PathRules{Rewrite: []Rewrite{{regexp.MustCompile("^/admin"), ""}}},
	}
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
	for _, c := range []struct {
		name string
		s    Seen
		bot  string
		left string
		ref  string
		land string
	}{
		{name: "a person", s: Seen{Addr: "203.0.113.7", Referrer: "https://news.example/"}, ref: "news.example", land: "FR"},
		{name: "the address tells more than the clock", s: Seen{Addr: "203.0.113.7", Zone: "Asia/Calcutta"}, land: "FR"},
		{name: "the clock tells where the address does not", s: Seen{Addr: "203.0.113.8", Zone: "Asia/Calcutta"}, land: "IN"},
		{name: "a clock that tells nothing", s: Seen{Zone: "UTC"}},
		{name: "a machine", s: Seen{Addr: "192.0.2.9"}, bot: BotDataCentre},
		{name: "spam", s: Seen{Referrer: "http://www.semalt.com/x"}, bot: BotSpam, ref: "semalt.com"},
		{name: "spam below", s: Seen{Referrer: "http://a.b.semalt.com/x"}, bot: BotSpam, ref: "a.b.semalt.com"},
		{name: "spam of the site", s: Seen{Referrer: "http://spam.example/"}, bot: BotSpam, ref: "spam.example"},
		{name: "like spam", s: Seen{Referrer: "http://notsemalt.com/"}, ref: "notsemalt.com"},
		{name: "internal", s: Seen{Referrer: "https://pay.example/done"}},
		{name: "left out by a rewrite", s: Seen{URL: "/admin/x"}, left: LeftExcluded},
	} {
		c.s.At, c.s.Agent = time.Now(), firefox
		if c.s.URL == "" {
			c.s.URL = "/a"
		}
		v, left, err := in.Pageview(t.Context(), site, &c.s)
		if err != nil || left != c.left || v.Bot != c.bot || v.Referrer != c.ref || v.Country != c.land {
			t.Errorf("%s: left %q, %+v, %v", c.name, left, v, err)
		}
	}
}

func TestPageOfAnAddress(t *testing.T) {
	site := &Site{Hosts: []string{"blog.example"}, Paths: PathRules{Index: []string{"index.html"}, Slash: SlashAdd, Query: []string{"id"}}}
	for address, want := range map[string]string{
		"https://blog.example/posts/one":                 "/posts/one/",
		"http://www.blog.example:8080/a/index.html?id=7": "/a/?id=7",
		"https://blog.example":                           "/",
		"https://other.example/posts/one":                "",
		"https://blog.example/logo.png":                  "",
		"/posts/one":                                     "",
		"mailto:me@blog.example":                         "",
	} {
		if got := site.Page(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestAKeyDoesNotShowItself(t *testing.T) {
	key := Key{1, 2, 3}
	if text := fmt.Sprintf("%v %s %+v", key, key, struct{ Key Key }{key}); text != "secret secret {Key:secret}" {
		t.Errorf("the key prints as %q", text)
	}
}
