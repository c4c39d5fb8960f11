package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// HotMethod is the name of a way to rank pages.
type HotMethod report.HotMethod

// UnmarshalText refuses a method that is not known.
func (m *HotMethod) UnmarshalText(text []byte) error {
	var names []string
	for _, known := range report.HotMethods() {
		names = append(names, string(known))
	}
	if !slices.Contains(names, string(text)) {
		return fmt.Errorf("unknown method %q; allowed are %s", text, strings.Join(names, ", "))
	}
	*m = HotMethod(text)
	return nil
}

// Window is a length of time that is not zero, or report.AllTime.
type Window Duration

// UnmarshalText reads a length of time, or "all".
func (w *Window) UnmarshalText(text []byte) error {
	if string(text) == "all" {
		*w = Window(report.AllTime)
		return nil
	}
	var d Duration
	if err := d.UnmarshalText(text); err != nil || d == 0 {
		return fmt.Errorf("%q is no window: write it like 24h or 7d, or all", text)
	}
	*w = Window(d)
	return nil
}

// BotsRule is what becomes of pageviews that are not a person's.
type BotsRule pageview.Bots

// UnmarshalText refuses what is none of the three.
func (b *BotsRule) UnmarshalText(text []byte) error {
	if !slices.Contains([]pageview.Bots{pageview.BotsExclude, pageview.BotsInclude, pageview.BotsOnly}, pageview.Bots(text)) {
		return fmt.Errorf("%q: allowed are exclude, include and only", text)
	}
	*b = BotsRule(text)
	return nil
}

// PathPattern is a pattern of paths, in which * is any text and ? one character.
type PathPattern string

// UnmarshalText refuses a pattern that matches no path.
func (p *PathPattern) UnmarshalText(text []byte) error {
	if len(text) == 0 || !utf8.Valid(text) || !strings.ContainsRune("/*?", rune(text[0])) {
		return fmt.Errorf("%q matches no path: write it like /posts/*", text)
	}
	*p = PathPattern(text)
	return nil
}

// Address is the URL of a site, such as https://example.com.
type Address string

// UnmarshalText refuses what is no URL of the web.
func (a *Address) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || !isWeb(u) || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is no address of a site: write it like https://example.com", text)
	}
	*a = Address(text)
	return nil
}

func isWeb(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// Place is a URL of the web, or a path below the site's.
type Place string

// UnmarshalText refuses what is neither.
func (p *Place) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || !isWeb(u) && (u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/")) {
		return fmt.Errorf("%q is neither a URL nor a path of the site: write it like /sitemap.xml", text)
	}
	*p = Place(text)
	return nil
}
