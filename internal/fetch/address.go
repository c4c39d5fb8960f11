package fetch

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// reserved are ranges that are global unicast by their bits but not public, by
// IANA's registries of special-purpose addresses. Of IPv6 also those that carry
// an address of IPv4, which a router may unpack.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

// public tells whether an address is one that anybody can reach. What is no
// address is not.
func public(text string) bool {
	text, zone, _ := strings.Cut(text, "%")
	a, err := netip.ParseAddr(text)
	if err != nil || zone != "" {
		return false
	}
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// Written allows the hosts of URLs that the owner wrote to be private ones: at
// the port that is written, and at those of http and https.
func Written(urls ...string) func(address string) bool {
	written := map[string]bool{}
	for _, s := range urls {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			continue
		}
		host := strings.ToLower(u.Hostname())
		for _, port := range []string{u.Port(), "80", "443"} {
			written[net.JoinHostPort(host, port)] = true
		}
	}
	return func(address string) bool { return written[strings.ToLower(address)] }
}
