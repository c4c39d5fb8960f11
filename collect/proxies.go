package collect

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies knows who asked when a request came through proxies. The zero value
// trusts none: who is connected is who asked. Who is connected by a socket in
// the file system has no address and was let in by its mode: it is a proxy
// whose word is taken.
type Proxies struct {
	Trusted []netip.Prefix // networks of proxies whose word is taken
	Header  string         // the header they set; empty means the first that is there of X-Forwarded-For, Forwarded and CF-Connecting-IP
}

// Client is the address of who asked: the last hop that is no trusted proxy.
// It is empty where the proxies do not tell.
func (p Proxies) Client(r *http.Request) string {
	var self string // the peer, where it has an address
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		addr := peer.Addr().Unmap().WithZone("")
		self = addr.String()
		if !p.trusts(addr) {
			return self
		}
	} else if r.RemoteAddr != "" && r.RemoteAddr != "@" {
		return ""
	}
	hops := p.hops(r.Header)
	if len(hops) == 0 {
		return self
	}
	// Only a trusted proxy's word is taken, and each hop was written by the
	// one after it, so they are read from the last on.
	for i := len(hops) - 1; i >= 0; i-- {
		addr, ok := hopAddr(hops[i])
		if !ok {
			return ""
		}
		if !p.trusts(addr) || i == 0 {
			return addr.String()
		}
	}
	return ""
}

func (p Proxies) trusts(addr netip.Addr) bool { return within(p.Trusted, addr) }

// hops are the hops that the proxies' header names, the client's first.
func (p Proxies) hops(h http.Header) []string {
	if p.Header != "" {
		return headerHops(h, http.CanonicalHeaderKey(p.Header))
	}
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "Cf-Connecting-Ip"} {
		if hops := headerHops(h, name); len(hops) > 0 {
			return hops
		}
	}
	return nil
}

func headerHops(h http.Header, name string) []string {
	text := strings.Join(h[name], ",")
	switch {
	case text == "":
		return nil
	case name == "Forwarded":
		return forwardedHops(text)
	}
	return strings.Split(text, ",")
}

// forwardedHops are the values of "for" in a Forwarded header (RFC 7239), one
// an element; an element that has none gives an empty one.
func forwardedHops(text string) []string {
	var hops []string
	for element := range splitQuoted(text, ',') {
		hop := ""
		for pair := range splitQuoted(element, ';') {
			name, value, _ := strings.Cut(pair, "=")
			if strings.EqualFold(strings.TrimSpace(name), "for") {
				hop = unquote(strings.TrimSpace(value))
			}
		}
		hops = append(hops, hop)
	}
	return hops
}

// splitQuoted splits text at a separator that is not within quotation marks.
func splitQuoted(text string, sep byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case quoted && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case c == sep && !quoted:
				if !yield(text[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(text[start:])
	}
}

// unquote takes the quotation marks off. An address has nothing to escape.
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// hopAddr is the address of a hop, which may have a port and brackets.
func hopAddr(hop string) (netip.Addr, bool) {
	hop = strings.TrimSpace(hop)
	if addr, err := netip.ParseAddrPort(hop); err == nil {
		return addr.Addr().Unmap().WithZone(""), true
	}
	hop = strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]")
	addr, err := netip.ParseAddr(hop)
	return addr.Unmap().WithZone(""), err == nil
}

// within tells whether an address lies in one of some networks.
func within(nets []netip.Prefix, addr netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
