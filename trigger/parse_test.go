package trigger

import (
	"encoding"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
)

// holidays is a calendar of a few days.
var holidays = NewDays("holidays",
	time.Date(2024, 12, 25, 0, 0, 0, 0, time.UTC),
	time.Date(2024, 12, 26, 0, 0, 0, 0, time.UTC),
	time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))

func findCalendar(name string) (Calendar, error) {
	switch name {
	case "holidays":
		return holidays, nil
	case "opening hours":
		return NewHours(name, Clock{Hour: 9}, Clock{Hour: 17}), nil
	}
	return nil, errors.New("not known here")
}

var withCalendars = Parser{Calendar: findCalendar}

// TestParse gives texts, the text they come back as, and the first answers
// after 2024-12-24T12:00:00Z.
func TestParse(t *testing.T) {
	for _, c := range []struct{ text, canonical, next string }{
		{"never", "", "never"},
		{"every 1h", "", "2024-12-24T13:00:00Z"},
		{"every hour", "every 1h", "2024-12-24T13:00:00Z"},
		{"EVERY 5 Minutes", "every 5m", "2024-12-24T12:05:00Z"},
		{"every 1h30m from 2024-12-24T11:45:00Z", "", "2024-12-24T13:15:00Z"},
		{"every 90m from 2024-12-24", "every 1h30m from 2024-12-24T00:00:00Z", "2024-12-24T13:30:00Z"},
		{"every 10m after end", "", "2024-12-24T12:10:00Z"},
		{"fresh 1h", "", "2024-12-24T13:00:00Z"},
		{"daily", "daily 00:00", "2024-12-25T00:00:00Z"},
		{"daily 15:30,03:00", "daily 03:00, 15:30", "2024-12-24T15:30:00Z 2024-12-25T03:00:00Z"},
		{"daily 3:00:05", "daily 03:00:05", "2024-12-25T03:00:05Z"},
		{"daily 03:00 in Asia/Shanghai", "", "2024-12-25T03:00:00+08:00"},
		{"daily 03:00 in UTC", "", "2024-12-25T03:00:00Z"},
		{"daily 03:00 in Asia/Shanghai dst skip both", "", "2024-12-25T03:00:00+08:00"},
		{"weekly mon-fri, sun 09:00", "weekly sun, mon, tue, wed, thu, fri 09:00", "2024-12-25T09:00:00Z 2024-12-26T09:00:00Z 2024-12-27T09:00:00Z 2024-12-29T09:00:00Z"},
		{"weekly fri-mon", "weekly sun, mon, fri, sat 00:00", "2024-12-27T00:00:00Z"},
		{"monthly 31, 1 00:00", "monthly 1, 31 00:00", "2024-12-31T00:00:00Z 2025-01-01T00:00:00Z 2025-01-31T00:00:00Z 2025-02-01T00:00:00Z 2025-03-01T00:00:00Z"},
		{"monthly -1, -2 06:00", "monthly -2, -1 06:00", "2024-12-30T06:00:00Z 2024-12-31T06:00:00Z 2025-01-30T06:00:00Z 2025-01-31T06:00:00Z 2025-02-27T06:00:00Z"},
		{"at 2025-02-01T00:00:00+01:00, 2024-12-31 18:00", "at 2024-12-31T18:00:00Z, 2025-01-31T23:00:00Z", "2024-12-31T18:00:00Z 2025-01-31T23:00:00Z never"},
		{"at 2025-06-01 09:00 in Europe/London", "at 2025-06-01T08:00:00Z", "2025-06-01T08:00:00Z never"},
		{"at 2025-03-30 01:30 in Europe/London", "at 2025-03-30T01:00:00Z", "2025-03-30T01:00:00Z never"},
		{`cron "0 4 * * 1-5"`, "", "2024-12-25T04:00:00Z"},
		{"0 4 * * 1-5", `cron "0 4 * * 1-5"`, "2024-12-25T04:00:00Z"},
		{"@hourly", `cron "@hourly"`, "2024-12-24T13:00:00Z"},
		{"@every 90s", `cron "@every 90s"`, "2024-12-24T12:01:30Z"},
		{"H/15 * * * *", `cron "H/15 * * * *"`, "2024-12-24T12:12:00Z"},
		{"CRON_TZ=Asia/Tokyo 0 4 * * *", `cron "0 4 * * *" in Asia/Tokyo`, "2024-12-25T04:00:00+09:00"},
		{`cron "TZ=Asia/Tokyo 0 4 * * *" in UTC`, `cron "0 4 * * *" in UTC`, "2024-12-25T04:00:00Z"},
		{`cron "0 4 * * *" in Asia/Tokyo dst both`, "", "2024-12-25T04:00:00+09:00"},
		{`cron "0 4 * * 1-5" except holidays`, "", "2024-12-27T04:00:00Z 2024-12-30T04:00:00Z 2024-12-31T04:00:00Z 2025-01-02T04:00:00Z"},
		{"daily 05:00 only holidays", "", "2024-12-25T05:00:00Z 2024-12-26T05:00:00Z 2025-01-01T05:00:00Z never"},
		{`every 6h only "opening hours" in Asia/Tokyo`, "", "2024-12-25T00:00:00Z 2024-12-25T06:00:00Z 2024-12-26T00:00:00Z"},
		{"daily between 2024-12-26 and 2024-12-28", "daily 00:00 between 2024-12-26T00:00:00Z and 2024-12-28T00:00:00Z", "2024-12-26T00:00:00Z 2024-12-27T00:00:00Z never"},
		{"daily since 2024-12-26", "daily 00:00 since 2024-12-26T00:00:00Z", "2024-12-26T00:00:00Z"},
		{"daily until 2024-12-26 00:00:01", "daily 00:00 until 2024-12-26T00:00:01Z", "2024-12-25T00:00:00Z 2024-12-26T00:00:00Z never"},
		{"daily limit 2", "daily 00:00 limit 2", "2024-12-25T00:00:00Z"},
		{"daily limit 0", "daily 00:00 limit 0", "never"},
		{"daily 03:00 or daily 15:00 in Asia/Tokyo or never", "", "2024-12-25T03:00:00Z 2024-12-25T15:00:00+09:00"},
		{"(daily 03:00 or (every 6h or never)) except holidays", "(daily 03:00 or every 6h or never) except holidays", "2024-12-24T18:00:00Z 2024-12-27T00:00:00Z"},
		{"daily 03:00 or every 6h except holidays", "", "2024-12-24T18:00:00Z 2024-12-25T03:00:00Z"},
	} {
		got, err := withCalendars.Parse(c.text)
		if err != nil {
			t.Error(err)
			continue
		}
		canonical := c.canonical
		if canonical == "" {
			canonical = c.text
		}
		if s := fmt.Sprint(got); s != canonical {
			t.Errorf("%q prints as %q, want %q", c.text, s, canonical)
		}
		if text, err := got.(encoding.TextMarshaler).MarshalText(); err != nil || string(text) != canonical {
			t.Errorf("%q marshals to %q, %v, want %q", c.text, text, err, canonical)
		}
		at := instant(t, "2024-12-24T12:00:00Z")
		for want := range strings.FieldsSeq(c.next) {
			at = got.Next(at)
			next := at.Format(time.RFC3339Nano)
			if at.IsZero() {
				next = "never"
			}
			if next != want {
				t.Errorf("%q gives %s, want %s", c.text, next, want)
				break
			}
		}
	}
}

