package trigger

import (
	"testing"
	"time"
)

// BenchmarkWorst takes the longest searches: those that find nothing, or only
// after many years.
func BenchmarkWorst(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"no such date", `cron "0 0 30 2 *"`},
		{"no such date in a zone", `cron "0 0 30 2 *" in Europe/Paris`},
		{"nearest weekdays never the fifth", `cron "0 0 */31,1W,2W,3W,4W,5W,6W,7W,8W,9W,10W,11W,12W,13W,14W,15W,16W,17W,18W,19W,20W * 0#5,1#5,2#5,3#5,4#5,5#5,6#5" in Europe/Paris`},
		{"always in the gap", `cron "*/10 2 * 3 0#L" in Europe/Paris`},
		{"each second always in the gap", `cron "* * 2 * 3 0#L" in Europe/Paris`},
		{"past years", `cron "0 0 0 1 1 * 1970" in Europe/Paris`},
		{"a filter that leaves nothing", `cron "0 12 * * 6" in Europe/Paris only workdays`},
		{"each second but for a night", `cron "* * * * * *" in Europe/Paris only night`},
		{"jitter", `cron "* * * * * *" in Europe/Paris jitter 24h`},
	} {
		t, err := Parser{Calendar: worstCalendar}.Parse(c.text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			at := time.Date(2024, 3, 31, 12, 0, 0, 0, time.UTC)
			for b.Loop() {
				t.Next(at)
			}
		})
	}
}

// worstCalendar finds calendars that change their mind as often as they can.
func worstCalendar(name string) (Calendar, error) {
	if name == "night" {
		return NewHours(name, Clock{Hour: 3}, Clock{Hour: 3, Minute: 1}), nil
	}
	var days []time.Time
	for day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2424; day = day.AddDate(0, 0, 1) {
		if w := day.Weekday(); w != time.Saturday && w != time.Sunday {
			days = append(days, day)
		}
	}
	return NewDays(name, days...), nil
}
