package collect

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// logLine is one line of an access log.
type logLine struct {
	addr     []byte // address or host name of the sender
	at       time.Time
	method   []byte // empty when the request line is not one of HTTP
	target   []byte
	status   int
	referrer []byte // empty means none
	agent    []byte // empty means none
}

// parseCombined parses a line of the combined format, which Apache and nginx
// share:
//
//	address identity user [02/Jan/2006:15:04:05 -0700] "request" status bytes "referrer" "agent"
//
// Further fields after the agent are passed over. The slices of the result
// point into line. An error names the column, counted in bytes from 1.
func parseCombined(line []byte) (logLine, error) {
	var l logLine
	rest := line
	column := func() int { return len(line) - len(rest) + 1 }

	var ok bool
	if l.addr, rest, ok = bytes.Cut(rest, []byte(" ")); !ok || len(l.addr) == 0 {
		return l, errors.New("no address at column 1")
	}
	// The user may hold spaces; the time is the first thing in brackets.
	i := bytes.Index(rest, []byte(" ["))
	if i < 0 {
		return l, fmt.Errorf("no [time] after column %d", column())
	}
	rest = rest[i+2:]
	var err error
	if l.at, err = parseTime(rest); err != nil {
		return l, fmt.Errorf("%w at column %d", err, column())
	}
	rest = rest[timeLength:]
	if rest, ok = bytes.CutPrefix(rest, []byte("] ")); !ok {
		return l, fmt.Errorf("no ] at column %d", column())
	}
	request, rest, ok := cutQuoted(rest)
	if !ok {
		return l, fmt.Errorf("no quoted request after column %d", column())
	}
	l.method, l.target = splitRequest(request)
	if rest, ok = bytes.CutPrefix(rest, []byte(" ")); !ok {
		return l, fmt.Errorf("no status at column %d", column())
	}
	if l.status, ok = parseStatus(rest); !ok {
		return l, fmt.Errorf("no status of three digits at column %d", column())
	}
	rest = rest[4:]
	size, rest, ok := bytes.Cut(rest, []byte(" "))
	if !ok || !isSize(size) {
		return l, fmt.Errorf("no size before column %d", column())
	}
	if l.referrer, rest, ok = cutQuoted(rest); !ok {
		return l, fmt.Errorf("no quoted referrer after column %d", column())
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(" ")); !ok {
		return l, fmt.Errorf("no agent at column %d", column())
	}
	if l.agent, rest, ok = cutQuoted(rest); !ok {
		return l, fmt.Errorf("no quoted agent after column %d", column())
	}
	if len(rest) > 0 && rest[0] != ' ' {
		return l, fmt.Errorf("no space at column %d", column())
	}
	l.referrer, l.agent = dash(l.referrer), dash(l.agent)
	return l, nil
}

// cutQuoted cuts a quoted string off the front of b. A backslash escapes the
// byte after it.
func cutQuoted(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, b, false
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[1:i], b[i+1:], true
		}
	}
	return nil, b, false
}

// splitRequest splits a request line; what is not one gives nothing.
func splitRequest(b []byte) (method, target []byte) {
	method, rest, ok := bytes.Cut(b, []byte(" "))
	if !ok {
		return nil, nil
	}
	i := bytes.LastIndexByte(rest, ' ')
	if i < 0 || !bytes.HasPrefix(rest[i+1:], []byte("HTTP/")) {
		return nil, nil
	}
	return method, rest[:i]
}

func parseStatus(b []byte) (int, bool) {
	if len(b) < 4 || b[3] != ' ' {
		return 0, false
	}
	return digits(b[:3])
}

func isSize(b []byte) bool {
	if string(b) == "-" {
		return true
	}
	_, ok := digits(b)
	return ok
}

func dash(b []byte) []byte {
	if string(b) == "-" {
		return nil
	}
	return b
}

// digits is the number that b spells; b holds 1 to 18 digits.
func digits(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

const timeLength = len("02/Jan/2006:15:04:05 -0700")

var errTime = errors.New("no time like 02/Jan/2006:15:04:05 -0700")

// parseTime parses the time that b begins with.
func parseTime(b []byte) (time.Time, error) {
	if len(b) < timeLength || b[2] != '/' || b[6] != '/' || b[11] != ':' ||
		b[14] != ':' || b[17] != ':' || b[20] != ' ' || b[21] != '+' && b[21] != '-' {
		return time.Time{}, errTime
	}
	var n [7]int
	for i, span := range [7][2]int{{0, 2}, {7, 11}, {12, 14}, {15, 17}, {18, 20}, {22, 24}, {24, 26}} {
		v, ok := digits(b[span[0]:span[1]])
		if !ok {
			return time.Time{}, errTime
		}
		n[i] = v
	}
	day, year, hour, minute, second := n[0], n[1], n[2], n[3], n[4]
	month := monthNumber(b[3:6])
	if month == 0 || hour > 23 || minute > 59 || second > 60 || n[5] > 14 || n[6] > 59 {
		return time.Time{}, errTime
	}
	if midnight := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC); midnight.Day() != day {
		return time.Time{}, errTime // no such day in that month
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	offset := time.Duration(n[5])*time.Hour + time.Duration(n[6])*time.Minute
	if b[21] == '-' {
		offset = -offset
	}
	return t.Add(-offset), nil
}

func monthNumber(b []byte) int {
	const names = "JanFebMarAprMayJunJulAugSepOctNovDec"
	for i := 0; i < len(names); i += 3 {
		if string(b) == names[i:i+3] {
			return i/3 + 1
		}
	}
	return 0
}
