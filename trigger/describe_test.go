package trigger

import "testing"

func TestDescribe(t *testing.T) {
	for _, c := range []struct{ text, english, chinese string }{
		{"never", "never", "永不"},
		{"every 1h", "every hour", "每小时"},
		{"every 90m", "every 1 hour 30 minutes", "每 1 小时 30 分钟"},
		{"every 1.5s", "every 1.5 seconds", "每 1.5 秒"},
		{"every 5m from 2024-01-01", "every 5 minutes, counted from 2024-01-01T00:00:00Z", "每 5 分钟，自 2024-01-01T00:00:00Z 起算"},
		{"every 10m after end", "10 minutes after the last run ended", "上次运行结束后 10 分钟"},
		{"fresh 1h", "often enough that the result is never older than 1 hour", "足够频繁，结果不会旧于 1 小时"},
		{
			"at 2024-01-01, 2024-01-02, 2024-01-03, 2024-01-04, 2024-01-05",
			"at 2024-01-01T00:00:00Z, 2024-01-02T00:00:00Z, 2024-01-03T00:00:00Z and 2 more",
			"在 2024-01-01T00:00:00Z、2024-01-02T00:00:00Z、2024-01-03T00:00:00Z和另外 2 次",
		},
		{"daily 03:00, 15:30 in Asia/Shanghai", "every day at 03:00 and 15:30 in Asia/Shanghai", "每天 03:00和15:30（Asia/Shanghai 时间）"},
		{"weekly sat, sun 09:00", "every Saturday and Sunday at 09:00 in UTC", "每周六和周日 09:00（UTC 时间）"},
		{"weekly tue-fri 09:00", "every Tuesday to Friday at 09:00 in UTC", "每周二至周五 09:00（UTC 时间）"},
		{"monthly 1, 15, -1 06:00", "on day 1 and 15 and the last day of the month at 06:00 in UTC", "每月1和15日和最后一天 06:00（UTC 时间）"},
		{"monthly -2", "on day 2 counted from the end of the month at 00:00 in UTC", "每月倒数第 2 天 00:00（UTC 时间）"},
		{`cron "0 4 * * 1-5" in Europe/London`, "every weekday at 04:00 in Europe/London", "每周一至周五 04:00（Europe/London 时间）"},
		{"* * * * *", "every minute in UTC", "每分钟（UTC 时间）"},
		{"0 * * * *", "every hour in UTC", "每小时（UTC 时间）"},
		{"*/15 * * * *", "every 15 minutes in UTC", "每 15 分钟（UTC 时间）"},
		{"*/7 * * * *", "every 7 minutes from minute 0 of the hour in UTC", "从每小时第 0 分起每 7 分钟（UTC 时间）"},
		{"5/20 * * * *", "every 20 minutes from minute 5 of the hour in UTC", "从每小时第 5 分起每 20 分钟（UTC 时间）"},
		{"5,35 * * * *", "at minute 5 and 35 of the hour in UTC", "第5和35分（UTC 时间）"},
		{"0 */2 * * *", "every 2 hours in UTC", "每 2 小时（UTC 时间）"},
		{"0 */7 * * *", "every day at 00:00, 07:00, 14:00 and 21:00 in UTC", "每天 00:00、07:00、14:00和21:00（UTC 时间）"},
		{"*/15 9-17 * * 1-5", "every 15 minutes, from 09:00 to 17:59, every weekday in UTC", "每周一至周五，09:00 至 17:59，每 15 分钟（UTC 时间）"},
		{"15 */3 * * *", "at minute 15 of the hour, in the hours 0, 3, 6, 9, 12, 15, 18 and 21 in UTC", "0、3、6、9、12、15、18和21点，第15分（UTC 时间）"},
		{"0 0 * 1,3 *", "every day in January and March at 00:00 in UTC", "1月和3月的每天 00:00（UTC 时间）"},
		{"30 4 13 * FRI", "on day 13 of the month and every Friday at 04:30 in UTC", "每月13日以及每周五 04:30（UTC 时间）"},
		{"30 4 */10 * FRI", "every Friday if that is on day 1, 11, 21 and 31 of the month at 04:30 in UTC", "每周五（须为每月1、11、21和31日） 04:30（UTC 时间）"},
		{"30 4 1-31 * FRI", "every day at 04:30 in UTC", "每天 04:30（UTC 时间）"},
		{"0 0 L-3,15W,LW * *", "on the last weekday, the weekday nearest to day 15 and day 4 counted from the end of the month at 00:00 in UTC", "每月最后一个工作日、最接近 15 日的工作日和倒数第 4 天 00:00（UTC 时间）"},
		{"0 0 * * 1#2,5L", "on the second Monday of the month and on the last Friday of the month at 00:00 in UTC", "每月第二个周一和每月最后一个周五 00:00（UTC 时间）"},
		{"*/10 * * * * *", "every 10 seconds in UTC", "每 10 秒（UTC 时间）"},
		{"* * * * * *", "every second in UTC", "每秒（UTC 时间）"},
		{"5,10 * 3 * * *", "at second 5 and 10 of the minute, from 03:00 to 03:59 in UTC", "03:00 至 03:59，第5和10秒（UTC 时间）"},
		{"0 0 12 1 1 * 2030-2033,2040", "on day 1 of the month in January in 2030 to 2033 and 2040 at 12:00 in UTC", "2030至2033和2040年，1月的每月1日 12:00（UTC 时间）"},
		{"daily except holidays limit 3", "every day at 00:00 in UTC, except in the calendar holidays, 3 times at most", "每天 00:00（UTC 时间），日历 holidays 除外，最多 3 次"},
		{"daily since 2024-01-01 jitter 5m or every 1h", "every day at 00:00 in UTC, from 2024-01-01T00:00:00Z on, put off by less than 5 minutes; and every hour", "每天 00:00（UTC 时间），自 2024-01-01T00:00:00Z 起，推迟不到 5 分钟；以及每小时"},
		{"daily between 2024-01-01 and 2025-01-01 only holidays", "every day at 00:00 in UTC, from 2024-01-01T00:00:00Z until before 2025-01-01T00:00:00Z, only in the calendar holidays", "每天 00:00（UTC 时间），自 2024-01-01T00:00:00Z 起，至 2025-01-01T00:00:00Z 之前，仅限日历 holidays"},
		{"@every 1m", "every minute", "每分钟"},
	} {
		tr, err := withCalendars.Parse(c.text)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := Describe(tr, English); got != c.english {
			t.Errorf("%q in English:\n got %s\nwant %s", c.text, got, c.english)
		}
		if got := Describe(tr, Chinese); got != c.chinese {
			t.Errorf("%q in Chinese:\n got %s\nwant %s", c.text, got, c.chinese)
		}
	}
	if got := Describe(Union(foreign{}, Daily()), English); got != "trigger.foreign; and every day at 00:00 in UTC" {
		t.Errorf("a trigger of another package is %q", got)
	}
}
