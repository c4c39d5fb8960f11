package trigger

import (
	"fmt"
	"strings"
	"time"
)

// A Language is one in which triggers and ticks are put into words.
type Language uint8

// The languages.
const (
	English Language = iota
	Chinese
)

// phrases are the words of a language: format strings, and the pieces of lists.
type phrases struct {
	never, every, counted, afterEnd, fresh, instants, more, also string
	only, except, between, since, until, limit, jitter           string

	comma, and, to string // in lists
	each           [3]string
	units          [3][2]string // hours, minutes, seconds: one, several
	space          string       // between the parts of a duration

	zone, dayAndClock, clockAndDay string
	stepsFrom                      [3]string // every n hours, minutes, seconds from one on
	valuesOf                       [3]string // in the hours, at minutes, at seconds
	hourSpan                       string

	everyDay, workweek, everyWeekday, nthWeekday, lastWeekday string
	days, day, lastDay, beforeLast, nearest, lastWorkday      string
	both, either, months, years                               string
	weekdayNames                                              [7]string
	monthNames                                                [12]string
	ordinals                                                  [5]string

	moved, gone, again, second, excluded, jumps, jumpsBack string
}

var languages = [...]phrases{English: english, Chinese: chinese}

var english = phrases{
	never:    "never",
	every:    "every %s",
	counted:  "%s, counted from %s",
	afterEnd: "%s after the last run ended",
	fresh:    "often enough that the result is never older than %s",
	instants: "at %s",
	more:     "%d more",
	also:     "; and ",
	only:     "%s, only in the calendar %s",
	except:   "%s, except in the calendar %s",
	between:  "%s, from %s until before %s",
	since:    "%s, from %s on",
	until:    "%s, until before %s",
	limit:    "%s, %d times at most",
	jitter:   "%s, put off by less than %s",

	comma: ", ",
	and:   " and ",
	to:    "%s to %s",
	each:  [3]string{"every hour", "every minute", "every second"},
	units: [3][2]string{{"%d hour", "%d hours"}, {"%d minute", "%d minutes"}, {"%v second", "%v seconds"}},
	space: " ",

	zone:        "%s in %s",
	dayAndClock: "%s at %s",
	clockAndDay: "%s, %s",
	stepsFrom:   [3]string{"every %d hours from %02d:00", "every %d minutes from minute %d of the hour", "every %d seconds from second %d of the minute"},
	valuesOf:    [3]string{"in the hours %s", "at minute %s of the hour", "at second %s of the minute"},
	hourSpan:    "from %02d:00 to %02d:59",

	everyDay:     "every day",
	workweek:     "every weekday",
	everyWeekday: "every %s",
	nthWeekday:   "on the %s %s of the month",
	lastWeekday:  "on the last %s of the month",
	days:         "on %s of the month",
	day:          "day %s",
	lastDay:      "the last day",
	beforeLast:   "day %d counted from the end",
	nearest:      "the weekday nearest to day %d",
	lastWorkday:  "the last weekday",
	both:         "%s if that is %s",
	either:       "%s and %s",
	months:       "%s in %s",
	years:        "%s in %s",
	weekdayNames: [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
	monthNames:   [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	ordinals:     [5]string{"first", "second", "third", "fourth", "fifth"},

	moved:     "moved from %s: %s",
	gone:      "%s left out: %s",
	again:     "%s not repeated: %s",
	second:    "%s repeated: %s",
	excluded:  "left out by the calendar %s",
	jumps:     "in %s the clock goes forward from %s to %s",
	jumpsBack: "in %s the clock goes back from %s to %s",
}

var chinese = phrases{
	never:    "永不",
	every:    "每 %s",
	counted:  "%s，自 %s 起算",
	afterEnd: "上次运行结束后 %s",
	fresh:    "足够频繁，结果不会旧于 %s",
	instants: "在 %s",
	more:     "另外 %d 次",
	also:     "；以及",
	only:     "%s，仅限日历 %s",
	except:   "%s，日历 %s 除外",
	between:  "%s，自 %s 起，至 %s 之前",
	since:    "%s，自 %s 起",
	until:    "%s，至 %s 之前",
	limit:    "%s，最多 %d 次",
	jitter:   "%s，推迟不到 %s",

	comma: "、",
	and:   "和",
	to:    "%s至%s",
	each:  [3]string{"每小时", "每分钟", "每秒"},
	units: [3][2]string{{"%d 小时", "%d 小时"}, {"%d 分钟", "%d 分钟"}, {"%v 秒", "%v 秒"}},
	space: " ",

	zone:        "%s（%s 时间）",
	dayAndClock: "%s %s",
	clockAndDay: "%[2]s，%[1]s",
	stepsFrom:   [3]string{"从 %[2]d 点起每 %[1]d 小时", "从每小时第 %[2]d 分起每 %[1]d 分钟", "从每分钟第 %[2]d 秒起每 %[1]d 秒"},
	valuesOf:    [3]string{"%s点", "第%s分", "第%s秒"},
	hourSpan:    "%02d:00 至 %02d:59",

	everyDay:     "每天",
	workweek:     "每周一至周五",
	everyWeekday: "每%s",
	nthWeekday:   "每月%s%s",
	lastWeekday:  "每月最后一个%s",
	days:         "每月%s",
	day:          "%s日",
	lastDay:      "最后一天",
	beforeLast:   "倒数第 %d 天",
	nearest:      "最接近 %d 日的工作日",
	lastWorkday:  "最后一个工作日",
	both:         "%s（须为%s）",
	either:       "%s以及%s",
	months:       "%[2]s的%[1]s",
	years:        "%[2]s年，%[1]s",
	weekdayNames: [7]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"},
	monthNames:   [12]string{"1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"},
	ordinals:     [5]string{"第一个", "第二个", "第三个", "第四个", "第五个"},

	moved:     "由 %s 移到此刻：%s",
	gone:      "略过 %s：%s",
	again:     "%s 不重复：%s",
	second:    "%s 重复：%s",
	excluded:  "被日历 %s 排除",
	jumps:     "%s 的时钟从 %s 拨快到 %s",
	jumpsBack: "%s 的时钟从 %s 拨回到 %s",
}

// list joins words, the last with "and".
func (p *phrases) list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], p.comma) + p.and + words[last]
}

