package collect

import (
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Site is what the ways in must know of a site.
type Site struct {
	Name     string
	Zone     *time.Location // of its local days
	Hosts    []string       // host names that are the site's, in lower case; none means every host
	Exclude  Exclude
	Paths    PathRules
	Internal []string // hosts that are no referrers, such as where the site's visitors pay
	Spam     []string // hosts that send themselves as referrers, besides those that are known
}

// Sites are all sites of a process; their names differ.
type Sites []*Site

// Named is the site of that name, or nil.
func (s Sites) Named(name string) *Site {
	for _, site := range s {
		if site.Name == name {
			return site
		}
	}
	return nil
}

// ForHost is the site that a host belongs to: the one that names it, else the
// first that takes every host; or nil.
func (s Sites) ForHost(host string) *Site {
	host = hostName(host)
	for _, site := range s {
		if site.owns(host) {
			return site
		}
	}
	for _, site := range s {
		if len(site.Hosts) == 0 {
			return site
		}
	}
	return nil
}

// Exclude says whose pageviews do not count.
type Exclude struct {
	Addrs  []netip.Prefix // such as the owner's own network
	Header string         // header that marks a request, as "Name" or "Name: value"; logs do not tell it
}

// Request tells whether the header of a request keeps it from counting.
func (e Exclude) Request(h http.Header) bool {
	if e.Header == "" {
		return false
	}
	name, value, named := strings.Cut(e.Header, ":")
	for _, v := range h.Values(name) {
		if !named || v == strings.TrimSpace(value) {
			return true
		}
	}
	return false
}

// Address tells whether an address is one that does not count.
func (e Exclude) Address(text string) bool {
	addr, err := netip.ParseAddr(text)
	return err == nil && within(e.Addrs, addr.Unmap())
}

// Takes tells whether a page of that host is the site's. A host that is not
// known is.
func (s *Site) Takes(host string) bool {
	if host == "" || len(s.Hosts) == 0 {
		return true
	}
	return s.owns(hostName(host))
}

// owns tells whether a host is one of those that the site names.
func (s *Site) owns(host string) bool {
	for _, own := range s.Hosts {
		if host == own || strings.TrimPrefix(host, "www.") == strings.TrimPrefix(own, "www.") {
			return true
		}
	}
	return false
}

// hostName is a host without its port, in lower case.
func hostName(host string) string {
	if strings.HasPrefix(host, "[") { // an IPv6 address
		if i := strings.IndexByte(host, ']'); i > 0 {
			return host[1:i]
		}
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host, ':') == i {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
