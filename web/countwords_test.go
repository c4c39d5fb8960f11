package web

import (
	"testing"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

func TestHeadingsOfPictures(t *testing.T) {
	by := func(d ...pageview.Dimension) []pageview.Dimension { return d }
	for _, c := range []struct {
		metric pageview.Metric
		by     []pageview.Dimension
		period string
		en, zh string
	}{
		{pageview.MetricPageviews, by(pageview.ByDay), "last 30 days", "Pageviews by day, last 30 days", "按天的浏览量，最近 30 天"},
		{pageview.MetricPageviews, by(pageview.ByHour), "today", "Pageviews by hour, today", "按小时的浏览量，今天"},
		{pageview.MetricPageviews, by(pageview.ByMonth), "last 12 months", "Pageviews by month, last 12 months", "按月的浏览量，最近 12 个月"},
		{pageview.MetricVisitors, by(pageview.ByReferrerPage, pageview.ByDay), "this week", "Visitors by referrer page and day, this week", "按来源页面和天的访客数，本周"},
		{pageview.MetricTimeOnPage, by(pageview.ByPage), "last year", "Time on page by page, last year", "按页面的页面停留时间，上年"},
		{pageview.MetricVisits, by(pageview.ByCountry), "2026-01-01 to 2026-01-31", "Visits by country, 2026-01-01 to 2026-01-31", "按国家和地区的访问次数，2026-01-01 至 2026-01-31"},
		{pageview.MetricTimed, by(pageview.ByPage), "2026-01-31", "Timed pageviews by page, 2026-01-31", "按页面的计时的浏览，2026-01-31"},
		{pageview.MetricPageviews, by(pageview.ByDay), "", "Pageviews by day", "按天的浏览量"},
	} {
		p, err := report.ParsePeriod(c.period)
		if err != nil {
			t.Fatal(err)
		}
		for l, want := range map[language.Language]string{language.English: c.en, language.Chinese: c.zh} {
			if got := CountWords(l).Heading(c.metric, c.by, p); got != want {
				t.Errorf("%s: %q, want %q", l, got, want)
			}
		}
	}
	zh := CountWords(language.Chinese)
	if got := zh.Sum(1234, pageview.MetricPageviews, 0, 0) + zh.Key(pageview.ByCountry, "DE") + zh.Key(pageview.ByPage, "") + zh.Others(12) + zh.Before("浏览量"); got != "浏览量共 1,234。德国（未知）另外 12 项此前的浏览量" {
		t.Error(got)
	}
}
