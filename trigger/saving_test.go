package trigger

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Skip("no time zone database; install the package tzdata: ", err)
	}
	return zone
}

// TestSaving is the rule in examples: local times, the date once per day.
func TestSaving(t *testing.T) {
	for _, c := range []struct {
		name, zone, expr, policies, after string
		want                              string
	}{
		{
			"fixed: first instant after the gap", "Europe/London", "30 1 * * *", "", "2024-03-30T12:00:00Z",
			"2024-03-31T02:00:00+01:00 2024-04-01T01:30:00+01:00",
		},
		{
			"fixed: several in the gap become one", "Europe/London", "15,30,45 1 * * *", "", "2024-03-31T00:00:00Z",
			"2024-03-31T02:00:00+01:00 2024-04-01T01:15:00+01:00",
		},
		{
			"fixed: one in the gap and one at its end become one", "Europe/London", "0 1,2 * * *", "", "2024-03-31T00:00:00Z",
			"2024-03-31T02:00:00+01:00 2024-04-01T01:00:00+01:00",
		},
		{
			"fixed: first time in the fold", "Europe/London", "30 1 * * *", "", "2024-10-26T12:00:00Z",
			"2024-10-27T01:30:00+01:00 2024-10-28T01:30:00Z",
		},
		{
			"fixed: asked within the second pass", "Europe/London", "30 1 * * *", "", "2024-10-27T01:10:00Z",
			"2024-10-28T01:30:00Z 2024-10-29T01:30:00Z",
		},
		{
			"star: skips the gap", "Europe/London", "*/30 1 * * *", "", "2024-03-30T01:15:00Z",
			"2024-03-30T01:30:00Z 2024-04-01T01:00:00+01:00",
		},
		{
			"star: both passes of the fold", "Europe/London", "*/30 1 * * *", "", "2024-10-27T00:00:00Z",
			"2024-10-27T01:30:00+01:00 2024-10-27T01:00:00Z 2024-10-27T01:30:00Z",
		},
		{
			"star in the seconds is a star", "Europe/London", "*/30 30 1 * * *", "", "2024-03-30T12:00:00Z",
			"2024-04-01T01:30:00+01:00",
		},
		{"step is a star", "Europe/London", "5/20 1 * * *", "", "2024-03-30T12:00:00Z", "2024-04-01T01:05:00+01:00"},
		{
			"hourly: no hour lost or doubled", "America/New_York", "0 * * * *", "", "2024-11-03T04:30:00Z",
			"2024-11-03T01:00:00-04:00 2024-11-03T01:00:00-05:00 2024-11-03T02:00:00-05:00",
		},
		{
			"gap at midnight: the day before and after", "America/Sao_Paulo", "0 0 * * *", "", "2018-11-03T12:00:00Z",
			"2018-11-04T01:00:00-02:00 2018-11-05T00:00:00-02:00",
		},
		{
			"gap of half an hour", "Australia/Lord_Howe", "15 2 * * *", "", "2023-09-30T12:00:00Z",
			"2023-10-01T02:30:00+11:00 2023-10-02T02:15:00+11:00",
		},
		{
			"weekly in a zone of half hours", "Australia/Lord_Howe", "0 12 * * 0", "", "2023-09-30T12:00:00Z",
			"2023-10-01T12:00:00+11:00 2023-10-08T12:00:00+11:00",
		},
		{
			"fold before midnight stays with its day", "America/Asuncion", "30 23 * * 6", "", "2023-03-25T12:00:00Z",
			"2023-03-25T23:30:00-03:00 2023-04-01T23:30:00-04:00",
		},
		{
			"the whole day that is missing is not caught up", "Pacific/Apia", "0 12 * * *", "", "2011-12-29T00:00:00Z",
			"2011-12-29T12:00:00-10:00 2011-12-31T12:00:00+14:00",
		},
		{
			"nor when it is asked to shift", "Pacific/Apia", "0 12 * * *", "shift", "2011-12-29T00:00:00Z",
			"2011-12-29T12:00:00-10:00 2011-12-31T12:00:00+14:00",
		},
		{
			"the date that is missing comes next year", "Pacific/Apia", "0 12 30 12 *", "", "2011-12-01T00:00:00Z",
			"2012-12-30T12:00:00+14:00",
		},
		{"skip", "Europe/London", "30 1 * * *", "skip", "2024-03-30T12:00:00Z", "2024-04-01T01:30:00+01:00"},
		{
			"shift", "Europe/London", "*/20 1 * * *", "shift", "2024-03-30T12:00:00Z",
			"2024-03-31T02:00:00+01:00 2024-04-01T01:00:00+01:00",
		},
		{
			"first", "America/New_York", "0 * * * *", "first", "2024-11-03T04:30:00Z",
			"2024-11-03T01:00:00-04:00 2024-11-03T02:00:00-05:00",
		},
		{
			"both", "Europe/London", "30 1 * * *", "both", "2024-10-26T12:00:00Z",
			"2024-10-27T01:30:00+01:00 2024-10-27T01:30:00Z 2024-10-28T01:30:00Z",
		},
		{
			"skip both", "Europe/London", "30 1 * 3,10 0#L", "skip both", "2024-01-01T00:00:00Z",
			"2024-10-27T01:30:00+01:00 2024-10-27T01:30:00Z 2025-10-26T01:30:00+01:00",
		},
		{
			"the second pass is not jumped over on the way to next year", "America/New_York", "*/30 1 3 11 *", "", "2024-11-03T05:50:00Z",
			"2024-11-03T01:00:00-05:00 2024-11-03T01:30:00-05:00 2025-11-03T01:00:00-05:00",
		},
		{"always in the gap and skipped is never", "Europe/Paris", "*/10 2 * 3 0#L", "", "2024-01-01T00:00:00Z", "never"},
		{
			"always in the gap and shifted is the instant after", "Europe/Paris", "10 2 * 3 0#L", "", "2024-01-01T00:00:00Z",
			"2024-03-31T03:00:00+02:00 2025-03-30T03:00:00+02:00",
		},
	} {
		var policies Saving
		for i, name := range savingNames {
			if slices.Contains(strings.Fields(c.policies), name) {
				policies |= 1 << i
			}
		}
		cron := MustCron(c.expr).In(zone(t, c.zone)).DST(policies)
		at := instant(t, c.after)
		for want := range strings.FieldsSeq(c.want) {
			at = cron.Next(at)
			got := at.Format(time.RFC3339Nano)
			if at.IsZero() {
				got = "never"
			}
			if got != want {
				t.Errorf("%s: %v gives %s, want %s", c.name, cron, got, want)
				break
			}
		}
	}
}

