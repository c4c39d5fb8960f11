package collect

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var (
	errTime     = errors.New("no time like 02/Jan/2006:15:04:05 -0700")
	errAnyTime  = errors.New("no time")
	errDate     = errors.New("no date like 2006-01-02")
	errTimeOnly = errors.New("no time of day like 15:04:05")
)

// clockCache remembers the time that was parsed last: lines that follow each
// other often have the same.
type clockCache struct {
	text string
	at   time.Time
}

func (c *clockCache) parse(text string, parse func(string) (time.Time, error)) (time.Time, error) {
	if text == c.text && text != "" {
		return c.at, nil
	}
	at, err := parse(text)
	if err == nil {
		c.text, c.at = text, at
	}
	return at, err
}

// logClock remembers the time that parseLogTime gave last: those of lines that follow
// each other mostly differ in their seconds alone.
type logClock struct {
	text   string
	second int
	at     time.Time
}

func (c *logClock) parse(text string) (time.Time, error) {
	const from, to = len("02/Jan/2006:15:04:"), len("02/Jan/2006:15:04:05")
	second, ok := -1, false
	if len(text) >= to {
		second, ok = digits(text[from:to])
	}
	if ok && second < 60 && len(text) == len(c.text) && text[:from] == c.text[:from] && text[to:] == c.text[to:] {
		return c.at.Add(time.Duration(second-c.second) * time.Second), nil
	}
	at, err := parseLogTime(text)
	if err == nil {
		c.text, c.second, c.at = text, second, at
	}
	return at, err
}

// parseLogTime parses the time of the common log format, such as
// 02/Jan/2006:15:04:05 -0700, which may have a fraction of a second.
func parseLogTime(s string) (time.Time, error) {
	const length = len("02/Jan/2006:15:04:05")
	if len(s) < length || s[2] != '/' || s[6] != '/' || s[11] != ':' {
		return time.Time{}, errTime
	}
	day, ok1 := digits(s[:2])
	year, ok2 := digits(s[7:11])
	month := monthNumber(s[3:6])
	if !ok1 || !ok2 || month == 0 || !isDay(year, month, day) {
		return time.Time{}, errTime
	}
	clock, rest, ok := cutClock(s[12:])
	rest, ok3 := strings.CutPrefix(rest, " ")
	offset, ok4 := parseOffset(rest)
	if !ok || !ok3 || !ok4 {
		return time.Time{}, errTime
	}
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Add(clock - offset), nil
}

// parseISOTime parses a time like 2006-01-02T15:04:05.000-07:00; one without a
// zone is UTC.
func parseISOTime(s string) (time.Time, error) {
	if len(s) < len("2006-01-02T15:04:05") || s[10] != 'T' && s[10] != ' ' {
		return time.Time{}, errAnyTime
	}
	day, err := parseDate(s[:10])
	if err != nil {
		return time.Time{}, errAnyTime
	}
	clock, rest, ok := cutClock(s[11:])
	rest = strings.TrimPrefix(rest, " ")
	if !ok || rest == "" || rest == "Z" || rest == "UTC" {
		return day.Add(clock), errUnless(ok, errAnyTime)
	}
	offset, ok := parseOffset(rest)
	return day.Add(clock - offset), errUnless(ok, errAnyTime)
}

func errUnless(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// parseDate parses a date like 2006-01-02 or 2006/01/02, in UTC.
func parseDate(s string) (time.Time, error) {
	if len(s) != len("2006-01-02") || s[4] != s[7] || s[4] != '-' && s[4] != '/' {
		return time.Time{}, errDate
	}
	year, ok1 := digits(s[:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:])
	if !ok1 || !ok2 || !ok3 || month > 12 || !isDay(year, month, day) {
		return time.Time{}, errDate
	}
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC), nil
}

// parseClock parses a time of day like 15:04:05.000.
func parseClock(s string) (time.Duration, error) {
	clock, rest, ok := cutClock(s)
	return clock, errUnless(ok && rest == "", errTimeOnly)
}

// cutClock cuts a time of day off the front of s, with a fraction if there is
// one. A leap second is the first of the next minute.
func cutClock(s string) (clock time.Duration, rest string, ok bool) {
	const length = len("15:04:05")
	if len(s) < length || s[2] != ':' || s[5] != ':' {
		return 0, s, false
	}
	hour, ok1 := digits(s[:2])
	minute, ok2 := digits(s[3:5])
	second, ok3 := digits(s[6:8])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 60 {
		return 0, s, false
	}
	clock = time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	rest = s[length:]
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') {
		unit := time.Second / 10
		for rest = rest[1:]; rest != "" && '0' <= rest[0] && rest[0] <= '9'; rest = rest[1:] {
			clock += time.Duration(rest[0]-'0') * unit
			unit /= 10
		}
	}
	return clock, rest, true
}

// parseOffset parses a zone like -0700 or -07:00.
func parseOffset(s string) (time.Duration, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) == 6 && s[3] == ':' {
		s = s[:3] + s[4:]
	}
	if len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, ok1 := digits(s[1:3])
	minutes, ok2 := digits(s[3:])
	if !ok1 || !ok2 || hours > 14 || minutes > 59 {
		return 0, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// parseAnyTime parses what JSON logs hold: a number of seconds since 1970, or
// of thousandths, millionths or billionths of them, or a time as text.
func parseAnyTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, errAnyTime
	}
	if at, ok := parseEpoch(s); ok {
		return at, nil
	}
	if at, err := parseLogTime(s); err == nil {
		return at, nil
	}
	if at, err := parseISOTime(s); err == nil {
		return at, nil
	}
	for _, layout := range []string{time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errAnyTime
}

// parseEpoch parses a time since 1970. Its unit is told by its size: none but
// the right one gives a year near ours.
func parseEpoch(s string) (time.Time, bool) {
	if strings.Trim(s, "0123456789.eE+-") != "" || strings.Count(s, "-") > 1 {
		return time.Time{}, false
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if n, ok := digits(whole); ok && n < 1e11 && len(fraction) <= 9 {
		nanos, _ := digits((fraction + "000000000")[:9])
		return time.Unix(int64(n), int64(nanos)).UTC(), true
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Abs(v) > 1e19 {
		return time.Time{}, false
	}
	for math.Abs(v) >= 1e11 {
		v /= 1e3
	}
	seconds, fraction2 := math.Modf(v)
	return time.Unix(int64(seconds), int64(fraction2*1e9)).Round(time.Microsecond).UTC(), true
}

// isDay tells whether there is such a day.
func isDay(year, month, day int) bool {
	if month < 1 || day < 1 || day > 31 {
		return false
	}
	return day <= 28 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() == day
}

func monthNumber(s string) int {
	const names = "JanFebMarAprMayJunJulAugSepOctNovDec"
	for i := 0; i < len(names); i += 3 {
		if s == names[i:i+3] {
			return i/3 + 1
		}
	}
	return 0
}
