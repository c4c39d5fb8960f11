package collect

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// logFormat is a format that is known by name.
type logFormat struct {
	name string
	make func() lineParser
}

const (
	commonTemplate   = `%h %l %u %t "%r" %>s %b`
	combinedTemplate = commonTemplate + ` "%{Referer}i" "%{User-Agent}i"`
)

// logFormats are the formats that are known by name. Where several fit a log
// equally well, it is the first of them: the one that says more.
func logFormats() []logFormat {
	return []logFormat{
		{"vhost-combined", builtin("%v "+combinedTemplate, isVhost)},
		{"combined-forwarded", builtin(combinedTemplate+` "%{X-Forwarded-For}i"`, isForwardedLine)},
		{"combined", builtin(combinedTemplate, nil)},
		{"vhost-common", builtin("%v "+commonTemplate, isVhost)},
		{"common", builtin(commonTemplate, nil)},
		{"nginx-json", func() lineParser { return &jsonLog{} }}, // first, since Caddy's fits what it fits
		{"caddy", func() lineParser { return &jsonLog{caddy: true, common: builtin(commonTemplate, nil)().(*layout)} }},
		{"cloudfront", func() lineParser { return &w3cLog{cloudFront: true} }},
		{"w3c", func() lineParser { return &w3cLog{} }},
	}
}

// builtin makes layouts of a template of this program's own.
func builtin(template string, check func(*logLine) bool) func() lineParser {
	return func() lineParser {
		p, err := parseTemplate(template)
		if err != nil {
			panic(err) // the template is a constant
		}
		p.open, p.quotes, p.check = true, p.agent, check
		return p
	}
}

// isVhost tells the host in front of a line from a user's name with a space in
// it, and from what another program wrote in front.
func isVhost(l *logLine) bool {
	_, hostErr := netip.ParseAddr(bareAddr(l.host))
	_, addrErr := netip.ParseAddr(bareAddr(l.addr))
	return addrErr == nil || hostErr != nil && (l.addr == "" || strings.ContainsFunc(l.addr, unicode.IsLetter))
}

// afterPrefix is a line without what another program put in front of it, such
// as syslog a time and a host, and docker compose a name: what stands before an
// address that two fields and the time in brackets follow.
func afterPrefix(line string) string {
	if len(line) < 5 || '0' <= line[0] && line[0] <= '9' && line[4] != '-' {
		return line // it begins with an address, as nearly all do
	}
	head, _, _ := strings.Cut(line, " [")
	user := strings.LastIndexByte(head, ' ')
	ident := strings.LastIndexByte(head[:max(user, 0)], ' ')
	addr := strings.LastIndexByte(head[:max(ident, 0)], ' ')
	if addr < 0 || strings.IndexByte(strings.TrimRight(head[:addr], " "), ' ') < 0 { // one word is the host that was asked
		return line
	}
	if _, err := netip.ParseAddr(bareAddr(head[addr+1 : ident])); err != nil {
		return line
	}
	return line[addr+1:]
}

// isForwardedLine tells a list of addresses from another field that may follow
// the agent.
func isForwardedLine(l *logLine) bool {
	return l.forwarded == "" || firstForwarded(l.forwarded) != ""
}

// FormatNames are the names of the formats of logs.
func FormatNames() []string {
	var names []string
	for _, f := range logFormats() {
		names = append(names, f.name)
	}
	return names
}

// CheckFormat refuses what is neither the name of a format nor a format
// string.
func CheckFormat(format string) error {
	_, err := newLineParser(format)
	return err
}

// newLineParser makes the parser of a format that is named or spelled out.
func newLineParser(format string) (lineParser, error) {
	for _, f := range logFormats() {
		if f.name == format {
			return f.make(), nil
		}
	}
	if strings.HasPrefix(format, "#Fields:") {
		p := &w3cLog{}
		p.directive(format)
		return p, nil
	}
	if !strings.ContainsAny(format, "$%") {
		return nil, fmt.Errorf("no format %q: name one of %s, or give a format string of nginx or Apache", format, strings.Join(FormatNames(), ", "))
	}
	p, err := parseTemplate(format)
	if err != nil {
		return nil, fmt.Errorf("format string: %w", err)
	}
	return p, nil
}

// ErrFormat is returned for a log that has none of the formats.
var ErrFormat = errors.New("not an access log in a format that is known: none of its first lines could be read; name its format with --format; docs/import.md tells them")

// detect finds the format that most of the first lines have. A format that is
// in question is fed the whole head, so that it knows its directives.
func detect(head string) (name string, err error) {
	most := 0
	for _, f := range logFormats() {
		if f.name == "cloudfront" && !strings.Contains(head, "x-edge-") {
			continue
		}
		if n := fits(f.make(), head); n > most {
			name, most = f.name, n
		}
	}
	if most == 0 {
		return "", ErrFormat
	}
	return name, nil
}

// fits counts the lines that a parser can read. Of comments they must be of
// the kind that tells the fields.
func fits(p lineParser, head string) int {
	n := 0
	for text := range strings.Lines(head) {
		var l logLine
		err := p.parse(trimEnd(text), &l)
		if err == nil || errors.Is(err, errComment) && strings.HasPrefix(text, "#Fields:") {
			n++
		}
	}
	return n
}

// trimEnd takes the line break off a line.
func trimEnd(line string) string {
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
}