func TestParserZone(t *testing.T) {
	p := Parser{Zone: zone(t, "Asia/Tokyo"), Calendar: findCalendar}
	for _, c := range []struct{ text, want string }{
		{"daily 03:00", "daily 03:00 in Asia/Tokyo"},
		{"daily 03:00 in UTC", "daily 03:00 in UTC"},
		{"0 3 * * *", `cron "0 3 * * *" in Asia/Tokyo`},
		{"TZ=UTC 0 3 * * *", `cron "0 3 * * *" in UTC`},
		{`cron "0 3 * * *"`, `cron "0 3 * * *" in Asia/Tokyo`},
		{"at 2025-01-01 09:00", "at 2025-01-01T00:00:00Z"},
		{"every 1h from 2025-01-01", "every 1h from 2024-12-31T15:00:00Z"},
		{"every 1h since 2025-01-01", "every 1h since 2024-12-31T15:00:00Z"},
		{"every 1h except holidays", "every 1h except holidays in Asia/Tokyo"},
		{"daily 03:00 in UTC except holidays", "daily 03:00 in UTC except holidays"},
		{"(daily 03:00 or every 1h) except holidays", "(daily 03:00 in Asia/Tokyo or every 1h) except holidays in Asia/Tokyo"},
	} {
		got, err := p.Parse(c.text)
		if err != nil {
			t.Error(err)
		} else if s := fmt.Sprint(got); s != c.want {
			t.Errorf("%q is %q, want %q", c.text, s, c.want)
		}
	}
}

