package pageview_test

import (
	"slices"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

func TestHourOf(t *testing.T) {
	for _, c := range []struct{ zone, at, want string }{
		{"UTC", "2026-01-01T10:59:59Z", "2026-01-01T10:00:00Z"},
		{"Asia/Kathmandu", "2026-01-01T10:00:00Z", "2026-01-01T09:15:00Z"},      // 15:45 there
		{"America/New_York", "2024-11-03T05:30:00Z", "2024-11-03T05:00:00Z"},    // 01:30, first time
		{"America/New_York", "2024-11-03T06:30:00Z", "2024-11-03T06:00:00Z"},    // 01:30, second time
		{"Australia/Lord_Howe", "2024-04-06T14:45:00Z", "2024-04-06T14:00:00Z"}, // 01:45, first time
		{"Australia/Lord_Howe", "2024-04-06T15:15:00Z", "2024-04-06T15:00:00Z"}, // 01:45, second time
		{"Australia/Lord_Howe", "2024-10-05T15:45:00Z", "2024-10-05T15:30:00Z"}, // 02:45, after a gap of half an hour
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := pageview.HourOf(at.In(zone)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s: hour began %s, want %s", c.at, c.zone, got, c.want)
		}
	}
}

func TestPeriodsOfADay(t *testing.T) {
	for day := pageview.Day(-800); day < 30_000; day++ {
		d := time.Unix(int64(day)*86400, 0).UTC()
		monday := d
		for monday.Weekday() != time.Monday {
			monday = monday.AddDate(0, 0, -1)
		}
		if day.Week() != pageview.DayOf(monday) || day.Year() != pageview.DayOf(time.Date(d.Year(), 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Fatalf("%s: week %s, year %s", day, day.Week(), day.Year())
		}
	}
}

func TestPrecedenceIsReadAsItWasWritten(t *testing.T) {
	p := pageview.DefaultPrecedence()
	const want = "script,pixel,busuanzi,api;middleware;log;table;counter;export"
	if p.String() != want {
		t.Errorf("%s", p)
	}
	if again, err := pageview.ParsePrecedence(want); err != nil || again.String() != want {
		t.Errorf("%s, error %v", again, err)
	}
	if _, err := pageview.ParsePrecedence("log,telegraph"); err == nil {
		t.Error("an unknown source was taken")
	}
}

func TestCounted(t *testing.T) {
	const script, pixel, api, log, demo = pageview.SourceScript, pageview.SourcePixel, pageview.SourceAPI, pageview.SourceLog, pageview.SourceDemo
	type sources = []pageview.Source
	for _, c := range []struct {
		precedence         string
		persons, all, want sources
	}{
		{"", nil, nil, nil},
		{"", sources{log, script}, sources{log, script}, sources{script, pixel, pageview.SourceBusuanzi, api}},
		{"", sources{api, log}, sources{api, log, script}, sources{script, pixel, pageview.SourceBusuanzi, api}},
		{"", sources{log}, sources{log, script}, sources{log}},
		{"", nil, sources{log, api}, sources{script, pixel, pageview.SourceBusuanzi, api}},
		{"", sources{demo}, sources{demo, script}, sources{demo}},
		{"log;script", sources{log, script}, sources{log, script}, sources{log}},
		{"table", sources{script, demo, log}, sources{script, demo, log}, sources{log}},
	} {
		p, err := pageview.ParsePrecedence(c.precedence)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Counted(c.persons, c.all); !slices.Equal(got, c.want) {
			t.Errorf("%q of persons %v, all %v: %v, want %v", c.precedence, c.persons, c.all, got, c.want)
		}
	}
}

// TestAChangeOfNameCutsNoHour: files of zones end a period in 2038, at which
// nothing changes.
func TestAChangeOfNameCutsNoHour(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2038, 1, 19, 3, 14, 30, 0, time.UTC)
	if got := pageview.HourOf(at.In(zone)).Format(time.RFC3339); got != "2038-01-19T02:15:00Z" {
		t.Errorf("the hour of 08:59:30 began at %s", got)
	}
}
