package trigger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Clock is a time of day on a local clock. The zero value is midnight.
type Clock struct{ Hour, Minute, Second int }

// String returns the time of day as 15:04, with seconds where there are any.
func (c Clock) String() string {
	if c.Second == 0 {
		return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute)
	}
	return fmt.Sprintf("%02d:%02d:%02d", c.Hour, c.Minute, c.Second)
}

func (c Clock) seconds() int { return c.Hour*3600 + c.Minute*60 + c.Second }

func (c Clock) valid() bool {
	return c.Hour >= 0 && c.Hour < 24 && c.Minute >= 0 && c.Minute < 60 && c.Second >= 0 && c.Second < 60
}

// A Wall is due at times of day by the clock on the wall, each day or on some
// days of the week or month. It keeps to the local clock across daylight saving;
// a time that a change leaves out or repeats is due once, see [Saving]. The
// zero value is never due.
//
// Its text is "daily 03:00, 15:30", "weekly mon, fri 09:00" or
// "monthly 1, -1 00:00", and after it, where set, the zone and the policies:
// "in Asia/Shanghai dst skip".
type Wall struct {
	period   period
	days     []int // of the week from 0, of the month from 1 or back from -1
	clocks   []Clock
	patterns []pattern // one for each clock
	zone     *time.Location
	saving   Saving
}

type period uint8

const (
	daily period = iota
	weekly
	monthly
)

var weekdayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Daily is due each day at the given times of day, at midnight if there are
// none. It panics if a time of day does not exist, as do [Weekly] and
// [Monthly]; [Parse] returns an error instead.
func Daily(at ...Clock) Wall { return must(newWall(daily, nil, at)) }

// Weekly is due on the given days of the week, at midnight if no time of day is
// given.
func Weekly(days []time.Weekday, at ...Clock) Wall {
	var numbers []int
	for _, d := range days {
		numbers = append(numbers, int(d))
	}
	return must(newWall(weekly, numbers, at))
}

// Monthly is due on the given days of the month, at midnight if no time of day
// is given. -1 is the last day, -2 the one before. A month that does not have a
// day is passed over.
func Monthly(days []int, at ...Clock) Wall { return must(newWall(monthly, days, at)) }

func must(w Wall, err error) Wall {
	if err != nil {
		panic("trigger: " + err.Error())
	}
	return w
}

func newWall(p period, days []int, clocks []Clock) (Wall, error) {
	if len(clocks) == 0 {
		clocks = []Clock{{}}
	}
	w := Wall{period: p, days: sorted(days, order), clocks: sorted(clocks, Clock.seconds)}
	day := pattern{days: allDays, month: allMonths, weekday: allWeekdays, anyYear: true, fixed: true}
	switch p {
	case weekly:
		day.weekday = 0
	case monthly:
		day.days = 0
	}
	if p != daily && len(days) == 0 {
		return Wall{}, fmt.Errorf("no days are given")
	}
	for _, d := range w.days {
		switch {
		case p == weekly && d >= 0 && d < 7:
			day.weekday |= 1 << d
		case p == monthly && d >= 1 && d <= 31:
			day.days |= 1 << d
		case p == monthly && d <= -1 && d >= -31:
			day.fromEnd |= 1 << (-1 - d)
		default:
			return Wall{}, fmt.Errorf("there is no day %d", d)
		}
	}
	for _, c := range w.clocks {
		if !c.valid() {
			return Wall{}, fmt.Errorf("there is no time of day %v", c)
		}
		one := day
		one.hour, one.minute, one.second = 1<<c.Hour, 1<<c.Minute, 1<<c.Second
		one.settle()
		w.patterns = append(w.patterns, one)
	}
	return w, nil
}

// sorted is a copy in order without repetitions.
func sorted[T comparable](list []T, key func(T) int) []T {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b T) int { return key(a) - key(b) })
	return slices.Compact(list)
}

// order puts days counted from the end of the month behind the others.
func order(day int) int {
	if day < 0 {
		return 100 + day
	}
	return day
}

// In returns the same trigger in a zone. nil means UTC, and that the zone of a
// [Parser] may take its place.
func (w Wall) In(zone *time.Location) Wall {
	w.zone = zone
	return w
}

// DST returns the same trigger with other policies for daylight saving.
func (w Wall) DST(policies ...Saving) Wall {
	w.saving = w.saving.with(policies)
	return w
}

// Next returns the first due instant later than after, in the trigger's zone.
func (w Wall) Next(after time.Time) (next time.Time) {
	for i := range w.patterns {
		next = earlier(next, w.patterns[i].after(w.zone, w.saving, after))
	}
	return next
}

// earlier is the earlier of two due instants, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// String returns the text of the trigger.
func (w Wall) String() string {
	if len(w.patterns) == 0 {
		return Never{}.String()
	}
	var days []string
	for _, d := range w.days {
		if w.period == weekly {
			days = append(days, weekdayNames[d])
		} else {
			days = append(days, strconv.Itoa(d))
		}
	}
	s := [...]string{"daily ", "weekly ", "monthly "}[w.period]
	if days != nil {
		s += strings.Join(days, ", ") + " "
	}
	return s + joined(w.clocks) + placeText(w.zone, w.saving)
}

func joined[T fmt.Stringer](list []T) string {
	var s []string
	for _, v := range list {
		s = append(s, v.String())
	}
	return strings.Join(s, ", ")
}