// TestMistakes holds errors to their place: ^ stands below the first and the
// last character of the mistake.
func TestMistakes(t *testing.T) {
	english := regexp.MustCompile("such as|lists|counted| a | with |fields")
	for _, c := range []struct{ text, marks, says string }{
		{"", "^", "the end is no trigger; allowed is never, every"},
		{"sometimes", "^^^^^^^^^", `"sometimes" is no trigger`},
		{"12:30", "^^^^^", "allowed is daily 12:30"},
		{"every", "     ^", "the duration is missing"},
		{"every -5m", "      ^^^", "not above zero"},
		{"every 1d", "      ^^", "a day is not always 24 hours"},
		{"every 5", "      ^", "the unit is missing"},
		{"every 5 parsecs", "      ^^^^^^^^^", "the unit is missing"},
		{"every 0s", "      ^^", "not above zero"},
		{"every 1h after lunch", "               ^^^^^", `"end" is missing`},
		{"every 1h from noon", "              ^^^^", "is no instant"},
		{"every 1h in Asia/Tokyo", "         ^^", "does not belong here"},
		{"daily 24:00", "      ^^^^^", "is no time of day"},
		{"daily 03:00,", "            ^", "is no time of day"},
		{"daily 3:0", "      ^^^", "is no time of day"},
		{"weekly 09:00", "       ^^^^^", "is no day of the week"},
		{"weekly mon-foo", "       ^^^^^^^", "is no day of the week"},
		{"monthly 32", "        ^^", "is no day of the month"},
		{"monthly 0", "        ^", "is no day of the month"},
		{"daily 03:00 in Mars/Phobos", "               ^^^^^^^^^^^", "unknown time zone Mars/Phobos"},
		{"daily 03:00 in", "              ^", "the time zone is missing"},
		{"daily dst sideways", "          ^^^^^^^^", "no policy"},
		{"daily dst skip shift", "               ^^^^^", "does not go with"},
		{"daily dst both both", "               ^^^^", "does not go with"},
		{"daily except", "            ^", "the calendar's name is missing"},
		{"daily except easter", "             ^^^^^^", "not known here"},
		{"daily limit -1", "            ^^", "no number of ticks"},
		{"daily between 2024-01-01", "                        ^", `"and" is missing`},
		{"daily since 2024-13-01", "            ^^^^^^^^^^", "is no instant"},
		{"(daily", "      ^", `")" is missing`},
		{"daily)", "     ^", "does not belong here"},
		{"daily or", "        ^", "is no trigger"},
		{`cron 0 4 * * *`, "     ^", "the cron expression is missing"},
		{`cron "0 24 * * *"`, "        ^^", "hour, column 9: 24 is out of range; allowed is 0-23"},
		{`cron "0 4 * * *`, "     ^^^^^^^^^^", "the quote does not end"},
		{"每天", "^^", "is no trigger"},
		{"0 24 * * *", "  ^^", "hour, column 3: 24 is out of range"},
		{"0 0 * * 5#6", "          ^", "does not say which one"},
		{"0 0 L-31 * *", "    ^^^^", "L-0 to L-30"},
		{"0 0 * FOO *", "      ^^^", "or JAN-DEC"},
		{"*/0 * * * *", "  ^", "the step 0 is out of range; allowed is 1-60"},
		{"*/ * * * *", "  ^", "the step is missing"},
		{"1,,2 * * * *", "  ^", "a value is missing"},
		{"5* * * * *", " ^", "does not belong here"},
		{"* * * *", "       ^", "too few fields"},
		{"* * * * * * * *", "              ^", "too many fields"},
		{"@fortnightly", "^^^^^^^^^^^^", "allowed is @hourly"},
		{"@hourly 5", "        ^", "nothing may follow"},
		{"@every soon", "       ^^^^", "no duration"},
		{"@every", "      ^", "the duration is missing"},
		{"TZ=Mars/Phobos 0 0 * * *", "   ^^^^^^^^^^^", "unknown time zone"},
		{"H(5-2) * * * *", "^^^^^^", "write H(low-high)"},
		{"0 0 0 * * * H", "            ^", "cannot be spread"},
	} {
		_, err := withCalendars.Parse(c.text)
		var wrong *SyntaxError
		if !errors.As(err, &wrong) {
			t.Errorf("%q: error = %v, want a SyntaxError", c.text, err)
			continue
		}
		if want := c.text + "\n" + c.marks; wrong.Underline() != want {
			t.Errorf("%q: %v\n%s\nwant\n%s", c.text, err, wrong.Underline(), want)
		}
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: error is %q, want it to say %q", c.text, err, c.says)
		}
		chinese, allowed := wrong.Words(Chinese)
		if !strings.ContainsFunc(strings.TrimPrefix(chinese, `"每天"`), func(r rune) bool { return unicode.Is(unicode.Han, r) }) ||
			english.MatchString(allowed) {
			t.Errorf("%q: in Chinese it is %q, allowed is %q", c.text, chinese, allowed)
		}
		if problem, _ := wrong.Words(English); !strings.HasSuffix(problem, wrong.Problem) || !strings.HasPrefix(problem, wrong.Field) {
			t.Errorf("%q: in English it is %q", c.text, problem)
		}
	}
}

