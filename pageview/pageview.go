package pageview

import "time"

// Pageview is one page seen by one visitor at one time.
type Pageview struct {
	Site     string    // name of the site it belongs to
	At       time.Time // when it was seen, kept to the microsecond
	Day      Day       // local day of At in the site's time zone
	Path     string    // cleaned path, beginning with "/"
	Title    string    // title of the page; empty means not known
	Visitor  uint64    // daily hash that stands for the visitor; never an address
	Referrer string    // host the visitor came from; empty means none or the site itself
	Browser  string    // such as "Firefox"; empty means not known
	System   string    // such as "Android"; empty means not known
	Device   string    // "desktop", "mobile" or "tablet"; empty means not known
	Bot      string    // why this is not a person; empty means it is one
	Source   Source    // the way it came in
}

// Source is the way a pageview came in.
type Source uint8

// The ways in. The numbers are stored: append, never reorder.
const (
	SourceLog  Source = iota + 1 // an access log
	SourceDemo                   // made up by the demo
)

// Day is a calendar day: the number of days since 1970-01-01.
type Day int32

// DayOf is the calendar day of t in t's own location.
func DayOf(t time.Time) Day {
	y, m, d := t.Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
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

// Month is the first day of the day's calendar month.
func (d Day) Month() Day {
	u := d.utc()
	return d - Day(u.Day()-1)
}

// AddMonths is the first day of the calendar month n months after the day's.
func (d Day) AddMonths(n int) Day {
	return DayOf(d.Month().utc().AddDate(0, n, 0))
}

// String is the day as 2006-01-02.
func (d Day) String() string { return d.utc().Format(time.DateOnly) }

func (d Day) utc() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }
