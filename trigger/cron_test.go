package trigger

import (
	"strings"
	"testing"
	"time"
)

// TestCron is the dialect in examples, in UTC after Monday 2024-01-15 10:30:00.
// Dates are given where midnight is meant.
func TestCron(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		// Fields, lists, ranges, steps, names.
		{"* * * * *", "2024-01-15T10:31:00Z 2024-01-15T10:32:00Z"},
		{"30 10 * * *", "2024-01-16T10:30:00Z"},
		{"5,35 10-11 * * *", "2024-01-15T10:35:00Z 2024-01-15T11:05:00Z 2024-01-15T11:35:00Z 2024-01-16T10:05:00Z"},
		{"0 22-2 * * *", "2024-01-15T22:00:00Z 2024-01-15T23:00:00Z 2024-01-16 2024-01-16T01:00:00Z 2024-01-16T02:00:00Z 2024-01-16T22:00:00Z"},
		{"0 22-3/2 * * *", "2024-01-15T22:00:00Z 2024-01-16 2024-01-16T02:00:00Z 2024-01-16T22:00:00Z"},
		{"55/2 10 * * *", "2024-01-15T10:55:00Z 2024-01-15T10:57:00Z 2024-01-15T10:59:00Z 2024-01-16T10:55:00Z"},
		{"0 */9 * * *", "2024-01-15T18:00:00Z 2024-01-16 2024-01-16T09:00:00Z"},
		{"0 0 28-3 * *", "2024-01-28 2024-01-29 2024-01-30 2024-01-31 2024-02-01 2024-02-02 2024-02-03 2024-02-28"},
		{"0 0 1 nov-FEB *", "2024-02-01 2024-11-01 2024-12-01 2025-01-01"},
		{"0 0 1 */5 *", "2024-06-01 2024-11-01 2025-01-01"},
		{"0 0 * * sun,Wed", "2024-01-17 2024-01-21 2024-01-24"},
		{"0 0 * * 7", "2024-01-21 2024-01-28"},
		{"0 0 * * 6-7", "2024-01-20 2024-01-21 2024-01-27"},
		{"0 0 * * 7-1", "2024-01-21 2024-01-22 2024-01-28"},
		{"0 0 * * FRI-SUN", "2024-01-19 2024-01-20 2024-01-21 2024-01-26"},
		{"0 0 * * 5-2/2", "2024-01-16 2024-01-19 2024-01-21 2024-01-23"},
		{"0 0 * * 7/3", "2024-01-17 2024-01-20 2024-01-21 2024-01-24"},
		{"0 0 * * */3", "2024-01-17 2024-01-20 2024-01-21 2024-01-24"},
		{"00 08 * * 01", "2024-01-22T08:00:00Z"},
		{"  0   0\t1 1 ?  ", "2025-01-01 2026-01-01"},
		// Seconds and years.
		{"*/20 30 10 * * *", "2024-01-15T10:30:20Z 2024-01-15T10:30:40Z 2024-01-16T10:30:00Z"},
		{"15 0 0 1 1 ? 2024-2026", "2025-01-01T00:00:15Z 2026-01-01T00:00:15Z never"},
		{"0 0 0 29 2 ? 2025-2027", "never"},
		{"0 0 0 1 1 ? */100", "2070-01-01 2170-01-01 never"},
		{"0 0 0 1 1 ? 2199", "2199-01-01 never"},
		// Days of the month that depend on it.
		{"0 0 31 * *", "2024-01-31 2024-03-31 2024-05-31"},
		{"0 0 29 2 *", "2024-02-29 2028-02-29"},
		{"0 0 30 2 *", "never"},
		{"0 0 L * *", "2024-01-31 2024-02-29 2024-03-31"},
		{"0 0 L-2 * *", "2024-01-29 2024-02-27"},
		{"0 0 L-30 * *", "2024-03-01 2024-05-01"},
		{"0 0 15,l * *", "2024-01-31 2024-02-15 2024-02-29"},
		{"0 0 15W 6-9 *", "2024-06-14 2024-07-15 2024-08-15 2024-09-16"},
		{"0 0 1W 6,9 *", "2024-06-03 2024-09-02"},
		{"0 0 30W 11 *", "2024-11-29 2025-11-28"},
		{"0 0 31W * *", "2024-01-31 2024-03-29 2024-05-31"},
		{"0 0 LW 3,6 *", "2024-03-29 2024-06-28"},
		{"0 0 * * MON#1", "2024-02-05 2024-03-04"},
		{"0 0 * * 0#5", "2024-03-31 2024-06-30"},
		{"0 0 * * 5L", "2024-01-26 2024-02-23"},
		{"0 0 * * FRI#L,MON#1", "2024-01-26 2024-02-05 2024-02-23"},
		// Both days restricted: either, unless one begins with a star.
		{"0 0 16 * WED", "2024-01-16 2024-01-17 2024-01-24"},
		{"0 0 1-31 * 1", "2024-01-16 2024-01-17"},
		{"0 0 */15 * WED", "2024-01-31 2024-05-01"},
		{"0 0 1 * */2", "2024-02-01 2024-06-01 2024-08-01"},
		{"0 0 */15,16 * WED", "2024-01-31 2024-05-01"},
		{"0 0 16,*/15 * WED", "2024-01-16 2024-01-17 2024-01-24 2024-01-31"},
		{"0 0 L * FRI", "2024-01-19 2024-01-26 2024-01-31 2024-02-02"},
		{"0 0 ? * WED", "2024-01-17 2024-01-24"},
		// Names for all fields.
		{"@hourly", "2024-01-15T11:00:00Z"},
		{"@daily", "2024-01-16"},
		{"@midnight", "2024-01-16"},
		{"@weekly", "2024-01-21"},
		{"@monthly", "2024-02-01"},
		{"@yearly", "2025-01-01"},
		{"@annually", "2025-01-01"},
		{"@every 45m", "2024-01-15T11:15:00Z 2024-01-15T12:00:00Z"},
		{"TZ=Asia/Tokyo @daily", "2024-01-16T00:00:00+09:00"},
		{"CRON_TZ=Asia/Tokyo 0 12 * * *", "2024-01-16T12:00:00+09:00"},
	} {
		cron, err := ParseCron(c.expr)
		if err != nil {
			t.Error(err)
			continue
		}
		at := instant(t, "2024-01-15T10:30:00Z")
		for want := range strings.FieldsSeq(c.want) {
			if len(want) == len(time.DateOnly) {
				want += "T00:00:00Z"
			}
			at = cron.Next(at)
			got := at.Format(time.RFC3339Nano)
			if at.IsZero() {
				got = "never"
			}
			if got != want {
				t.Errorf("%q gives %s, want %s", c.expr, got, want)
				break
			}
		}
	}
}

