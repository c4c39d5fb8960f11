package snapshot

import (
	"net/http"
	"strings"
	"time"
)

// verdict is what the preconditions of a request make of it.
type verdict int

const (
	send        verdict = iota // the representation is sent
	notModified                // 304: the reader has it
	failed                     // 412: the reader asked for another
)

// precondition evaluates the conditional headers of a GET or HEAD in the order
// of RFC 9110 §13.2.2. The tag is quoted; changed is zero where the
// representation has no Last-Modified.
func precondition(h http.Header, tag string, changed time.Time) verdict {
	if lines, ok := h["If-Match"]; ok {
		if !anyTag(lines, tag, strong) {
			return failed
		}
	} else if t, ok := httpDate(h["If-Unmodified-Since"]); ok && !changed.IsZero() && changed.After(t) {
		return failed
	}
	if lines, ok := h["If-None-Match"]; ok {
		if anyTag(lines, tag, weak) {
			return notModified
		}
		return send
	}
	if t, ok := httpDate(h["If-Modified-Since"]); ok && !changed.IsZero() && !changed.After(t) {
		return notModified
	}
	return send
}

type comparison int

const (
	strong comparison = iota // both strong and equal
	weak                     // equal whatever their strength
)

// anyTag tells whether one of the lines is "*" or lists the tag, which is
// strong. A list that goes wrong counts up to there.
func anyTag(lines []string, tag string, c comparison) bool {
	for _, line := range lines {
		if strings.TrimSpace(line) == "*" {
			return true
		}
		for {
			line = strings.TrimLeft(line, " \t,")
			opaque := strings.TrimPrefix(line, "W/")
			isWeak := len(opaque) < len(line)
			if len(opaque) < 2 || opaque[0] != '"' {
				break
			}
			end := strings.IndexByte(opaque[1:], '"')
			if end < 0 {
				break
			}
			if opaque[:end+2] == tag && (c == weak || !isWeak) {
				return true
			}
			line = opaque[end+2:]
		}
	}
	return false
}

// httpDate reads a header of one date; more lines than one are no date.
func httpDate(lines []string) (time.Time, bool) {
	if len(lines) != 1 {
		return time.Time{}, false
	}
	t, err := http.ParseTime(lines[0])
	return t, err == nil
}
