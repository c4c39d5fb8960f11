package collect

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/pageview"
)

// The longest texts in bytes that are kept; what is longer is cut.
const (
	maxTitle        = 300
	maxReferrerPage = 500
	maxCampaign     = 100
)

// cleanText makes a sender's text fit to be kept: valid, printable, on one
// line, without spaces around it, and at most so many bytes long.
func cleanText(s string, most int) string {
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

// campaign is what the query of a page's address says of how its visitor came.
func campaign(query string) pageview.Campaign {
	if !strings.Contains(query, "utm_") && !strings.Contains(query, "ref=") {
		return pageview.Campaign{}
	}
	q, _ := url.ParseQuery(query) // what can be read of it
	source := q.Get("utm_source")
	if source == "" {
		source = q.Get("ref")
	}
	return pageview.Campaign{
		Source: cleanText(source, maxCampaign),
		Medium: cleanText(q.Get("utm_medium"), maxCampaign),
		Name:   cleanText(q.Get("utm_campaign"), maxCampaign),
	}
}

// language is the first tag of an Accept-Language header, as "en" or "zh-CN";
// empty when there is none.
func language(accept string) string {
	tag, _, _ := strings.Cut(accept, ",")
	tag, _, _ = strings.Cut(tag, ";")
	main, rest, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(tag), "_", "-"), "-")
	if len(main) < 2 || len(main) > 3 || !letters(main) {
		return ""
	}
	main = strings.ToLower(main)
	for part := range strings.SplitSeq(rest, "-") {
		if len(part) == 2 && letters(part) {
			return main + "-" + strings.ToUpper(part)
		}
	}
	return main
}

// country is a country's two letters; empty when it is none.
func country(code string) string {
	if len(code) != 2 || !letters(code) {
		return ""
	}
	return strings.ToUpper(code)
}

func letters(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
