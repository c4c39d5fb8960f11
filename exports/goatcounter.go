package exports

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
)

// goatCounter reads GoatCounter's export of all pageviews, versions 1 and 2,
// which differ in their columns only.
func (r *run) goatCounter(in io.Reader) reader {
	return func(_ context.Context, emit func(item) error) error {
		s, err := openSheet(r.file.Name, in)
		if err != nil {
			return err
		}
		path := s.header[0]
		if len(path) != len("2Path") || !strings.HasSuffix(path, "Path") {
			return fmt.Errorf("%s: line 1: it begins with the column %.40q, not with 1Path or 2Path", s.name, path)
		}
		if err := s.need("Event", "Session", "Date"); err != nil {
			return err
		}
		return s.each(emit, func() item { return goatRow(s, path) })
	}
}

func goatRow(s *sheet, path string) item {
	at, err := time.Parse(time.RFC3339, s.get("Date"))
	if err != nil {
		return item{broken: "column Date: not a time such as 2024-01-31T10:00:00Z"}
	}
	if e := s.get("Event"); e == "1" || strings.EqualFold(e, "true") {
		return item{left: LeftEvent}
	}
	seen := &collect.Seen{At: at, URL: s.get(path), Title: s.get("Title"), NoAgent: true}
	if !strings.HasPrefix(seen.URL, "/") {
		seen.URL = "/" + seen.URL
	}
	seen.Country, _, _ = strings.Cut(s.get("Location"), "-") // US-TX
	if session := strings.Trim(s.get("Session"), "0-"); session != "" {
		seen.Visitor = "goatcounter " + s.get("Session")
	}
	if bot := s.get("Bot"); bot != "" && bot != "0" {
		seen.NoPerson = collect.BotKnown
	}
	seen.Referrer = goatReferrer(s.get("Referrer"), s.get("Referrer scheme"), seen)
	if agent := s.get("UserAgent"); agent != "" { // until version 2.0 of the program
		seen.Agent, seen.NoAgent = agent, false
	} else if browser := s.get("Browser"); strings.HasPrefix(browser, "Mozilla/") { // version 1 of the export
		seen.Agent, seen.NoAgent = browser, false
	} else {
		seen.Told.Browser, seen.Told.System = withoutVersion(browser), withoutVersion(s.get("System"))
	}
	return item{seen: seen}
}

// goatReferrer is the address a visitor came from. A campaign is told in the
// address of the page, where others tell it.
func goatReferrer(ref, scheme string, seen *collect.Seen) string {
	switch {
	case ref == "":
		return ""
	case scheme == "c":
		seen.URL = withQuery(seen.URL, "utm_source", ref)
		return ""
	case scheme == "h":
		return withScheme(ref)
	}
	return "" // a name such as "Email", or an app
}

// withoutVersion is a name such as "Windows" of "Windows 10".
func withoutVersion(name string) string {
	words := strings.Fields(name)
	if n := len(words); n > 1 && words[n-1][0] >= '0' && words[n-1][0] <= '9' {
		words = words[:n-1]
	}
	return strings.Join(words, " ")
}
