package web_test

import (
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/web"
)

// sample is a site with everything there is to show.
func sample() web.Data {
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	now := time.Date(2026, 11, 22, 14, 20, 0, 0, zone)
	d := web.Data{
		Site: "default", Title: "A nine-page blog", Now: now, Zone: zone,
		LiveURL: "/live/", LiveTook: 3620 * time.Millisecond,
		Totals: web.Totals{
			Pageviews: 97_200_000, Visitors: 41_822_917, Pages: 412,
			First: now.AddDate(-1, 0, 1), Last: now,
		},
		Pageviews: web.Report{
			Name: "pageviews", AsOf: now.Truncate(time.Hour), Next: now.Truncate(time.Hour).Add(time.Hour),
			Took: 1812 * time.Millisecond, LiveTook: 1795 * time.Millisecond, ReaderWait: 81 * time.Microsecond,
		},
	}
	d.Hot = d.Pageviews
	d.Hot.Name, d.Hot.Took, d.Hot.LiveTook, d.Hot.ReaderWait = "hot", 1770*time.Millisecond, 1803*time.Millisecond, 74*time.Microsecond
	for m := range 12 {
		d.Chart.Labels = append(d.Chart.Labels, now.AddDate(0, m-11, 0).Format("2006-01"))
	}
	for p := range 9 {
		s := chart.Series{Name: fmt.Sprintf("/page/%d", p+1)}
		for m := range 12 {
			s.Values = append(s.Values, int64(900_000+(p*37+m*23+p*m*7)%60*9_973))
		}
		d.Chart.Series = append(d.Chart.Series, s)
	}
	places := func(n int) *int { return &n }
	for i, title := range []string{
		"Why the hourly job ran twice", "让慢页面变快：先算好再给人看", "", "Counting visitors without cookies",
		"Daylight saving, explained with a kitchen timer", "Café, naïveté & <angle brackets>", "One file, one writer",
		"A hundred million rows on a laptop", "", "关于 About",
	} {
		d.Items = append(d.Items, web.Item{
			Rank: i + 1, Path: fmt.Sprintf("/2026/11/article-number-%d/", 17*(i+3)), Title: title,
			Pageviews: int64(1_204_331 / (i + 1)), Visitors: int64(803_120 / (i + 1)), Score: 98.4 / float64(i+1),
			Change: []*int{places(0), places(2), places(-1), nil, places(12), places(-3)}[i%6],
		})
	}
	for i := range d.Items {
		d.Items[i].URL = "https://blog.example" + d.Items[i].Path
	}
	d.Items[2].Path = "/2026/11/a-very-long-page-path-that-says-everything-about-its-article-and-then-some/and-more/"
	return d
}