func TestCronRefuses(t *testing.T) {
	for _, expr := range []string{
		"60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 8", "60 * * * * *", "0 0 0 1 1 * 1969", "0 0 0 1 1 * 2200",
		"-1 * * * *", "+1 * * * *", "1.5 * * * *", "１ * * * *", "0x5 * * * *", "99999999999999999999 * * * *",
		"*/0 * * * *", "*/61 * * * *", "*/-5 * * * *", "1-5/0 * * * *", "*/5/5 * * * *", "*-5 * * * *", "?/5 * * * *", "?,5 * * * *", "5,? * * * *",
		"* * * MONDAY *", "* * JAN * *", "* * * * JAN", "* * * MON *", "* * * * SU", "L * * * *", "* * * * L", "* * W * *", "* * L-W * *", "* * 1-5W * *", "* * WL * *", "* * * L *",
		"* * * * 1#", "* * * * 1#0", "* * * * 1#6", "* * * * #1", "* * * * 1-5#2", "* * 1#2 * *", "* * * * 8#1", "* * 32W * *", "* * 0W * *",
		"* * * * *;", "* * * * * # comment", "@", "@reboot", "@HOURLY", "@every", "@every 0s", "@every -5m", "@every 5", "TZ=", "TZ= * * * * *", "TZ=Nowhere * * * * *", "TZ=UTC",
		"H-5 * * * *", "H() * * * *", "H(5) * * * *", "H(5-70) * * * *", "H/0 * * * *", "HH * * * *",
	} {
		if c, err := ParseCron(expr); err == nil {
			t.Errorf("%q is accepted as %q", expr, Describe(c, English))
		}
	}
}