// numbers lists values, three and more in a row as a range.
func (p *phrases) numbers(values []int, name func(int) string) string {
	var words []string
	for i := 0; i < len(values); {
		j := i
		for j+1 < len(values) && values[j+1] == values[j]+1 {
			j++
		}
		if j < i+2 {
			words = append(words, name(values[i]))
			i++
			continue
		}
		words = append(words, fmt.Sprintf(p.to, name(values[i]), name(values[j])))
		i = j + 1
	}
	return p.list(words)
}

// duration puts a duration into hours, minutes and seconds.
func (p *phrases) duration(d time.Duration) string {
	hours, minutes, seconds := d/time.Hour, d%time.Hour/time.Minute, (d % time.Minute).Seconds()
	var words []string
	if hours > 0 {
		words = append(words, fmt.Sprintf(p.units[0][plural(hours == 1)], int(hours)))
	}
	if minutes > 0 {
		words = append(words, fmt.Sprintf(p.units[1][plural(minutes == 1)], int(minutes)))
	}
	if seconds > 0 {
		words = append(words, fmt.Sprintf(p.units[2][plural(seconds == 1)], seconds))
	}
	return strings.Join(words, p.space)
}

func plural(one bool) int {
	if one {
		return 0
	}
	return 1
}

// often says how often something with a period happens.
func (p *phrases) often(d time.Duration) string {
	for i, unit := range [3]time.Duration{time.Hour, time.Minute, time.Second} {
		if d == unit {
			return p.each[i]
		}
	}
	return fmt.Sprintf(p.every, p.duration(d))
}
