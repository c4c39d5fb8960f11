package web_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/web"
)

// someDashboard is a dashboard with every kind of card.
func someDashboard(l language.Language) web.Dashboard {
	now := time.Date(2026, 3, 10, 14, 20, 0, 0, time.UTC)
	values := func(n int64) pageview.Values { return pageview.Values{Pageviews: n, Visits: n / 2, Visitors: n / 3} }
	state := func(name string) web.Report {
		return web.Report{Name: name, AsOf: now.Add(-20 * time.Minute), Next: now.Add(40 * time.Minute), Took: 1800 * time.Millisecond}
	}
	answer := func(by ...pageview.Dimension) *report.Answer {
		q := report.Question{Compare: report.ComparePrevious, Zone: time.UTC, FormerFrom: 20512, FormerTo: 20514}
		q.Query = pageview.Query{By: by, From: 20515, To: 20517, Metrics: []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisits, pageview.MetricVisitors}}
		return &report.Answer{Question: q, Now: pageview.Answer{Rollup: true}}
	}
	ranked := func(by pageview.Dimension, keys ...string) web.Card {
		a := answer(by)
		a.Metrics = []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisitors}
		for i, key := range keys {
			a.Now.Rows = append(a.Now.Rows, pageview.Row{Keys: []string{key}, Values: values(int64(3000 / (i + 1)))})
		}
		a.Former.Rows = []pageview.Row{{Keys: []string{keys[0]}, Values: values(2000)}, {Keys: []string{keys[1]}, Values: values(3100)}}
		return web.Card{Name: string(by), State: state(string(by)), Answer: a, Files: []web.Link{{Title: "CSV", URL: "/d/blog/x.csv?a=\"b"}}}
	}
	total, chart := answer(), answer(pageview.ByDay)
	total.Now.Total, total.Former.Total = values(6000), values(8000)
	total.Now.Uncounted = []pageview.Uncounted{{Source: pageview.SourceLog, First: 20515, Last: 20516, Days: 2}}
	total.Renewed = []pageview.Day{20516}
	chart.Now.Rows = []pageview.Row{{Keys: []string{"2026-03-03"}, Values: values(4000)}, {Keys: []string{"2026-03-04"}, Values: values(2000)}}
	chart.Now.Total = values(6000)
	one := 3
	rising := &report.Hot{Items: []report.HotItem{
		{Rank: 1, Path: "/a", Title: `"><img src=x>`, Pageviews: 90, Visitors: 70, Score: 8, Change: &one}, {Rank: 2, Path: "/b", Title: "/b", Score: 4},
	}}
	stale := ranked(pageview.ByReferrer, "", "news.example")
	stale.State.Stale, stale.State.Reason = true, "the last run failed"
	raw := ranked(pageview.ByCountry, "DE", "CN", "??")
	raw.Filtered, raw.Answer.Now.Rollup, raw.Answer.Now.Beyond = true, false, 7
	return web.Dashboard{
		View:     web.View{Site: "blog", Period: "7d", Compare: "previous", Filters: []string{"device:mobile", `page:!/"><b>`}, Language: &l},
		Language: l, Now: now, Nav: web.Navigation{Here: web.PartDashboard, Site: "blog", Sites: []string{"blog", "<i>shop"}},
		Title: "A <b>log", Units: []string{"hour", "day"}, Unit: "day", Visiting: &web.Visiting{Visitors: 12},
		Total: web.Card{Name: "total", State: state("total"), Answer: total}, Chart: web.Card{Name: "chart", State: state("chart"), Answer: chart},
		Cards: []web.Card{
			ranked(pageview.ByPage, `/"><script>`, "!odd", "/titled", "/4", "/5", "/6", "/7", "/8", "/9", "/10", "/11", "/12"),
			{Name: "rising", State: state("rising"), Hot: rising},
			stale, raw, ranked(pageview.ByDevice, "mobile", "watch"),
			ranked(pageview.ByLanguage, "zh-CN", "de", "not a tag"), ranked(pageview.ByBot, "known_bot", "other"),
			{Name: "browser", State: web.Report{Name: "browser"}},
			{Name: "system", Failed: true},
		},
		Waiting: snapshot.Waiting{Reads: 12345, Would: 3 * 86400e6, Did: 4e9}, Since: now.Add(-1000 * time.Hour),
		Titles: func(path string) string { return map[string]string{"/titled": "<u>Title"}[path] },
	}
}

func dashboards(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	put := func(name string, d web.Dashboard) {
		var b bytes.Buffer
		if err := web.WriteDashboard(&b, d); err != nil {
			t.Fatal(err)
		}
		all[name] = b.String()
	}
	for _, l := range language.All() {
		put("dashboard-"+l.String(), someDashboard(l))
	}
	one := someDashboard(language.English)
	one.View.Card, one.View.Period, one.View.From, one.View.To, one.View.Search = "page", "", "2026-03-03", "2026-03-05", `a"b`
	one.Cards, one.Total, one.Chart = one.Cards[:1], web.Card{}, web.Card{}
	put("dashboard-one", one)
	put("dashboard-nothing", web.Dashboard{View: web.View{Site: "blog", Period: "all", Compare: "previous"}, Now: one.Now, Title: "blog"})
	return all
}

func TestDashboards(t *testing.T) {
	for name, html := range dashboards(t) {
		keepsPolicy(t, name, html)
		isWellFormed(t, name, html)
		for _, raw := range []string{"<b>log", "<i>", "<u>", "<img", "><script>"} {
			if strings.Contains(html, raw) {
				t.Errorf("%s: %s is not escaped", name, raw)
			}
		}
		file := "testdata/" + name + ".html"
		if *update {
			if err := os.WriteFile(file, []byte(html), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || html != string(want) {
			t.Errorf("differs from %s (%v); look at it and run go test -update", file, err)
		}
	}
}

func TestDashboardsSayWhatIsKnown(t *testing.T) {
	all := dashboards(t)
	for name, parts := range map[string][]string{
		"dashboard-en": {
			"6,000 <small class=\"down\">−25 %", "3 March 2026</time> – <time", "compared with", "Source log is in no number on 2 days", "Visitors may be over on 1 days",
			"&#43;50 %", "−52 %", "2 more", "No newer result: the last run failed.", "counted from single pageviews at", "7 more", "Germany", "China", ">??<", "Phone", "watch",
			"Chinese (China)", "not a tag", "known crawlers", "Being counted", "Not counted", "2 d 23 h", "12,345 times", "&lt;u&gt;Title", "▲ 3", "device%3Amobile",
			`href="/d/blog?filter=device%3Amobile&amp;lang=en&amp;period=7d"`, `aria-label="Remove the filter Devices: Phone"`, "03-04", "Pages ≠", `data-every="1"`,
		},
		"dashboard-zh":      {"德国", "手机", "（直接访问或未说明）", "来源 log 在 2 天", "正在统计", "12,345 次", "2026年3月3日"},
		"dashboard-one":     {"The whole dashboard", `value="2026-03-03"`, `value="a&#34;b"`, "All pages", `<details class="days" open>`},
		"dashboard-nothing": {"Being counted", "<strong>–</strong> visitors"},
	} {
		for _, part := range parts {
			if !strings.Contains(all[name], part) {
				t.Errorf("%s does not say %q", name, part)
			}
		}
	}
	if strings.Contains(all["dashboard-en"], "filter=page%3A%21odd") {
		t.Error("a link filters by what it does not name")
	}
}
