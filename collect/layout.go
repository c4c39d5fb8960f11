package collect

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// layout parses lines that are fields with fixed text between them, as nginx
// and Apache write them.
type layout struct {
	parts  []layoutPart
	tail   string              // text after the last field
	open   bool                // further fields after the tail are passed over …
	quotes bool                // … also those in quotes
	check  func(*logLine) bool // refuses a line that another layout fits better; nil means none
	agent  bool                // one of the fields is the agent
	setter fieldSetter
}

type layoutPart struct {
	before string // text before the field
	kind   field
	name   string // as the format string has it
}

// word names a field in messages.
func (p *layoutPart) word() string { return cmp.Or(p.kind.word(), p.name) }

func (p *layout) parse(line string, l *logLine) error {
	rest := line
	if p.open {
		rest = afterPrefix(line)
	}
	escapes := strings.IndexByte(line, '\\') >= 0
	for i := range p.parts {
		part := &p.parts[i]
		var ok bool
		if rest, ok = strings.CutPrefix(rest, part.before); !ok {
			return fmt.Errorf("no %q before the %s at column %d", part.before, part.word(), len(line)-len(rest)+1)
		}
		after := p.tail
		if i+1 < len(p.parts) {
			after = cmp.Or(p.parts[i+1].before, "/") // see join
		}
		column := len(line) - len(rest) + 1
		var value string
		if value, rest, ok = cutField(rest, part.before, after, p.open); !ok {
			return fmt.Errorf("no %q after the %s at column %d", after, part.word(), column)
		}
		if part.kind == fieldNone {
			continue
		}
		if value == "" && part.kind == fieldAddr {
			return fmt.Errorf("no %s at column %d", part.word(), column)
		}
		if escapes {
			value = unescape(value)
		}
		if err := p.setter.set(l, part.kind, value); err != nil {
			return fmt.Errorf("%w at column %d", err, column)
		}
	}
	if rest = rest[min(len(p.tail), len(rest)):]; rest != "" && !p.passes(rest) {
		return fmt.Errorf("more than the format has at column %d", len(line)-len(rest)+1)
	}
	l.agentTold = p.agent
	if p.check != nil && !p.check(l) {
		return errors.New("not a line of this format")
	}
	return nil
}

// passes tells whether what follows the last field may be passed over.
func (p *layout) passes(rest string) bool {
	return p.open && rest[0] == ' ' && (p.quotes || !strings.HasPrefix(rest, ` "`))
}

// cutField cuts a field off the front of s. It reaches to the text after it;
// in quotes, a backslash escapes the byte after it.
func cutField(s, before, after string, open bool) (value, rest string, ok bool) {
	if strings.HasSuffix(before, `"`) && strings.HasPrefix(after, `"`) {
		i := closingQuote(s)
		return s[:max(i, 0)], s[max(i, 0):], i >= 0
	}
	i := len(s)
	switch {
	case after != "" && len(after) == 1:
		i = strings.IndexByte(s, after[0])
	case after != "":
		i = strings.Index(s, after)
	case open:
		if i = strings.IndexByte(s, ' '); i < 0 {
			i = len(s)
		}
	}
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i:], true
}

// closingQuote is where the quote is that no backslash escapes.
func closingQuote(s string) int {
	for i := 0; ; i++ {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return -1
		}
		slashes := 0
		for i += n; i > slashes && s[i-slashes-1] == '\\'; slashes++ {
		}
		if slashes%2 == 0 {
			return i
		}
	}
}
