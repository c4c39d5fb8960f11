package chart

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		text  string
		width float64
		want  string
	}{
		{"/about", 100, "/about"},
		{"/2026/01/a-very-long-page-path/part-7/", 130, "/2026/01/a-v…rt-7/"},
		{"一二三四五六七八九十", 80, "一二三…十"},
		{"one two  three four", 66, "one t…ur"},
		{strings.Repeat("e\u0301", 30), 70, "e\u0301e\u0301e\u0301e\u0301e\u0301…e\u0301e\u0301"},
		{"/about", 0, "…"},
		{"", 0, ""},
	} {
		if got := shorten(c.text, c.width); got != c.want {
			t.Errorf("shorten(%q, %v) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// TestShortenedTextFits tries every width on text of all kinds.
func TestShortenedTextFits(t *testing.T) {
	text := "/2026/如何让慢页面变快/e\u0301e\u0301/🙂🙂/\xff\xfe/WWWWmmmm/iiii.html"
	for width := 12.0; width < 900; width++ {
		got := shorten(text, width)
		if textWidth(got) > width+.001 {
			t.Errorf("%q is %v wide, want at most %v", got, textWidth(got), width)
		}
		if _, tail, _ := strings.Cut(got, "…"); tail != "" {
			if r, _ := utf8.DecodeRuneInString(tail); runeWidth(r) == 0 {
				t.Errorf("%q: a mark lost its letter", got)
			}
		}
	}
}

func TestTicksAreRoundAndReachTheTop(t *testing.T) {
	for top, want := range map[int64][2]float64{ // number of ticks, the last
		0: {2, 1}, 1: {2, 1}, 7: {8, 7}, 8: {5, 8}, 310_000: {8, 350_000}, 11_100_000: {7, 12_000_000},
		97_200_000: {6, 100_000_000}, 1 << 62: {6, 5e18},
	} {
		got := ticks(top)
		if float64(len(got)) != want[0] || got[len(got)-1] != want[1] {
			t.Errorf("ticks(%d) = %v, want %v up to %v", top, got, want[0], want[1])
		}
	}
}
