package chart

import (
	"strings"
	"unicode"
)

const fontSize = 12.0 // of all text but the heading, as in chart.css

// textWidth estimates the width of s in units at the font size of the charts.
// It errs towards too wide, because the reader's font is not known here.
func textWidth(s string) float64 {
	w := 0.0
	for _, r := range s {
		w += runeWidth(r)
	}
	return w * fontSize
}

// runeWidth is the advance of r in em.
func runeWidth(r rune) float64 {
	switch {
	case strings.ContainsRune("iljtf.,:;'|!()[]/ -", r):
		return .42
	case strings.ContainsRune("mwMW@%&", r):
		return 1
	case r == '…':
		return 1
	case r < 0x7f && unicode.IsUpper(r):
		return .76
	case r < 0x250:
		return .65
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r < 0x1100:
		return .8
	default: // East Asian scripts, symbols, emoji
		return 1.25
	}
}

// shorten cuts s to the width, in units, with … for what is left out: out of
// the middle, since both ends of a path tell it from its neighbours.
func shorten(s string, width float64) string {
	if textWidth(s) <= width {
		return s
	}
	runes := []rune(s)
	room := width - textWidth("…")
	head, tail := 0, len(runes)
	for used := 0.0; head < tail; {
		fromTail := (len(runes) - tail) < head/2 // two at the head for one at the tail
		next := runes[head]
		if fromTail {
			next = runes[tail-1]
		}
		used += runeWidth(next) * fontSize
		if used > room {
			break
		}
		if fromTail {
			tail--
		} else {
			head++
		}
	}
	for tail < len(runes) && runeWidth(runes[tail]) == 0 { // a mark without its letter
		tail++
	}
	return strings.TrimSpace(string(runes[:head])) + "…" + strings.TrimSpace(string(runes[tail:]))
}
