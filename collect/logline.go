package collect

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// logLine is one line of an access log. Its strings are parts of the line,
// decoded; an empty one means that there is none.
type logLine struct {
	host      string // host that was asked
	addr      string // address or host name of the sender
	forwarded string // addresses that X-Forwarded-For lists
	at        time.Time
	method    string
	target    string // of the request line: path and query, or a whole address
	path      string // where there is no target: the path alone …
	query     string // … and the query
	status    int
	referrer  string
	agent     string
	agentTold bool // the format has a place for the agent
	language  string
	country   string
}

// lineParser reads the lines of one log, in their order. Its errors name the
// column, counted in bytes from 1, and nothing of what the line holds.
type lineParser interface {
	parse(line string, l *logLine) error
}

// errComment is returned for a line that tells of the log itself.
var errComment = errors.New("a comment")

// seen sets the page that a line tells of. Left is the reason why it is none.
func (l *logLine) seen(s *Seen) (left string) {
	target := l.target
	if target == "" && l.path != "" {
		target = l.path
		if query := strings.TrimPrefix(l.query, "?"); query != "" {
			target += "?" + query
		}
	}
	switch {
	case l.method == "" || target == "":
		return LeftNotAPage
	case l.method != http.MethodGet:
		return LeftMethod
	case l.status != http.StatusOK && l.status != http.StatusNotModified:
		return LeftStatus
	}
	*s = Seen{
		At: l.at, Host: l.host, URL: target, Referrer: l.referrer, Addr: l.sender(),
		Agent: l.agent, NoAgent: !l.agentTold, Language: l.language, Country: l.country,
		Source: pageview.SourceLog,
	}
	return ""
}

// sender is the address of who asked, without its port. What was forwarded is
// believed where the address is not one of the open net, and so a proxy's.
func (l *logLine) sender() string {
	if l.forwarded != "" {
		if addr, err := netip.ParseAddr(bareAddr(l.addr)); err != nil && l.addr == "" || err == nil && !isOpen(addr) {
			if first := firstForwarded(l.forwarded); first != "" {
				return first
			}
		}
	}
	return bareAddr(l.addr)
}

// firstForwarded is the first address of a list that is one of the open net,
// or else the first one.
func firstForwarded(list string) string {
	first := ""
	for part := range strings.SplitSeq(list, ",") {
		text := bareAddr(strings.TrimSpace(part))
		addr, err := netip.ParseAddr(text)
		switch {
		case err != nil:
			continue
		case isOpen(addr):
			return text
		case first == "":
			first = text
		}
	}
	return first
}

// isOpen tells whether an address is one of the open net.
func isOpen(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsGlobalUnicast() && !addr.IsPrivate()
}

// bareAddr is an address without port and brackets.
func bareAddr(s string) string {
	i := strings.LastIndexByte(s, ':')
	switch {
	case i < 0:
		return s
	case s[0] == '[':
		if end := strings.IndexByte(s, ']'); end > 0 {
			return s[1:end]
		}
	case strings.IndexByte(s, ':') == i: // an IPv6 address has several
		return s[:i]
	}
	return s
}

// splitRequest splits a request line; what is not one of HTTP gives nothing.
func splitRequest(s string) (method, target string) {
	method, rest, ok := strings.Cut(s, " ")
	if !ok {
		return "", ""
	}
	i := strings.LastIndexByte(rest, ' ')
	if i < 0 || !strings.HasPrefix(rest[i+1:], "HTTP/") {
		return "", ""
	}
	return method, rest[:i]
}

// dash is a value, of which "-" means that there is none.
func dash(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// parseStatus reads a status of three digits.
func parseStatus(s string) (int, bool) {
	if len(s) != 3 {
		return 0, false
	}
	return digits(s)
}

// digits is the number that s spells; it holds 1 to 18 digits.
func digits(s string) (int, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
