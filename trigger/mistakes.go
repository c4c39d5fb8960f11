package trigger

import (
	"fmt"
	"regexp"
	"strings"
)

// Words returns what is wrong and what is allowed in a language, with the field
// where there is one. What is typed stays as it is.
func (e *SyntaxError) Words(l Language) (problem, allowed string) {
	problem, allowed = e.Problem, e.Allowed
	field := e.Field
	if l == Chinese {
		problem, allowed, field = translated(problem), translated(allowed), translated(field)
	}
	if field != "" {
		problem = field + fieldMark[l] + problem
	}
	return problem, allowed
}

var fieldMark = [...]string{English: ": ", Chinese: "："}

// translated says a text in Chinese; one that is not known stays as it is.
func translated(text string) string {
	for _, m := range chineseMistakes {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(m.english), "%s", "(.+)")
		put := regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(text)
		if put == nil {
			continue
		}
		args := make([]any, len(put)-1)
		for i := range args {
			if args[i] = put[i+1]; put[i+1] == "the end" {
				args[i] = "结尾"
			}
		}
		return fmt.Sprintf(m.chinese, args...)
	}
	return text
}

// chineseMistakes are what mistakes are called; the first that fits is taken.
var chineseMistakes = []struct{ english, chinese string }{
	{"%s does not belong here", "%s 不应出现在这里"},
	{"%s does not go with what stands before it", "%s 与前面的内容不相配"},
	{"%s is found where %s is missing", "此处应为 %[2]s，却是 %[1]s"},
	{"%s is no day of the month", "%s 不是一个月中的日子"},
	{"%s is no day of the week", "%s 不是星期几"},
	{"%s is no day counted from the last", "%s 不是从月末倒数的日子"},
	{"%s is no duration", "%s 不是时长"},
	{"%s is no instant", "%s 不是时刻"},
	{"%s is no number of ticks", "%s 不是次数"},
	{"%s is no policy for daylight saving", "%s 不是夏令时的处理方式"},
	{"%s is no time of day", "%s 不是一天中的时间"},
	{"a time of day alone is no trigger", "仅有时间不是触发规则"},
	{"%s is no trigger", "%s 不是触发规则"},
	{"%s is no spread; write H(low-high)", "%s 不是散布；应写作 H(低-高)"},
	{"%s is no value", "%s 不是可用的值"},
	{"%s does not say which one of the month", "%s 没有说明是当月第几个"},
	{"a day is not always 24 hours: write 24h, or daily", "一天不总是 24 小时：请写 24h 或 daily"},
	{"a year cannot be spread", "年份不能散布"},
	{"a value is missing", "缺少一个值"},
	{"the step %s is out of range", "步长 %s 超出范围"},
	{"the step is missing", "缺少步长"},
	{"%s is out of range", "%s 超出范围"},
	{"find calendar %s: there are none yet; beforehand calendar set %s FILE adds one", "找不到日历 %s：还没有日历；可用 beforehand calendar set %s FILE 添加"},
	{"find calendar %s: there are %s; beforehand calendar set %s FILE adds one", "找不到日历 %s：现有 %s；可用 beforehand calendar set %s FILE 添加"},
	{"find calendar %s: %s", "找不到日历 %s：%s"},
	{"there is no calendar %s", "没有日历 %s"},
	{"the calendar's name is missing", "缺少日历的名称"},
	{"nothing may follow %s", "%s 后面不能再有内容"},
	{"the cron expression is missing", "缺少 cron 表达式"},
	{"the duration %s is not above zero", "时长 %s 不大于零"},
	{"the duration is missing", "缺少时长"},
	{"the expression is empty", "表达式为空"},
	{"the quote does not end", "引号没有结束"},
	{"the time zone is missing", "缺少时区"},
	{"the unit is missing", "缺少单位"},
	{"the parentheses are too deep", "括号嵌套过深"},
	{"too many filters follow one another", "连续的筛选过多"},
	{"what is put off already cannot be put off again", "已推迟的不能再次推迟"},
	{"too few fields", "字段太少"},
	{"too many fields", "字段太多"},
	{"unknown name %s", "未知的名称 %s"},
	{"unknown time zone %s", "未知的时区 %s"},

	{"%s, or a trigger in parentheses", "%s，或括号中的触发规则"},
	{"1-31, or -1 to -31 counted from the end", "1-31，或从月末倒数的 -1 至 -31"},
	{"%s, or a range such as mon-fri", "%s，或 mon-fri 这样的范围"},
	{"a duration above zero such as %s, or 5 minutes", "大于零的时长，例如 %s，或 5 minutes"},
	{"a duration above zero such as %s", "大于零的时长，例如 %s"},
	{"2024-05-01T09:00:00Z, 2024-05-01 09:00 or 2024-05-01", "2024-05-01T09:00:00Z、2024-05-01 09:00 或 2024-05-01"},
	{"0, 1, 2 and so on", "0、1、2 等"},
	{"skip or shift, first or both", "skip 或 shift，first 或 both"},
	{"00:00 to 23:59, with seconds to 23:59:59", "00:00 至 23:59，含秒则至 23:59:59"},
	{"an expression in quotes such as %s", "引号中的表达式，例如 %s"},
	{"5 fields, 6 with seconds in front, 7 with years at the end, or a name such as @hourly", "5 个字段；6 个则以秒开头，7 个再以年结尾；或 @hourly 这样的名称"},
	{"a name from the time zone database such as Europe/London, or UTC", "时区数据库中的名称，例如 Europe/London，或 UTC"},
	{"%s DURATION", "%s 时长"},
	{"L-0 to L-30", "L-0 至 L-30"},
	{"%s or %s, lists, ranges, steps, %s", "%s 或 %s、列表、范围、步长、%s"},
	{"%s, lists, ranges, steps, %s", "%s、列表、范围、步长、%s"},

	{"second", "秒"},
	{"minute", "分"},
	{"hour", "时"},
	{"day of month", "日"},
	{"month", "月"},
	{"day of week", "星期"},
	{"year", "年"},
}
