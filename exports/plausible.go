package exports

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// plausibleDay is a day of Plausible's export.
type plausibleDay struct {
	visitors int64
	next     int64 // number of the visitor that the next page takes first
}

// maxADay is the largest number that is believed of a day.
const maxADay = 1 << 31

// plausible reads Plausible's export, which has sums by day: the pageviews and
// visitors of each page, and the visitors of the whole site. It makes
// pageviews that give the same sums. A page with three visitors on a day with
// five takes three of the numbers 0 to 4, and the next page goes on with the
// numbers behind those, and at 0 again after the last: so no page has more or
// fewer visitors than it had, and all pages together have those of the day.
func (r *run) plausible(pages, visitors *zip.File) reader {
	return func(_ context.Context, emit func(item) error) error {
		days, err := r.plausibleDays(visitors)
		if err != nil {
			return err
		}
		s, file, err := inZip(pages)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := s.need("date", "page", "visitors", "pageviews"); err != nil {
			return err
		}
		return s.rows(emit, func() (string, error) { return r.plausibleRow(s, days, emit) })
	}
}

// plausibleDays reads the sums of each day.
func (r *run) plausibleDays(f *zip.File) (map[string]*plausibleDay, error) {
	s, file, err := inZip(f)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := s.need("date", "visitors", "pageviews"); err != nil {
		return nil, err
	}
	r.totals.what, r.totals.visitors.told = sumPageviews, true
	r.totals.visitors.seen = map[visitorDay]struct{}{}
	days := map[string]*plausibleDay{}
	for {
		broken, err := s.next()
		if errors.Is(err, io.EOF) {
			return days, nil
		}
		if err != nil {
			return nil, err
		}
		visitors, ok := count(s.get("visitors"))
		views, okToo := count(s.get("pageviews"))
		if broken != "" || !ok || !okToo || len(days) > 100_000 {
			return nil, fmt.Errorf("%s: line %d: the sums of a day cannot be read", s.name, s.line)
		}
		d := days[s.get("date")]
		if d == nil {
			d = &plausibleDay{}
			days[s.get("date")] = d
		}
		d.visitors += visitors // a day that was itself imported into Plausible has a row more
		r.totals.file += views
		r.totals.visitors.file += visitors
	}
}

// plausibleRow makes the pageviews of a page on a day.
func (r *run) plausibleRow(s *sheet, days map[string]*plausibleDay, emit func(item) error) (broken string, err error) {
	at, err := time.Parse(time.DateOnly, s.get("date"))
	if err != nil {
		return "column date: not a day such as 2024-01-31", nil
	}
	visitors, ok := count(s.get("visitors"))
	if !ok {
		return "column visitors: not a number", nil
	}
	views, ok := count(s.get("pageviews"))
	if !ok {
		return "column pageviews: not a number", nil
	}
	day := days[s.get("date")]
	if day == nil {
		day = &plausibleDay{visitors: visitors}
		days[s.get("date")] = day
	}
	day.visitors = max(day.visitors, visitors, 1)
	visitors = max(min(visitors, views), 1)
	// Noon: the export does not know the hour.
	noon := pageview.DayOf(at).Date(r.file.Site.Zone).Add(12 * time.Hour)
	for i := range views {
		number := (day.next + i%visitors) % day.visitors
		err := emit(item{file: s.name, line: s.line, seen: &collect.Seen{
			At: noon, Host: s.get("hostname"), URL: s.get("page"), NoAgent: true,
			Visitor: "plausible " + s.get("date") + " " + strconv.FormatInt(number, 10),
		}})
		if err != nil {
			return "", err
		}
	}
	day.next = (day.next + visitors) % day.visitors
	return "", nil
}

// count reads a number of a day.
func count(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0 && n < maxADay
}
