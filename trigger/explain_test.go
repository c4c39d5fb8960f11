package trigger

import (
	"strings"
	"testing"
	"time"
)

// TestExplain gives the lines of explanations: instant, kind, sentence.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name, zone, text, from string
		want                   []string
	}{
		{"gap, fixed", "Europe/London", "30 1 * * *", "2024-03-30T12:00:00Z", []string{
			"2024-03-31T02:00:00+01:00 moved: moved from 01:30: in Europe/London the clock goes forward from 01:00 to 02:00",
			"2024-04-01T01:30:00+01:00 plain",
		}},
		{"gap, several times of day", "Europe/London", "daily 01:15, 01:30, 02:00", "2024-03-30T12:00:00Z", []string{
			"2024-03-31T02:00:00+01:00 moved: moved from 01:15 and 01:30: in Europe/London the clock goes forward from 01:00 to 02:00",
			"2024-04-01T01:15:00+01:00 plain",
		}},
		{"gap, star", "Europe/London", "*/20 1 * * *", "2024-03-30T12:00:00Z", []string{
			"2024-03-31T02:00:00+01:00 skipped: 01:00, 01:20 and 01:40 left out: in Europe/London the clock goes forward from 01:00 to 02:00",
			"2024-04-01T01:00:00+01:00 plain",
			"2024-04-01T01:20:00+01:00 plain",
		}},
		{"gap, many", "Europe/London", "* 1 * * *", "2024-03-30T12:00:00Z", []string{
			"2024-03-31T02:00:00+01:00 skipped: 01:00 to 01:59 left out: in Europe/London the clock goes forward from 01:00 to 02:00",
			"2024-04-01T01:00:00+01:00 plain",
			"2024-04-01T01:01:00+01:00 plain",
		}},
		{"fold, fixed", "Europe/London", "30 1 * * *", "2024-10-26T12:00:00Z", []string{
			"2024-10-27T01:30:00+01:00 plain",
			"2024-10-27T01:30:00Z skipped: 01:30 not repeated: in Europe/London the clock goes back from 02:00 to 01:00",
			"2024-10-28T01:30:00Z plain",
		}},
		{"fold, asked within it", "Europe/London", "30 1 * * *", "2024-10-27T01:10:00Z", []string{
			"2024-10-27T01:30:00Z skipped: 01:30 not repeated: in Europe/London the clock goes back from 02:00 to 01:00",
			"2024-10-28T01:30:00Z plain",
			"2024-10-29T01:30:00Z plain",
		}},
		{"fold, star", "Europe/London", "*/30 1 * * *", "2024-10-27T00:10:00Z", []string{
			"2024-10-27T01:30:00+01:00 plain",
			"2024-10-27T01:00:00Z doubled: 01:00 repeated: in Europe/London the clock goes back from 02:00 to 01:00",
		}},
		{"a missing day", "Pacific/Apia", "0 12 * * *", "2011-12-29T23:00:00Z", []string{
			"2011-12-31T00:00:00+14:00 skipped: 2011-12-30 12:00 left out: in Pacific/Apia the clock goes forward from 2011-12-30 00:00 to 2011-12-31 00:00",
			"2011-12-31T12:00:00+14:00 plain",
			"2012-01-01T12:00:00+14:00 plain",
		}},
		{"a calendar", "Europe/London", "daily 05:00 except holidays", "2024-12-24T12:00:00Z", []string{
			"2024-12-25T05:00:00Z excluded: left out by the calendar holidays",
			"2024-12-27T05:00:00Z plain",
			"2024-12-28T05:00:00Z plain",
		}},
		{"calendars within each other", "Europe/London", "(cron \"* * 16-17 * * *\" only holidays only \"opening hours\") or at 2027-01-01", "2025-01-01T16:59:58Z", []string{
			"2025-01-01T16:59:59Z plain",
			"2025-01-01T17:00:00Z excluded: left out by the calendar opening hours",
			"2025-01-02T16:00:00Z excluded: left out by the calendar holidays",
			"2027-01-01T00:00:00Z plain",
		}},
		{"seconds in a gap", "Europe/London", "* * 1 * * *", "2024-03-31T00:59:59Z", []string{
			"2024-03-31T02:00:00+01:00 skipped: 01:00 to 01:59 left out: in Europe/London the clock goes forward from 01:00 to 02:00",
			"2024-04-01T01:00:00+01:00 plain",
			"2024-04-01T01:00:01+01:00 plain",
		}},
		{"a limit", "Europe/London", "daily 05:00 limit 1", "2024-12-24T12:00:00Z", []string{"2024-12-25T05:00:00Z plain"}},
		{"nothing", "Europe/London", "never", "2024-12-24T12:00:00Z", nil},
	} {
		p := Parser{Zone: zone(t, c.zone), Calendar: findCalendar}
		tr, err := p.Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tick := range Explain(tr, instant(t, c.from), 2) {
			line := tick.At.Format(time.RFC3339) + " " + tick.Kind.String()
			if s := tick.Sentence(English); s != "" {
				line += ": " + s
			}
			got = append(got, line)
		}
		if got, want := strings.Join(got, "\n"), strings.Join(c.want, "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// TestExplainFollowsNext holds the ticks of an explanation to those of Next.
func TestExplainFollowsNext(t *testing.T) {
	london := zone(t, "Europe/London")
	for _, from := range []string{"2024-03-30T12:00:00Z", "2024-10-26T12:00:00Z"} {
		for i := range rules {
			tr := MustCron(rules[i].expr).In(london)
			at := instant(t, from)
			for _, tick := range Explain(tr, at, 60) {
				if !tick.Due() {
					continue
				}
				if at = tr.Next(at); !at.Equal(tick.At) {
					t.Fatalf("%v: explained is %v, due is %v", tr, tick.At, at)
				}
			}
		}
	}
}

func TestSentencesInChinese(t *testing.T) {
	tr := MustCron("30 1 * * *").In(zone(t, "Europe/London"))
	for _, c := range []struct {
		from, want string
		i          int
	}{
		{"2024-03-30T12:00:00Z", "由 01:30 移到此刻：Europe/London 的时钟从 01:00 拨快到 02:00", 0},
		{"2024-10-26T12:00:00Z", "01:30 不重复：Europe/London 的时钟从 02:00 拨回到 01:00", 1},
		{"2024-06-01T12:00:00Z", "", 0},
	} {
		if got := Explain(tr, instant(t, c.from), 2)[c.i].Sentence(Chinese); got != c.want {
			t.Errorf("after %s: %q, want %q", c.from, got, c.want)
		}
	}
}
