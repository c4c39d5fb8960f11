package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// Period is the local days that a report is about. The zero value is all of
// them.
type Period struct {
	text string
	// days gives the days on one of today; nil means all.
	days func(today pageview.Day) (from, to pageview.Day)
	// before gives those that they are compared with; nil means as many just
	// before, or as many months where they are whole months.
	before func(today pageview.Day) (from, to pageview.Day)
}

// PeriodForms is what a period can be, for messages.
const PeriodForms = "all, today, yesterday, this week, last week (likewise month and year), " +
	"last 30 days (likewise weeks, months and years, of which today's is the last), 2026-01-31, or 2026-01-01 to 2026-01-31"

const maxPeriod = 10_000 // units of "last N units"

// ParsePeriod reads one of [PeriodForms]; empty is all.
func ParsePeriod(text string) (Period, error) {
	text = strings.Join(strings.Fields(text), " ")
	first, rest, _ := strings.Cut(text, " ")
	switch u, ok := units[rest]; {
	case text == "":
		return Period{}, nil
	case text == "all":
		return Period{text: text}, nil
	case text == "today":
		return units["day"].upTo(text, 1), nil
	case text == "yesterday":
		return units["day"].whole(text), nil
	case first == "this" && ok && rest != "day":
		return u.upTo(text, 1), nil
	case first == "last" && ok && rest != "day":
		return u.whole(text), nil
	case first == "last":
		if p, ok := last(text, rest); ok {
			return p, nil
		}
	}
	if p, ok := fixedPeriod(text); ok {
		return p, nil
	}
	return Period{}, fmt.Errorf("unknown period %q: allowed are %s", text, PeriodForms)
}

// unit is a length of time by the calendar.
type unit struct {
	// begin is the first day of the unit that is n after a day's own.
	begin func(d pageview.Day, n int) pageview.Day
	// ago is the day that has a day's place, n units earlier.
	ago func(d pageview.Day, n int) pageview.Day
}

var units = map[string]unit{
	"day": {
		func(d pageview.Day, n int) pageview.Day { return d + pageview.Day(n) },
		func(d pageview.Day, n int) pageview.Day { return d - pageview.Day(n) },
	},
	"week": {
		func(d pageview.Day, n int) pageview.Day { return d.Week() + pageview.Day(7*n) },
		func(d pageview.Day, n int) pageview.Day { return d - pageview.Day(7*n) },
	},
	"month": {func(d pageview.Day, n int) pageview.Day { return d.AddMonths(n) }, monthsBefore},
	"year": {
		func(d pageview.Day, n int) pageview.Day { return d.Year().AddMonths(12 * n) },
		func(d pageview.Day, n int) pageview.Day { return monthsBefore(d, 12*n) },
	},
}

// whole is the unit before today's. It is compared with the one before that.
func (u unit) whole(text string) Period {
	return Period{
		text,
		func(d pageview.Day) (from, to pageview.Day) { return u.begin(d, -1), u.begin(d, 0) - 1 },
		func(d pageview.Day) (from, to pageview.Day) { return u.begin(d, -2), u.begin(d, -1) - 1 },
	}
}

// upTo is n units, the last of which goes up to today. They are compared with
// n units before, up to the day that has today's place.
func (u unit) upTo(text string, n int) Period {
	return Period{
		text,
		func(d pageview.Day) (from, to pageview.Day) { return u.begin(d, 1-n), d },
		func(d pageview.Day) (from, to pageview.Day) { return u.begin(d, 1-2*n), u.ago(d, n) },
	}
}

// last is "last N units".
func last(text, rest string) (Period, bool) {
	number, name, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	u, ok := units[strings.TrimSuffix(name, "s")]
	if err != nil || n < 1 || n > maxPeriod || !ok {
		return Period{}, false
	}
	return u.upTo(text, n), true
}

// fixedPeriod is a day or two.
func fixedPeriod(text string) (Period, bool) {
	begin, end, both := strings.Cut(text, " to ")
	if !both {
		end = begin
	}
	var days [2]pageview.Day
	for i, s := range []string{begin, end} {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil || t.Year() < 1971 {
			return Period{}, false
		}
		days[i] = pageview.DayOf(t)
	}
	if days[1] < days[0] {
		return Period{}, false
	}
	return Period{text, func(pageview.Day) (from, to pageview.Day) { return days[0], days[1] }, nil}, true
}

// UnmarshalText reads a period as [ParsePeriod] does.
func (p *Period) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePeriod(string(text))
	return err
}

// Given tells whether a text was read.
func (p Period) Given() bool { return p.text != "" }

// String is the text of the period.
func (p Period) String() string {
	if p.days == nil {
		return "all"
	}
	return p.text
}

// All tells whether the period has no bounds.
func (p Period) All() bool { return p.days == nil }

// Ask puts the days that the period has today into a question.
func (p Period) Ask(q *Question, today pageview.Day) {
	if p.days == nil {
		return
	}
	q.From, q.To = p.days(today)
	if p.before != nil && q.Compare == ComparePrevious {
		q.FormerFrom, q.FormerTo = p.before(today)
	}
}
