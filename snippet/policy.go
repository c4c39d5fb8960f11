package snippet

import (
	"net/url"
	"slices"
	"strings"
)

// Policy is a Content-Security-Policy, as the third level of its specification
// has it, as far as it is about scripts, pictures and connections.
type Policy struct {
	directives map[string][]string // sources by name; the first of a name counts
}

// ParsePolicies reads the value of a header, which may hold several policies with
// commas between them. All of them must allow a thing.
func ParsePolicies(value string) []Policy {
	var all []Policy
	for one := range strings.SplitSeq(value, ",") {
		p := Policy{map[string][]string{}}
		for directive := range strings.SplitSeq(one, ";") {
			words := strings.Fields(directive)
			if len(words) == 0 {
				continue
			}
			name := strings.ToLower(words[0])
			if _, again := p.directives[name]; !again {
				p.directives[name] = words[1:]
			}
		}
		if len(p.directives) > 0 {
			all = append(all, p)
		}
	}
	return all
}

// Upgrades tells whether requests over http are made over https.
func (p Policy) Upgrades() bool {
	_, ok := p.directives["upgrade-insecure-requests"]
	return ok
}

// Script is the directive that keeps a page at an address from running the script
// of an element; empty means that none does.
func (p Policy) Script(e Element, page *url.URL) string {
	name, sources := p.first("script-src-elem", "script-src", "default-src")
	if name == "" {
		return ""
	}
	strict := false
	for _, s := range sources {
		lower := strings.ToLower(s)
		switch {
		case lower == "'strict-dynamic'":
			strict = true
		case e.Nonce != "" && s == "'nonce-"+e.Nonce+"'":
			return ""
		case strings.HasPrefix(lower, "'sha") && integral(s, e.Integrity):
			return ""
		}
	}
	if !strict && anyMatches(sources, e.Address, page) {
		return ""
	}
	return p.text(name)
}

// Connect is the directive that keeps a page from sending to an address.
func (p Policy) Connect(to, page *url.URL) string { return p.fetches("connect-src", to, page) }

// Picture is the directive that keeps a page from showing a picture.
func (p Policy) Picture(at, page *url.URL) string { return p.fetches("img-src", at, page) }

func (p Policy) fetches(directive string, to, page *url.URL) string {
	name, sources := p.first(directive, "default-src")
	if name == "" || anyMatches(sources, to, page) {
		return ""
	}
	return p.text(name)
}

// first is the first directive that is there.
func (p Policy) first(names ...string) (name string, sources []string) {
	for _, n := range names {
		if sources, ok := p.directives[n]; ok {
			return n, sources
		}
	}
	return "", nil
}

// text is a directive as it is written.
func (p Policy) text(name string) string {
	return strings.TrimSpace(name + " " + strings.Join(p.directives[name], " "))
}

// integral tells whether a hash in a policy is one that the element's integrity
// has.
func integral(source, integrity string) bool {
	source = strings.Trim(source, "'")
	return slices.Contains(strings.Fields(integrity), source)
}

func anyMatches(sources []string, to, page *url.URL) bool {
	for _, s := range sources {
		if matches(strings.ToLower(s), s, to, page) {
			return true
		}
	}
	return false
}

// matches tells whether a source, in lower case and as it is written, is that of
// an address on a page.
func matches(source, written string, to, page *url.URL) bool {
	switch {
	case source == "*":
		return true // to is of the web
	case source == "'self'":
		return strings.EqualFold(to.Hostname(), page.Hostname()) && secures(page.Scheme, to.Scheme) && (port(to) == port(page) || defaultPorts(page, to))
	case strings.HasPrefix(source, "'"):
		return false
	}
	if scheme, ok := strings.CutSuffix(source, ":"); ok && !strings.Contains(source, "/") {
		return secures(scheme, to.Scheme)
	}
	scheme, rest, found := strings.Cut(source, "://")
	path := ""
	if !found {
		scheme, rest = page.Scheme, source
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		path = written[len(written)-len(rest)+i:]
		rest = rest[:i]
	}
	host, portOf := rest, ""
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		host, portOf = rest[:i], rest[i+1:]
	}
	return secures(scheme, to.Scheme) && hostMatches(host, to) && portMatches(portOf, to) && pathMatches(path, to)
}

// secures tells whether a scheme that is allowed allows another: http allows https.
func secures(allowed, scheme string) bool {
	return allowed == scheme || allowed == "http" && scheme == "https"
}

func hostMatches(host string, to *url.URL) bool {
	own := strings.ToLower(to.Hostname())
	if host == "*" {
		return true
	}
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		return strings.HasSuffix(own, suffix) && len(own) > len(suffix)
	}
	return strings.Trim(host, "[]") == own
}

func portMatches(allowed string, to *url.URL) bool {
	switch allowed {
	case "*":
		return true
	case "":
		return port(to) == schemePort(to.Scheme)
	}
	return allowed == port(to) || allowed == "80" && port(to) == "443"
}

func pathMatches(allowed string, to *url.URL) bool {
	switch {
	case allowed == "" || allowed == "/":
		return true
	case strings.HasSuffix(allowed, "/"):
		return strings.HasPrefix(to.EscapedPath(), allowed)
	}
	return to.EscapedPath() == allowed
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return schemePort(u.Scheme)
}

func schemePort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

func defaultPorts(a, b *url.URL) bool {
	return port(a) == schemePort(a.Scheme) && port(b) == schemePort(b.Scheme)
}