// TestSpread fixes what H stands for: changing it would move everybody's jobs.
func TestSpread(t *testing.T) {
	for _, c := range []struct{ expr, job, want string }{
		{"H H * * *", "visits", "26 3 * * *"},
		{"H H * * *", "hot", "21 3 * * *"},
		{"H/15 * * * *", "visits", "11-59/15 * * * *"},
		{"H(10-20) H(0-5)/2 H * H(1-5)", "visits", "19 1-5/2 25 * 4"},
		{"30 H H(1-7) * *", "hot", "30 3 5 * *"},
	} {
		bound := Bind(MustCron(c.expr), Facts{Job: c.job}).(Cron)
		if bound.Expression() != c.want {
			t.Errorf("%q for %s is %q, want %q", c.expr, c.job, bound.Expression(), c.want)
		}
		again := MustCron(bound.Expression())
		if at := time.Unix(0, 0); !again.Next(at).Equal(bound.Next(at)) || NeedsFacts(bound) {
			t.Errorf("%q for %s is not %q", c.expr, c.job, bound.Expression())
		}
	}
	minutes := map[int]bool{}
	for job := range strings.FieldsSeq("a b c d e f g h i j k l m n o p q r s t u v w x y z") {
		minutes[Bind(MustCron("H * * * *"), Facts{Job: job}).Next(time.Unix(0, 0)).Minute()] = true
	}
	if len(minutes) < 15 {
		t.Errorf("26 jobs are spread over only %d minutes", len(minutes))
	}
}

func TestCronValues(t *testing.T) {
	if next := (Cron{}).Next(time.Unix(0, 0)); !next.IsZero() || (Cron{}).String() != "never" {
		t.Errorf("the zero Cron gives %v and prints %q", next, Cron{})
	}
	if a, b := MustCron("0 4 * * *").In(time.UTC), MustCron("0 4 * * *").In(time.UTC); a != b {
		t.Error("equal crons are not equal")
	}
	for _, at := range []time.Time{time.Unix(1<<62, 0), time.Unix(-1<<62, 0)} {
		if next := MustCron("* * * * *").Next(at); !next.IsZero() {
			t.Errorf("after %v comes %v", at.Unix(), next)
		}
	}
	if next := MustCron("0 0 1 1 *").Next(time.Time{}); next.Year() != 2 {
		t.Errorf("after the zero time comes %v", next)
	}
	defer func() {
		if recover() == nil {
			t.Error("MustCron does not panic")
		}
	}()
	MustCron("daily")
}

// TestNextAllocatesNothing covers the ten expressions of the benchmarks.
func TestNextAllocatesNothing(t *testing.T) {
	var all []Trigger
	for _, expr := range []string{"* * * * *", "0 * * * *", "30 4 * * *", "*/15 9-17 * * 1-5", "0 0 31 * *", "0 0 29 2 *", "0 0 L * *", "0 0 15W * *", "0 0 * * 1#2"} {
		all = append(all, MustCron(expr), MustCron(expr).In(zone(t, "Europe/London")))
	}
	all = append(all, Union(all...), Except(all[2], holidays), Jitter(all[2], time.Hour), Between(all[2], time.Unix(0, 0), time.Time{}), Daily(Clock{Hour: 3}))
	at := time.Date(2024, 3, 30, 23, 0, 0, 0, time.UTC)
	for _, tr := range all {
		if n := testing.AllocsPerRun(10, func() { tr.Next(at) }); n != 0 {
			t.Errorf("Next of %v allocates %v times", tr, n)
		}
	}
}
