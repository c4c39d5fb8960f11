package collect

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// pagePath is the clean path of an address as an intake makes it.
func pagePath(target string) (string, bool) {
	_, path, _, ok := splitURL(target)
	if !ok {
		return "", false
	}
	return cleanPath(path)
}

func TestCleanPath(t *testing.T) {
	for _, c := range []struct{ target, want string }{
		{"/", "/"},
		{"/posts/a?utm_source=x#top", "/posts/a"},
		{"/?p=12", "/"},
		{"http://example.com/a?b", "/a"},
		{"https://example.com", "/"},
		{`HTTPS://example.com/a"b`, `/a"b`}, // as it is when the host is left out
		{"http://example.com/100%", "/100%"},
		{"http://example.com?a=1#/b", "/"},
		{"/%E4%BD%A0%E5%A5%BD", "/你好"},
		{"/你好", "/你好"},
		{"/a%2Fb%20c", "/a%2Fb%20c"},
		{"/caf%c3%a9", "/café"},
		{"/%ff%E4%BD", "/%ff%E4%BD"},
		{"/\xe4%BD\xa0", "/你"},
		{"/\xff", "/%FF"},
		{"/a\x01b\u202e", "/a%01b%E2%80%AE"},
		{"/%E2%80%AE", "/%E2%80%AE"},
		{"/%61%2d%2E%5f%7e%30/%5A", "/a-._~0/Z"},
		{"/a%2fb%3Ac%40d%21%25%7C%20", "/a%2fb%3Ac%40d%21%25%7C%20"}, // of these each could mean something else
		{"/%2541", "/%2541"},
		{"/%%341", "/%%341"}, // decoded it would encode an A
		{"/%4%31", "/%4%31"},
		{"/%g%31", "/%g1"},
		{"/%25%31", "/%251"},
		{"/a%2Ehtml", "/a.html"},
		{"/%", "/%"},
		{"/%E4%B", "/%E4%B"},
	} {
		got, ok := pagePath(c.target)
		if !ok || got != c.want {
			t.Errorf("%q: %q, %v, want %q", c.target, got, ok, c.want)
		}
	}
	for _, target := range []string{"", "*", "-", "example.com:443", "ftp://a/b", "/" + strings.Repeat("a", maxPath)} {
		if got, ok := pagePath(target); ok {
			t.Errorf("%.20q was taken as %q", target, got)
		}
	}
}

func checkPath(t *testing.T, p string) {
	t.Helper()
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if !strings.HasPrefix(p, "/") || !utf8.ValidString(p) || strings.ContainsFunc(p, unprintable) || strings.ContainsAny(p, "?#") {
		t.Errorf("path %q", p)
	}
	if again, ok := pagePath(p); ok && again != p {
		t.Errorf("path %q becomes %q when cleaned again", p, again)
	}
}

func FuzzCleanPath(f *testing.F) {
	for _, s := range []string{"/", "/%E4%BD%A0?x", "http://a/%ff", "/\xff%", "/%25E4%25BD%25A0", "/%61%4%31%%341"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if p, ok := pagePath(target); ok {
			checkPath(t, p)
		}
	})
}

func TestIsStatic(t *testing.T) {
	for path, want := range map[string]bool{
		"/": false, "/index.html": false, "/a.php": false, "/v1.2": false, "/posts/go1.26": false, "/.well-known/x": false,
		"/a.css": true, "/A.JPG": true, "/feed.xml": true, "/robots.txt": true, "/x/y.min.js": true,
		"/talk.opus": true, "/clip.M4V": true, "/photo.heic": true, "/old.mpeg": true, "/calendar.ics": true, "/a.ogv/": false,
	} {
		if isStatic(path) != want {
			t.Errorf("%s: static %v", path, !want)
		}
	}
}

func TestReferrerHost(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "https://www.Example.com:8443/a?b": "example.com", "http://a.b/": "a.b", "android-app://x/": "",
		"javascript:alert(1)": "", "https://<script>/": "", "https://münchen.example/": "münchen.example", "%zz": "",
	} {
		if got := referrerHost(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
