package exports

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// ParseDay reads a day such as 2026-01-31 for File. Empty text gives the zero
// time.
func ParseDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, errors.New("a day is written as 2026-01-31")
	}
	return day, nil
}

// sums reads what the buttons of Umami's and Plausible's pages export: how often
// each page was seen in a time that the file does not tell. The pageviews are
// put on the day that was named, at noon, and have no visitor.
func (r *run) sums(f *zip.File) reader {
	return func(_ context.Context, emit func(item) error) error {
		s, file, err := inZip(f)
		if err != nil {
			return err
		}
		defer file.Close()
		path, number := "x", "y" // of Umami
		if s.has("name") {
			path, number = "name", "pageviews"
		}
		if err := s.need(path, number); err != nil {
			return err
		}
		r.totals.what = sumPageviews
		noon := pageview.DayOf(r.file.Day).Date(r.file.Site.Zone).Add(12 * time.Hour)
		return s.rows(emit, func() (string, error) {
			n, ok := count(s.get(number))
			if !ok {
				return fmt.Sprintf("column %s: not a number", number), nil
			}
			r.totals.file += n
			url := s.get(path)
			if !strings.HasPrefix(url, "/") {
				url = "/" + url
			}
			for range n {
				if err := emit(item{file: s.name, line: s.line, seen: &collect.Seen{At: noon, URL: url, NoAgent: true}}); err != nil {
					return "", err
				}
			}
			return "", nil
		})
	}
}
