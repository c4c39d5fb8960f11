package collect

import (
	"net/url"
	"strings"

	"github.com/beforehand-go/beforehand/internal/text"
	"github.com/beforehand-go/beforehand/pageview"
)

// The longest texts in bytes that are kept; what is longer is cut.
const (
	maxTitle        = 300
	maxReferrerPage = 500
	maxCampaign     = 100
)

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
		Source: text.Clean(source, maxCampaign),
		Medium: text.Clean(q.Get("utm_medium"), maxCampaign),
		Name:   text.Clean(q.Get("utm_campaign"), maxCampaign),
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
