package articles

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/text"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxTitle = 300  // bytes
	maxURL   = 2000 // bytes
)

// entry is what a sitemap or a feed says of a page.
type entry struct {
	url      string // absolute
	told     Told
	modified bool // told.Published is when it was last modified, since nothing better is known
}

// earliest is before any page of the web.
var earliest = time.Date(1991, 1, 1, 0, 0, 0, 0, time.UTC)

// instant reads a time of W3C's profile of ISO 8601, which is that of sitemaps
// and of article:published_time; zero where it is none.
func instant(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{
		time.RFC3339, time.DateOnly, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05", "2006-01", "2006",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// sane drops instants that no page was published at: a day ahead is a clock or
// a zone that is off, what is later is not published yet.
func sane(t, now time.Time) time.Time {
	if t.Before(earliest) || t.After(now.Add(24*time.Hour)) {
		return time.Time{}
	}
	return t.UTC()
}

// plain is the text of a title, in which there may be markup. What looks like
// a tag but is none in HTML is text.
func plain(s string) string {
	if len(s) > 8*maxTitle {
		s = s[:8*maxTitle]
	}
	if !strings.ContainsAny(s, "<&") {
		return text.Clean(s, maxTitle)
	}
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			b.Write(z.Raw()) // such as a < at the end
			return text.Clean(b.String(), maxTitle)
		case html.TextToken:
			b.Write(z.Text())
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			raw := string(z.Raw())
			if name, _ := z.TagName(); atom.Lookup(name) == 0 {
				b.WriteString(raw)
			}
		}
	}
}

// absolute is a URL of the web as it is seen from a base; empty where it is
// none, or too long.
func absolute(base *url.URL, ref string) string {
	ref = strings.TrimSpace(ref)
	if ref == "" || len(ref) > maxURL {
		return ""
	}
	u, err := base.Parse(ref)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	u.Fragment, u.RawFragment = "", ""
	if s := ascii(u); len(s) <= maxURL {
		return s
	}
	return ""
}

// ascii is a URL in the characters that RFC 3986 has, so that it means the same
// wherever it is put: url.URL leaves a query as it is written.
func ascii(u *url.URL) string {
	s := u.String()
	odd := func(c byte) bool { return c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 }
	if !slices.ContainsFunc([]byte(s), odd) {
		return s
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		if odd(c) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Address is where the page of a path is; empty where that is not on the site.
// A path comes from whoever sent a pageview: it must not lead to another host.
func Address(base *url.URL, path string) string {
	if !strings.HasPrefix(path, "/") {
		return ""
	}
	u, err := url.Parse(base.Scheme + "://" + base.Host + path)
	if err != nil || u.Host != base.Host || u.User != nil {
		return ""
	}
	return ascii(u)
}