// TestBareCronIsStrict holds ParseCron to cron expressions.
func TestBareCronIsStrict(t *testing.T) {
	for _, text := range []string{"", " ", "daily", "every 5 minutes", "12:30", "never", `cron "0 4 * * *"`, "0 4 * * * in UTC", "0 4 * * * except x", "@daily in UTC"} {
		if _, err := ParseCron(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// TestNothingIsNever holds what cannot be due to saying so.
func TestNothingIsNever(t *testing.T) {
	for _, tr := range []Trigger{
		Never{}, Every(0), EveryAfter(0), Fresh(-1), At(), Union(), Cron{}, Wall{}, Instants{}, Any{}, Limit(Daily(), -1), Bind(EveryAfter(0), Facts{}),
	} {
		if next := tr.Next(time.Unix(0, 0)); !next.IsZero() {
			t.Errorf("%#v gives %v", tr, next)
		}
		if again, err := Parse(textOf(tr)); err != nil || !again.Next(time.Unix(0, 0)).IsZero() {
			t.Errorf("%#v prints %q: %v", tr, textOf(tr), err)
		}
	}
}

func TestNamesOfCalendars(t *testing.T) {
	for _, name := range []string{"holidays", "opening hours", "", `with "quotes"`, "a,b", "(x)", "节日", "tab\t", "back\\slash", "no\u00a0break", "except", "\xff"} {
		p := Parser{Calendar: func(got string) (Calendar, error) {
			if got != name {
				return nil, fmt.Errorf("asked for %q", got)
			}
			return NewDays(got), nil
		}}
		text := Except(Daily(), NewDays(name)).String()
		if _, err := p.Parse(text + " limit 3"); err != nil {
			t.Errorf("the calendar %q: %v", name, err)
		}
	}
}

type foreign struct{}

func (foreign) Next(time.Time) time.Time { return time.Time{} }

func TestMarshalText(t *testing.T) {
	text, err := Union(Every(time.Hour), Daily()).MarshalText()
	if err != nil || string(text) != "every 1h or daily 00:00" {
		t.Errorf("MarshalText = %q, %v", text, err)
	}
	if _, err := Union(Daily(), Limit(foreign{}, 1)).MarshalText(); !errors.Is(err, ErrNoText) {
		t.Errorf("a trigger without a text: error = %v", err)
	}
}
