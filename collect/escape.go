package collect

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape decodes what servers write with backslashes: \" \\ \/ \n and the
// like, \xhh as nginx and Apache do, and \uhhhh as JSON does. What is none of
// these stays as it is.
func unescape(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i >= 0 && i+1 < len(s) {
		b = append(b, s[:i]...)
		var n int
		b, n = appendEscaped(b, s[i:])
		s = s[i+n:]
		i = strings.IndexByte(s, '\\')
	}
	return string(append(b, s...))
}

// appendEscaped appends what the escape means that s begins with, and tells
// how long it is.
func appendEscaped(b []byte, s string) ([]byte, int) {
	switch c := s[1]; c {
	case '"', '\\', '/', '\'':
		return append(b, c), 2
	case 'x':
		if v, ok := hex(s[2:], 2); ok {
			return append(b, byte(v)), 4
		}
	case 'u':
		v, ok := hex(s[2:], 4)
		if !ok {
			break
		}
		if utf16.IsSurrogate(rune(v)) && strings.HasPrefix(s[6:], `\u`) {
			if low, ok := hex(s[8:], 4); ok {
				return utf8.AppendRune(b, utf16.DecodeRune(rune(v), rune(low))), 12
			}
		}
		return utf8.AppendRune(b, rune(v)), 6
	default:
		if i := strings.IndexByte("abfnrtv", c); i >= 0 {
			return append(b, "\a\b\f\n\r\t\v"[i]), 2
		}
	}
	return append(b, '\\'), 1
}

// hex is the number that the first n hexadecimal digits of s spell.
func hex(s string, n int) (uint64, bool) {
	if len(s) < n {
		return 0, false
	}
	v, err := strconv.ParseUint(s[:n], 16, 32)
	return v, err == nil && s[0] != '+'
}
