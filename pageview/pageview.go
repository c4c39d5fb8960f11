package pageview

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Pageview is one page seen by one visitor at one time.
type Pageview struct {
	Site         string    // name of the site it belongs to
	At           time.Time // when it was seen, kept to the microsecond
	Day          Day       // local day of At in the site's time zone
	Hour         time.Time // when the local hour of At began; see HourOf
	Path         string    // cleaned path, beginning with "/"
	Title        string    // title of the page; empty means not known
	Visitor      uint64    // daily hash that stands for the visitor, never an address; zero means not known
	Referrer     string    // host the visitor came from; empty means none or the site itself
	ReferrerPage string    // page on that host, such as "news.example/item"; empty means not known
	Campaign     Campaign  // what brought the visitor, as the address of the page says
	Browser      string    // such as "Firefox"; empty means not known
	System       string    // such as "Android"; empty means not known
	Device       string    // "desktop", "mobile" or "tablet"; empty means not known
	Country      string    // two capital letters of ISO 3166-1, such as "FR"; empty means not known
	Language     string    // tag such as "en" or "zh-CN"; empty means not known
	Bot          string    // why this is not a person; empty means it is one
	Source       Source    // the way it came in
}

// Campaign is what an address says of how its visitor came, in the parameters
// utm_source (or ref), utm_medium and utm_campaign.
type Campaign struct {
	Source string // such as "newsletter"
	Medium string // such as "email"
	Name   string // such as "spring"
}

// Stay is how long a visitor had a page in sight. It comes after the pageview,
// when the page is left.
type Stay struct {
	Site    string
	At      time.Time // when the page was left
	Day     Day       // local day of At
	Path    string
	Visitor uint64
	For     time.Duration
}

// Source is the way a pageview came in.
type Source uint8

// The ways in. The numbers are stored: append, never reorder.
const (
	SourceLog        Source = iota + 1 // an access log
	SourceDemo                         // made up by the demo
	SourceScript                       // the script on the page
	SourcePixel                        // the picture on a page without scripts
	SourceBusuanzi                     // the counter that stands in for busuanzi
	SourceAPI                          // the API
	SourceMiddleware                   // the site's own Go process
	SourceTable                        // a table of the site, a row a pageview
	SourceCounter                      // a table of the site that keeps only totals
	SourceExport                       // an export of another program
)

var sourceNames = [...]string{
	SourceLog: "log", SourceDemo: "demo", SourceScript: "script", SourcePixel: "pixel",
	SourceBusuanzi: "busuanzi", SourceAPI: "api", SourceMiddleware: "middleware",
	SourceTable: "table", SourceCounter: "counter", SourceExport: "export",
}

// String is the source's name, such as "log".
func (s Source) String() string {
	if int(s) < len(sourceNames) && sourceNames[s] != "" {
		return sourceNames[s]
	}
	return fmt.Sprintf("source %d", uint8(s))
}

// AllSources are all ways in.
func AllSources() []Source {
	var all []Source
	for i, name := range sourceNames {
		if name != "" {
			all = append(all, Source(i))
		}
	}
	return all
}

// ParseSource is the source of that name.
func ParseSource(name string) (Source, error) {
	for i, n := range sourceNames {
		if n == name && n != "" {
			return Source(i), nil
		}
	}
	return 0, fmt.Errorf("unknown source %q", name)
}

// Precedence says which sources count where several tell of one local day of a
// site: those of the first group that has a pageview by a person on that day,
// or, on a day without persons, of the first that has any pageview. A source in
// no group is one of its own, after all others and in the order of the numbers.
type Precedence [][]Source

// DefaultPrecedence lets the script count, what stands in for it on the same
// page, and what a program sends by the API, since nobody sends what should not
// count; else what the site itself reports, else its log.
func DefaultPrecedence() Precedence {
	return Precedence{
		{SourceScript, SourcePixel, SourceBusuanzi, SourceAPI},
		{SourceMiddleware},
		{SourceLog},
		{SourceTable},
		{SourceCounter},
		{SourceExport},
	}
}

// Counted are the sources that count on a day, of those that have pageviews by
// persons and of those that have any. An empty precedence is the default one.
func (p Precedence) Counted(persons, all []Source) []Source {
	if len(p) == 0 {
		p = DefaultPrecedence()
	}
	present := persons
	if len(persons) == 0 {
		present = all
	}
	for _, group := range p {
		if slices.ContainsFunc(group, func(s Source) bool { return slices.Contains(present, s) }) {
			return group
		}
	}
	if len(present) == 0 {
		return nil
	}
	return []Source{slices.Min(present)}
}

// String is the precedence as text, such as "script,pixel;log".
func (p Precedence) String() string {
	var b strings.Builder
	for i, group := range p {
		for j, s := range group {
			switch {
			case j > 0:
				b.WriteByte(',')
			case i > 0:
				b.WriteByte(';')
			}
			b.WriteString(s.String())
		}
	}
	return b.String()
}

// ParsePrecedence reads what String writes. Empty text is no precedence.
func ParsePrecedence(text string) (Precedence, error) {
	var p Precedence
	if text == "" {
		return p, nil
	}
	for group := range strings.SplitSeq(text, ";") {
		var sources []Source
		for name := range strings.SplitSeq(group, ",") {
			s, err := ParseSource(strings.TrimSpace(name))
			if err != nil {
				return nil, err
			}
			sources = append(sources, s)
		}
		p = append(p, sources)
	}
	return p, nil
}

// Day is a calendar day: the number of days since 1970-01-01.
type Day int32

// FirstDay and LastDay bound the days that a store takes.
const (
	FirstDay Day = -719162 // 0001-01-01
	LastDay  Day = 2932896 // 9999-12-31
)

// DayOf is the calendar day of t in t's own location.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// HourOf is the instant, in UTC, at which the hour of t began in t's own
// location. An hour that comes twice because clocks were set back is two
// hours, and one that is cut by a change of the clock begins at the change.
func HourOf(t time.Time) time.Time {
	began := t.Add(-time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	if change, _ := t.ZoneBounds(); began.Before(change) {
		_, before := change.Add(-1).Zone()
		if _, now := t.Zone(); now != before { // else only its name has changed
			began = change
		}
	}
	return began.UTC()
}

// Date is the first instant of the day in loc. Where that day has no
// midnight it is the first instant after the gap.
func (d Day) Date(loc *time.Location) time.Time {
	u := d.utc()
	t := time.Date(u.Year(), u.Month(), u.Day(), 0, 0, 0, 0, loc)
	if DayOf(t) == d {
		return t
	}
	// time.Date answers a gap with an instant on either side of it.
	for DayOf(t) < d {
		t = t.Add(15 * time.Minute)
	}
	return t
}

// Week is the Monday of the day's week.
func (d Day) Week() Day { return d - (d%7+7+3)%7 }

// Month is the first day of the day's calendar month.
func (d Day) Month() Day {
	u := d.utc()
	return d - Day(u.Day()-1)
}

// Year is the first day of the day's calendar year.
func (d Day) Year() Day {
	u := d.utc()
	return d - Day(u.YearDay()-1)
}

// AddMonths is the first day of the calendar month n months after the day's.
func (d Day) AddMonths(n int) Day {
	return DayOf(d.Month().utc().AddDate(0, n, 0))
}

// String is the day as 2006-01-02.
func (d Day) String() string { return d.utc().Format(time.DateOnly) }

func (d Day) utc() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }
