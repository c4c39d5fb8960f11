package trigger_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/trigger"
)

// next prints some due instants after Saturday 2024-03-30 12:00 UTC.
func next(t trigger.Trigger, n int) {
	at := time.Date(2024, 3, 30, 12, 0, 0, 0, time.UTC)
	for range n {
		if at = t.Next(at); at.IsZero() {
			fmt.Println("never")
			return
		}
		fmt.Println(at.Format("Mon 2006-01-02 15:04:05 -07:00"))
	}
}

func load(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

func ExampleEvery() {
	next(trigger.Every(90*time.Minute), 2)
	// Output:
	// Sat 2024-03-30 13:30:00 +00:00
	// Sat 2024-03-30 15:00:00 +00:00
}

func ExampleInterval_From() {
	next(trigger.Every(time.Hour).From(time.Date(2024, 1, 1, 0, 10, 0, 0, time.UTC)), 2)
	// Output:
	// Sat 2024-03-30 12:10:00 +00:00
	// Sat 2024-03-30 13:10:00 +00:00
}

// A daily trigger keeps to the local clock where an interval of 24 hours would
// move with daylight saving.
func ExampleDaily() {
	t := trigger.Daily(trigger.Clock{Hour: 3}, trigger.Clock{Hour: 15, Minute: 30}).In(load("Europe/London"))
	fmt.Println(t)
	next(t, 3)
	// Output:
	// daily 03:00, 15:30 in Europe/London
	// Sat 2024-03-30 15:30:00 +00:00
	// Sun 2024-03-31 03:00:00 +01:00
	// Sun 2024-03-31 15:30:00 +01:00
}

func ExampleWeekly() {
	next(trigger.Weekly([]time.Weekday{time.Monday, time.Friday}, trigger.Clock{Hour: 9}), 2)
	// Output:
	// Mon 2024-04-01 09:00:00 +00:00
	// Fri 2024-04-05 09:00:00 +00:00
}

func ExampleMonthly() {
	next(trigger.Monthly([]int{-1}), 3) // the last day, at midnight
	// Output:
	// Sun 2024-03-31 00:00:00 +00:00
	// Tue 2024-04-30 00:00:00 +00:00
	// Fri 2024-05-31 00:00:00 +00:00
}

func ExampleAt() {
	next(trigger.At(time.Date(2024, 5, 1, 9, 0, 0, 0, time.UTC)), 2)
	// Output:
	// Wed 2024-05-01 09:00:00 +00:00
	// never
}

func ExampleParseCron() {
	c, err := trigger.ParseCron("0 4 LW * ?")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(trigger.Describe(c, trigger.English))
	next(c, 2)
	// Output:
	// on the last weekday of the month at 04:00 in UTC
	// Tue 2024-04-30 04:00:00 +00:00
	// Fri 2024-05-31 04:00:00 +00:00
}

// In London the clock went from 01:00 to 02:00 on 31 March 2024.
func ExampleCron_DST() {
	c := trigger.MustCron("30 1 * * *").In(load("Europe/London"))
	next(c, 2)
	next(c.DST(trigger.SkipGap), 1)
	// Output:
	// Sun 2024-03-31 02:00:00 +01:00
	// Mon 2024-04-01 01:30:00 +01:00
	// Mon 2024-04-01 01:30:00 +01:00
}

func ExampleUnion() {
	next(trigger.Union(trigger.Every(4*time.Hour), trigger.Daily(trigger.Clock{Hour: 17})), 3)
	// Output:
	// Sat 2024-03-30 16:00:00 +00:00
	// Sat 2024-03-30 17:00:00 +00:00
	// Sat 2024-03-30 20:00:00 +00:00
}

func ExampleExcept() {
	easter := trigger.NewDays("easter",
		time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC),
		time.Date(2024, 4, 1, 0, 0, 0, 0, time.UTC))
	next(trigger.Except(trigger.Daily(), easter), 2)
	// Output:
	// Tue 2024-04-02 00:00:00 +00:00
	// Wed 2024-04-03 00:00:00 +00:00
}

func ExampleOnly() {
	office := trigger.NewHours("office", trigger.Clock{Hour: 9}, trigger.Clock{Hour: 17})
	next(trigger.Only(trigger.Every(4*time.Hour), office), 2)
	// Output:
	// Sat 2024-03-30 16:00:00 +00:00
	// Sun 2024-03-31 12:00:00 +00:00
}

func ExampleBetween() {
	from := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	next(trigger.Between(trigger.Daily(), from, from.AddDate(0, 0, 2)), 3)
	// Output:
	// Wed 2024-05-01 00:00:00 +00:00
	// Thu 2024-05-02 00:00:00 +00:00
	// never
}

func ExampleBind() {
	t := trigger.EveryAfter(time.Hour)
	ended := time.Date(2024, 3, 30, 12, 20, 0, 0, time.UTC)
	next(trigger.Bind(t, trigger.Facts{LastEnd: ended}), 1)
	// Output:
	// Sat 2024-03-30 13:20:00 +00:00
}

// A run takes ten minutes, so the next begins that much before the result of
// the last one is an hour old.
func ExampleFresh() {
	ended := time.Date(2024, 3, 30, 12, 0, 0, 0, time.UTC)
	facts := trigger.Facts{LastEnd: ended, Took: []time.Duration{10 * time.Minute}}
	next(trigger.Bind(trigger.Fresh(time.Hour), facts), 1)
	// Output:
	// Sat 2024-03-30 12:40:00 +00:00
}

func ExampleLimit() {
	t := trigger.Limit(trigger.Daily(), 3)
	next(trigger.Bind(t, trigger.Facts{Count: 2}), 1)
	next(trigger.Bind(t, trigger.Facts{Count: 3}), 1)
	// Output:
	// Sun 2024-03-31 00:00:00 +00:00
	// never
}

func ExampleJitter() {
	t := trigger.Jitter(trigger.Daily(), time.Hour)
	for _, job := range []string{"visits", "hot"} {
		next(trigger.Bind(t, trigger.Facts{Job: job}), 1)
	}
	// Output:
	// Sun 2024-03-31 00:00:50 +00:00
	// Sun 2024-03-31 00:31:53 +00:00
}

func ExampleParse() {
	t, err := trigger.Parse(`every 5 minutes since 2024-03-31 or at 2024-03-30 18:00`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t)
	next(t, 2)
	// Output:
	// every 5m since 2024-03-31T00:00:00Z or at 2024-03-30T18:00:00Z
	// Sat 2024-03-30 18:00:00 +00:00
	// Sun 2024-03-31 00:00:00 +00:00
}

// A site's own zone and calendars.
func ExampleParser() {
	p := trigger.Parser{
		Zone: load("Europe/London"),
		Calendar: func(name string) (trigger.Calendar, error) {
			if name == "easter" {
				return trigger.NewDays(name, time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC)), nil
			}
			return nil, errors.New("no such calendar")
		},
	}
	t, err := p.Parse("daily 03:00 except easter")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t)
	next(t, 1)
	// Output:
	// daily 03:00 in Europe/London except easter
	// Mon 2024-04-01 03:00:00 +01:00
}

func ExampleSyntaxError() {
	_, err := trigger.Parse("weekly mon, thr 09:00")
	var wrong *trigger.SyntaxError
	if errors.As(err, &wrong) {
		fmt.Println(wrong.Underline())
		fmt.Println(wrong.Problem)
	}
	// Output:
	// weekly mon, thr 09:00
	//             ^^^
	// "thr" is no day of the week
}

func ExampleExplain() {
	c := trigger.MustCron("30 1 * * *").In(load("Europe/London"))
	from := time.Date(2024, 10, 26, 12, 0, 0, 0, time.UTC)
	for _, tick := range trigger.Explain(c, from, 2) {
		fmt.Println(tick.At.Format(time.RFC3339), tick.Kind)
		if why := tick.Sentence(trigger.English); why != "" {
			fmt.Println(" ", why)
		}
	}
	// Output:
	// 2024-10-27T01:30:00+01:00 plain
	// 2024-10-27T01:30:00Z skipped
	//   01:30 not repeated: in Europe/London the clock goes back from 02:00 to 01:00
	// 2024-10-28T01:30:00Z plain
}

func ExampleDescribe() {
	c := trigger.MustCron("0 4 * * 1-5").In(load("Europe/London"))
	fmt.Println(trigger.Describe(c, trigger.English))
	fmt.Println(trigger.Describe(c, trigger.Chinese))
	// Output:
	// every weekday at 04:00 in Europe/London
	// 每周一至周五 04:00（Europe/London 时间）
}
