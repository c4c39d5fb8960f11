package tables

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// clock reads times as a table keeps them.
type clock struct {
	unit   time.Duration // of a number; zero means that its size tells
	layout string        // of a text; empty means those that are common
	zone   *time.Location
}

func newClock(how, zone string) (clock, error) {
	c := clock{zone: time.UTC}
	if zone != "" {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return c, fmt.Errorf("zone: %q is no zone such as Europe/Paris", zone)
		}
		c.zone = loc
	}
	switch how {
	case "":
	case "unix":
		c.unit = time.Second
	case "unix_ms":
		c.unit = time.Millisecond
	case "unix_us":
		c.unit = time.Microsecond
	default:
		if !strings.Contains(how, "06") {
			return c, fmt.Errorf("time: %q is neither unix, unix_ms, unix_us nor a layout such as 02.01.2006 15:04", how)
		}
		c.layout = how
	}
	return c, nil
}

var errNoTime = errors.New("no time")

// read is the instant that a value tells. A time of a database comes with its
// zone, or in UTC where it has none.
func (c *clock) read(v any, zoned bool) (time.Time, error) {
	switch v := v.(type) {
	case nil:
		return time.Time{}, errNoTime
	case time.Time:
		if zoned || c.zone == time.UTC {
			return v, nil
		}
		return time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), v.Nanosecond(), c.zone), nil
	case int64:
		return c.number(float64(v), v)
	case float64:
		return c.number(v, int64(v))
	case []byte:
		return c.text(string(v), zoned)
	case string:
		return c.text(v, zoned)
	}
	return time.Time{}, fmt.Errorf("a %T is no time", v)
}

// number reads a number, given twice so that a large one stays exact.
func (c *clock) number(f float64, n int64) (time.Time, error) {
	unit := c.unit
	if unit == 0 {
		switch size := math.Abs(f); {
		case size < 1e11: // seconds: until the year 5138
			unit = time.Second
		case size < 1e14:
			unit = time.Millisecond
		default:
			unit = time.Microsecond
		}
	}
	if math.IsNaN(f) || math.Abs(f)*unit.Seconds() > 1e11 {
		return time.Time{}, errors.New("a number that is no time")
	}
	if float64(n) != f { // a fraction
		return time.UnixMicro(int64(f * float64(unit/time.Microsecond))), nil
	}
	per := int64(time.Second / unit)
	return time.Unix(n/per, n%per*int64(unit)), nil
}

// layouts are tried in order. A fraction of a second is read wherever a second
// may be followed by one.
var layouts = []string{
	"2006-01-02 15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05 Z0700", "2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 Z0700 MST", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02",
	"02/Jan/2006:15:04:05 -0700", time.RFC1123Z, time.RFC1123, "20060102150405",
}

// isNumber tells whether a text is a number, and no time of 14 digits.
func isNumber(s string) bool {
	return strings.Trim(s, "0123456789.") == "" && (len(s) != len("20060102150405") || strings.Contains(s, "."))
}

func (c *clock) text(s string, zoned bool) (time.Time, error) {
	zone := c.zone
	if zoned {
		zone = time.UTC
	}
	s = strings.TrimSpace(s)
	switch {
	case s == "" || strings.HasPrefix(s, "0000-00-00"): // what MySQL keeps for none
		return time.Time{}, errNoTime
	case c.layout != "":
		at, err := time.ParseInLocation(c.layout, s, zone)
		if err != nil {
			return at, fmt.Errorf("a time that is not of the form %s", c.layout)
		}
		return at, nil
	case c.unit != 0 || isNumber(s):
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return time.Time{}, errors.New("a text that is no number")
		}
		return c.number(f, int64(f))
	}
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, s, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New("a text that is no time; say in time: how it is written")
}
