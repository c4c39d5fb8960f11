package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

func day(t *testing.T, text string) pageview.Day {
	t.Helper()
	v, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return pageview.DayOf(v)
}

func TestPeriods(t *testing.T) {
	for _, c := range []struct{ text, today, days, before string }{
		{"today", "2026-11-26", "2026-11-26 2026-11-26", "2026-11-25 2026-11-25"},
		{"yesterday", "2026-03-01", "2026-02-28 2026-02-28", "2026-02-27 2026-02-27"},
		{"last 30 days", "2026-11-26", "2026-10-28 2026-11-26", "2026-09-28 2026-10-27"},
		{"last 1 day", "2026-11-26", "2026-11-26 2026-11-26", "2026-11-25 2026-11-25"},
		{"this week", "2026-11-26", "2026-11-23 2026-11-26", "2026-11-16 2026-11-19"},
		{"last  week", "2026-11-26", "2026-11-16 2026-11-22", "2026-11-09 2026-11-15"},
		{"last 2 weeks", "2026-11-26", "2026-11-16 2026-11-26", "2026-11-02 2026-11-12"},
		{"this month", "2026-03-31", "2026-03-01 2026-03-31", "2026-02-01 2026-02-28"},
		{"last month", "2026-03-31", "2026-02-01 2026-02-28", "2026-01-01 2026-01-31"},
		{"last 12 months", "2026-11-26", "2025-12-01 2026-11-26", "2024-12-01 2025-11-26"},
		{"this year", "2024-02-29", "2024-01-01 2024-02-29", "2023-01-01 2023-02-28"},
		{"last year", "2026-11-26", "2025-01-01 2025-12-31", "2024-01-01 2024-12-31"},
		{"last 2 years", "2026-11-26", "2025-01-01 2026-11-26", "2023-01-01 2024-11-26"},
		{"2026-01-31", "2026-11-26", "2026-01-31 2026-01-31", "0 0"},
		{"2026-01-01 to 2026-01-31", "2026-11-26", "2026-01-01 2026-01-31", "0 0"},
		{"all", "2026-11-26", "0 0", "0 0"},
	} {
		p, err := report.ParsePeriod(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		q := report.Question{Compare: report.ComparePrevious}
		p.Ask(&q, day(t, c.today))
		show := func(a, b pageview.Day) string {
			if a == 0 {
				return "0 0"
			}
			return fmt.Sprint(a, " ", b)
		}
		if got := show(q.From, q.To); got != c.days {
			t.Errorf("%s on %s: %s, want %s", c.text, c.today, got, c.days)
		}
		if got := show(q.FormerFrom, q.FormerTo); got != c.before {
			t.Errorf("%s on %s is compared with %s, want %s", c.text, c.today, got, c.before)
		}
		if again, err := report.ParsePeriod(p.String()); err != nil || again.String() != p.String() {
			t.Errorf("%s is written as %s, error %v", c.text, p, err)
		}
	}
}

func TestWhatIsNoPeriodIsToldWhatIsAllowed(t *testing.T) {
	for _, text := range []string{"this day", "last day", "last 0 days", "last 99999 days", "last -1 weeks", "last 3", "soon", "2026-02-30", "2026-02-02 to 2026-02-01", "this weeks", "last 2 centuries"} {
		if _, err := report.ParsePeriod(text); err == nil || !strings.Contains(err.Error(), report.PeriodForms) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
