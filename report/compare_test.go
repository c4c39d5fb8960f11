package report_test

import (
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

func TestOnlyThePeriodOfNowIsOpen(t *testing.T) {
	zone := time.FixedZone("", 9*3600)
	now := time.Date(2026, 3, 1, 0, 30, 0, 0, zone) // 28 February in UTC
	for _, c := range []struct {
		by         pageview.Dimension
		open, over string
	}{
		{pageview.ByHour, "2026-03-01T00:00:00+09:00", "2026-02-28T23:00:00+09:00"},
		{pageview.ByDay, "2026-03-01", "2026-02-28"},
		{pageview.ByWeek, "2026-02-23", "2026-02-16"},
		{pageview.ByMonth, "2026-03", "2026-02"},
		{pageview.ByYear, "2026", "2025"},
	} {
		a := &report.Answer{Question: report.Question{Query: pageview.Query{By: []pageview.Dimension{c.by}}, Zone: zone}}
		if !a.Open(0, c.open, now) || a.Open(0, c.over, now) {
			t.Errorf("%s: %s is open: %v, %s is: %v", c.by, c.open, a.Open(0, c.open, now), c.over, a.Open(0, c.over, now))
		}
	}
}
