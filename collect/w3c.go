package collect

import (
	"fmt"
	"strings"
	"time"
)

// w3cLog parses the extended log format of the W3C, which says in directives
// what its fields are, as IIS and CloudFront write it.
type w3cLog struct {
	cloudFront bool // values are percent-encoded
	fields     []field
	separator  string
	agent      bool
	setter     fieldSetter
	date       time.Time // that a directive tells
}

// w3cFields are the fields that tell something of a pageview, in lower case.
var w3cFields = map[string]field{
	"date": fieldDate, "time": fieldClock, "timestamp": fieldTime, "x-timestamp": fieldTime,
	"c-ip": fieldAddr, "c-dns": fieldAddr, "x-forwarded-for": fieldForwarded, "cs(x-forwarded-for)": fieldForwarded,
	"cs-method": fieldMethod, "cs-uri": fieldTarget, "cs-uri-stem": fieldPath, "cs-uri-query": fieldQuery, "sc-status": fieldStatus,
	"cs(referer)": fieldReferrer, "cs-referer": fieldReferrer, "cs(user-agent)": fieldAgent, "cs-user-agent": fieldAgent,
	"cs(host)": fieldServer, "cs-host": fieldServer, "x-host-header": fieldHost,
	"cs(accept-language)": fieldLanguage, "cs-accept-language": fieldLanguage, "c-country": fieldCountry,
}

func (p *w3cLog) parse(line string, l *logLine) error {
	if strings.HasPrefix(line, "#") {
		p.directive(line)
		return errComment
	}
	if p.fields == nil {
		return fmt.Errorf("no #Fields: line before it")
	}
	p.setter.dayOf, p.setter.clock = p.date, 0
	rest := line
	for i, kind := range p.fields {
		column := len(line) - len(rest) + 1
		var value string
		var ok bool
		if value, rest, ok = p.cut(rest); !ok && i < len(p.fields)-1 {
			return fmt.Errorf("%d fields where there are to be %d", i+1, len(p.fields))
		}
		if kind == fieldNone {
			continue
		}
		if err := p.setter.set(l, kind, p.decode(kind, value)); err != nil {
			return fmt.Errorf("%w at column %d", err, column)
		}
	}
	if rest != "" {
		return fmt.Errorf("more than %d fields", len(p.fields))
	}
	if l.at.IsZero() || p.setter.dayOf.IsZero() && l.at.Before(earliest) {
		return errDate
	}
	l.agentTold = p.agent
	return nil
}

// directive reads a line that tells of the lines after it.
func (p *w3cLog) directive(line string) {
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch {
	case strings.EqualFold(name, "#Date"):
		if day, err := parseISOTime(value); err == nil {
			p.date = day.Truncate(24 * time.Hour)
		} else if day, err := parseDate(value); err == nil {
			p.date = day
		}
	case strings.EqualFold(name, "#Fields"):
		p.fields, p.separator, p.agent = p.fields[:0:0], "", false
		for name := range strings.FieldsSeq(value) {
			kind := w3cFields[strings.ToLower(name)]
			p.fields = append(p.fields, kind)
			p.agent = p.agent || kind == fieldAgent
		}
	}
}

// cut cuts a field off the front of s. What separates fields is a tab where
// the first line has one, and else a space; a field in quotes may hold it.
func (p *w3cLog) cut(s string) (value, rest string, ok bool) {
	if p.separator == "" {
		p.separator = " "
		if strings.Contains(s, "\t") {
			p.separator = "\t"
		}
	}
	if strings.HasPrefix(s, `"`) {
		if end := closingQuote(s[1:]); end >= 0 {
			value, rest = s[1:end+1], s[end+2:]
			if rest == "" {
				return value, "", false
			}
			if rest, ok = strings.CutPrefix(rest, p.separator); ok {
				return value, rest, true
			}
		}
	}
	return strings.Cut(s, p.separator)
}

// decode decodes a value. A + in an agent is a space, for IIS writes it so.
func (p *w3cLog) decode(kind field, value string) string {
	switch {
	case p.cloudFront && kind == fieldAgent:
		return decodePercent(decodePercent(value))
	case p.cloudFront && (kind == fieldPath || kind == fieldQuery || kind == fieldReferrer || kind == fieldTarget):
		return decodePercentOfPercent(value)
	case p.cloudFront:
		return decodePercent(value)
	case kind == fieldAgent && p.separator == " ":
		return strings.ReplaceAll(value, "+", " ")
	}
	return value
}

// decodePercent decodes percent-encoding; what is none stays as it is.
func decodePercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0 {
			b = append(b, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

// decodePercentOfPercent takes back that a percent sign was encoded, as
// CloudFront does in addresses, which are encoded themselves.
func decodePercentOfPercent(s string) string {
	if !strings.Contains(s, "%25") {
		return s
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "%25")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('%')
		if len(after) < 2 || unhex(after[0]) < 0 || unhex(after[1]) < 0 {
			b.WriteString("25")
		}
		s = after
	}
}
