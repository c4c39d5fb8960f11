// Package text makes what strangers send fit to be kept and shown.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a text fit to be kept: valid, printable, on one line, without
// spaces around it, and at most so many bytes long.
func Clean(s string, most int) string {
	if len(s) > 4*most {
		s = s[:4*most] // so that what is too long costs little
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) > most {
		for most > 0 && !utf8.RuneStart(s[most]) {
			most--
		}
		s = s[:most]
	}
	return strings.TrimSpace(s)
}
