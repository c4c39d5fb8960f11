package collect

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// PathRules say how a site's pages are called, so that one page has one path.
// They are applied in the order of the fields.
type PathRules struct {
	Query   []string  // parameters that tell pages apart and stay in the path, by name in this order; others are dropped
	Index   []string  // names of index pages that are taken off, such as "index.html"
	Lower   bool      // write paths in lower case
	Slash   Slash     // at the end of a path
	Rewrite []Rewrite // the site's own rules, one after the other
}

// Slash is what becomes of a slash at the end of a path.
type Slash string

// What becomes of a slash.
const (
	SlashKeep   Slash = ""       // it stays as it is
	SlashAdd    Slash = "add"    // every path gets one, but that of a file with an extension
	SlashRemove Slash = "remove" // no path has one, but the root
)

// Rewrite is a rule of a site.
type Rewrite struct {
	From *regexp.Regexp
	To   string // $1 is the first group; empty leaves out every page that matches
}

// apply makes the path of a page from a clean one and the query of its
// address; empty means that the page is left out.
func (r *PathRules) apply(path, query string) string {
	for _, name := range r.Index {
		if dir, ok := strings.CutSuffix(path, "/"+name); ok {
			path = dir + "/"
			break
		}
	}
	if r.Lower {
		path = strings.ToLower(path)
	}
	path = r.Slash.apply(path) + r.query(query)
	for _, rule := range r.Rewrite {
		if !rule.From.MatchString(path) {
			continue
		}
		if rule.To == "" {
			return ""
		}
		path = rule.From.ReplaceAllString(path, rule.To)
	}
	if len(path) > maxPath || !strings.HasPrefix(path, "/") {
		return ""
	}
	return path
}

func (s Slash) apply(path string) string {
	switch last := path[strings.LastIndexByte(path, '/')+1:]; {
	case s == SlashAdd && last != "" && !strings.Contains(last, "."):
		return path + "/"
	case s == SlashRemove && last == "":
		return "/" + strings.Trim(path, "/")
	}
	return path
}

// query is what stays of a query, with its question mark.
func (r *PathRules) query(query string) string {
	if len(r.Query) == 0 || query == "" {
		return ""
	}
	values, _ := url.ParseQuery(query) // what can be read of it
	var b strings.Builder
	for _, name := range r.Query {
		for _, v := range values[name] {
			sep := byte('&')
			if b.Len() == 0 {
				sep = '?'
			}
			b.WriteByte(sep)
			b.WriteString(decodeText(url.QueryEscape(name) + "=" + url.QueryEscape(v)))
		}
	}
	return b.String()
}

// spamHosts send links to themselves as referrers, so that owners look. They
// are among the hosts that block lists have named for ten years, and no page
// on them ever linked to anybody.
var spamHosts = []string{
	"semalt.com", "buttons-for-website.com", "best-seo-offer.com", "best-seo-solution.com", "darodar.com", "ilovevitaly.com",
	"priceg.com", "hulfingtonpost.com", "free-share-buttons.com", "7makemoneyonline.com", "trafficmonetizer.org", "success-seo.com",
}

// spams tells whether a referrer is a known spammer, or one that the site
// names, or of a host below one.
func (s *Site) spams(host string) bool {
	for host != "" {
		if slices.Contains(spamHosts, host) || slices.Contains(s.Spam, host) {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}