// TestInventedZones compares Next with a scan in zones that change their
// offset by up to a day as often as every few minutes.
func TestInventedZones(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	n := 100
	if prove {
		n = 30_000
	}
	for i := range n {
		start := time.Date(2024, 1, 1+r.IntN(366), 0, 0, 0, 0, time.UTC).Unix()
		var at, offsets []int64
		at, offsets = append(at, 0), append(offsets, 0)
		for s := start; s < start+8*daySeconds; {
			s += 120 + r.Int64N(60<<r.IntN(12))
			at, offsets = append(at, s), append(offsets, (r.Int64N(28*4)-14*4)*900/int64(1+r.IntN(8)*3)/60*60)
		}
		zone := inventZone(t, fmt.Sprintf("Invented/%d", i), at, offsets)
		compare(t, &rules[r.IntN(len(rules))], zone, savings[r.IntN(len(savings))], start+daySeconds*r.Int64N(4), start+9*daySeconds)
	}
}

// inventZone makes a zone that changes to an offset at each of some instants.
func inventZone(t *testing.T, name string, at, offsets []int64) *time.Location {
	t.Helper()
	b := append([]byte("TZif"), make([]byte, 16)...)
	for _, count := range []int{0, 0, 0, len(at), len(at), 1} {
		b = binary.BigEndian.AppendUint32(b, uint32(count))
	}
	for _, s := range at {
		b = binary.BigEndian.AppendUint32(b, uint32(s))
	}
	for i := range at {
		b = append(b, byte(i))
	}
	for _, o := range offsets {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(o)))
		b = append(b, 0, 0)
	}
	zone, err := time.LoadLocationFromTZData(name, append(b, 0))
	if err != nil {
		t.Fatal(err)
	}
	if got := offsetAt(zone, at[len(at)-1]); got != offsets[len(offsets)-1] {
		t.Fatalf("the offset is %d, want %d", got, offsets[len(offsets)-1])
	}
	return zone
}

// TestSkippedTimeThatComesBackIsDue has a gap that leaves out 02:30 and, an hour
// later, a fold that goes back before it.
func TestSkippedTimeThatComesBackIsDue(t *testing.T) {
	sunday := time.Date(2024, 5, 19, 0, 0, 0, 0, time.UTC).Unix()
	zone := inventZone(t, "Invented/Back", []int64{0, sunday + 2*3600, sunday + 3*3600}, []int64{0, 3600, -3600})
	c := MustCron("30 2 * * 0").In(zone).DST(SkipGap, BothPasses)
	next := c.Next(time.Unix(sunday-5*daySeconds, 0))
	if want := time.Unix(sunday+3*3600+1800, 0); !next.Equal(want) {
		t.Errorf("next is %v, want %v", next, want.In(zone))
	}
}
