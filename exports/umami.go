package exports

import (
	"archive/zip"
	"context"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
)

// umami reads Umami's table website_event as CSV.
func (r *run) umami(name string, in io.Reader) reader {
	return func(_ context.Context, emit func(item) error) error {
		s, err := openSheet(name, in)
		if err != nil {
			return err
		}
		return umamiSheet(s, emit)
	}
}

func (r *run) umamiZip(f *zip.File) reader {
	return func(_ context.Context, emit func(item) error) error {
		s, file, err := inZip(f)
		if err != nil {
			return err
		}
		defer file.Close()
		return umamiSheet(s, emit)
	}
}

func umamiSheet(s *sheet, emit func(item) error) error {
	if err := s.need("session_id", "url_path", "event_type", "created_at"); err != nil {
		return err
	}
	return s.each(emit, func() item { return umamiRow(s) })
}

func umamiRow(s *sheet) item {
	at, ok := parseTime(s.get("created_at"))
	if !ok {
		return item{broken: "column created_at: not a time such as 2024-01-31 10:00:00"}
	}
	if s.get("event_type") != "1" { // 2 is an event with a name
		return item{left: LeftEvent}
	}
	seen := &collect.Seen{
		At: at, Host: s.get("hostname"), URL: s.get("url_path"), Title: s.get("page_title"), NoAgent: true,
		Language: s.get("language"), Country: s.get("country"), Visitor: "umami " + s.get("session_id"),
		Told: collect.Agent{Browser: s.get("browser"), System: s.get("os"), Device: s.get("device")},
	}
	if !strings.HasPrefix(seen.URL, "/") {
		seen.URL = "/" + seen.URL
	}
	if q := strings.TrimPrefix(s.get("url_query"), "?"); q != "" {
		seen.URL += "?" + q
	}
	for _, name := range []string{"utm_source", "utm_medium", "utm_campaign"} {
		if v := s.get(name); v != "" && !strings.Contains(seen.URL, name+"=") {
			seen.URL = withQuery(seen.URL, name, v)
		}
	}
	if seen.Told.Device == "laptop" {
		seen.Told.Device = "desktop"
	}
	if domain := s.get("referrer_domain"); domain != "" {
		seen.Referrer = "https://" + domain + s.get("referrer_path")
	}
	return item{seen: seen}
}

// parseTime reads a time in UTC, or with its zone.
func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{
		"2006-01-02 15:04:05", time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07", "2006-01-02T15:04:05",
	} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// withQuery adds a parameter to the address of a page.
func withQuery(address, name, value string) string {
	sign := "?"
	if strings.Contains(address, "?") {
		sign = "&"
	}
	return address + sign + name + "=" + url.QueryEscape(value)
}

// withScheme is an address that may have come without its scheme.
func withScheme(ref string) string {
	if strings.Contains(ref, "://") {
		return ref
	}
	return "https://" + ref
}
