package chart_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/beforehand-go/beforehand/chart"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pictures are all the shapes a picture can take, by the name of their golden
// file.
func pictures() map[string]chart.Picture {
	return map[string]chart.Picture{
		"bars-year": chart.Bars{
			Title: "Pageviews by page and month", Description: "97.2 million pageviews of nine pages in a year.",
			Heading: true, Labels: months(12), Series: series(9, 12, 97_200_000/12/9),
		},
		"bars-narrow": chart.Bars{
			Title: "Pageviews by page and month", Width: 320, Plot: 200,
			Labels: months(12), Series: series(9, 12, 97_200_000/12/9),
		},
		"bars-empty":      chart.Bars{Title: "Pageviews", Heading: true, Labels: months(12)},
		"bars-one":        chart.Bars{Title: "Pageviews", Labels: months(1), Series: series(1, 1, 3)},
		"bars-zero":       chart.Bars{Title: "Pageviews", Labels: months(3), Series: series(2, 3, 0)},
		"bars-400-days":   chart.Bars{Title: "Pageviews by day", Labels: days(400), Series: series(4, 400, 1200)},
		"bars-30-series":  chart.Bars{Title: "Pageviews", Labels: months(6), Series: series(30, 6, 90_000)},
		"bars-other":      chart.Bars{Title: "Pageviews", Labels: months(4), Series: append(series(3, 4, 50), chart.Series{Name: "500 other pages", Values: []int64{40, 50, 60, 70}, Other: true})},
		"bars-long-names": longNames(),
		"bars-chinese": chart.Bars{
			Title: "每月页面浏览量 Pageviews by month", Heading: true,
			Labels: []string{"2026年1月", "2026年2月", "2026年3月"},
			Series: []chart.Series{
				{Name: "/文章/如何让慢页面变快", Values: []int64{12, 30, 22}},
				{Name: "/posts/hello-世界", Values: []int64{20, 11, 30}},
				{Name: "关于 About", Values: []int64{5, 6, 7}},
			},
			Words: chart.Words{Other: "其他"},
		},
		"bars-hostile": chart.Bars{
			Title: `<script>alert("1")</script> & 'x'`, Description: "]]> --> \x00\x0b\xff\ufffe",
			Labels: []string{"<b>", "&amp;", "\u202egnp.exe"},
			Series: []chart.Series{{Name: `"/><script>`, Values: []int64{1, 2, 3}}, {Name: "", Values: []int64{1, 1, 1}}},
		},
		"lines-year":     chart.Lines{Title: "Pageviews by page and month", Heading: true, Labels: months(12), Series: series(5, 12, 70_000)},
		"lines-compared": chart.Lines{Title: "Pageviews by day", Heading: true, Labels: days(30), Tips: days(30), Series: compared()},
		"lines-one":      chart.Lines{Title: "Pageviews", Labels: months(1), Series: series(2, 1, 30)},
		"lines-empty":    chart.Lines{Title: "Pageviews", Heading: true},
		"lines-narrow":   chart.Lines{Title: "Pageviews", Width: 320, Plot: 160, Labels: days(400), Series: series(12, 400, 1200)},
		"rows": chart.Ranking{
			Title: "Browsers", Description: "Pageviews by browser.", Heading: true, Plain: true,
			Rows: []chart.Row{{Name: "Firefox", Value: 812, Text: "812"}, {Name: "微信 WeChat", Value: 400, Text: "400"}, {Name: "", Value: 12, Text: "12"}, {Name: "other", Value: 900, Text: "900"}},
		},
		"spark":          chart.Spark{Title: "Pageviews by day", Labels: days(30), Values: compared()[0].Values},
		"spark-one":      chart.Spark{Title: "Pageviews", Labels: days(1), Values: []int64{7}},
		"spark-zero":     chart.Spark{Title: "Pageviews", Labels: days(3), Values: []int64{0, 0, 0}, Width: 80, Height: 20},
		"spark-empty":    chart.Spark{Title: "Pageviews"},
		"ranking":        chart.Ranking{Title: "Hot articles", Description: "The ten hottest articles.", Heading: true, Rows: rows()},
		"ranking-narrow": chart.Ranking{Title: "Hot articles", Width: 280, Rows: rows()},
		"ranking-empty":  chart.Ranking{Title: "Hot articles"},
	}
}

func months(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%d-%02d", 2025+(i+11)/12, (i+11)%12+1)
	}
	return all
}

func days(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("day %d", i+1)
	}
	return all
}

// series are n made-up series around a mean, the first the largest.
func series(n, labels int, mean int64) []chart.Series {
	all := make([]chart.Series, n)
	for i := range all {
		values := make([]int64, labels)
		for j := range values {
			values[j] = mean * int64(40+(i*37+j*23+i*j*7)%60) / 60 * int64(2*n-i) / int64(2*n)
		}
		all[i] = chart.Series{Name: fmt.Sprintf("/page/%d", i+1), Values: values}
	}
	return all
}

// compared is a month beside the one before.
func compared() []chart.Series {
	s := series(2, 30, 4000)
	s[0].Name, s[1].Name, s[1].Other = "pageviews", "in the period before", true
	s[0].Open, s[0].Area = true, true
	return s
}

func longNames() chart.Bars {
	b := chart.Bars{Title: "A title so long that it cannot be written above the bars in one line, and is therefore shortened in its middle, like everything else here", Heading: true}
	b.Labels = []string{"the week that begins on Monday 5 January 2026", "the week that begins on Monday 12 January 2026"}
	for i := range 5 {
		b.Series = append(b.Series, chart.Series{
			Name:   fmt.Sprintf("/2026/01/a-very-long-page-path-that-says-everything-about-its-article/part-%d/", i),
			Values: []int64{int64(1000 * (i + 1)), 2500},
		})
	}
	return b
}

func rows() []chart.Row {
	places := func(n int) *int { return &n }
	return []chart.Row{
		{Name: "Why the hourly job ran twice", Value: 98.4, Text: "1,204,331", Change: places(0)},
		{Name: "让慢页面变快：先算好再给人看", Value: 71, Text: "803,120", Change: places(2)},
		{Name: "/2026/11/a-very-long-page-path-that-says-everything-about-its-article-and-then-some/and-more/", Value: 44.4, Change: places(-1)},
		{Name: "Café, naïveté & <angle brackets>", Value: 12, Change: nil},
		{Name: "nothing", Value: 0, Change: places(-12)},
	}
}

func TestGolden(t *testing.T) {
	for name, p := range pictures() {
		t.Run(name, func(t *testing.T) {
			var got, again bytes.Buffer
			if err := p.SVG(&got); err != nil {
				t.Fatal(err)
			}
			if err := p.SVG(&again); err != nil || !bytes.Equal(got.Bytes(), again.Bytes()) {
				t.Errorf("drawn twice, it differs (%v)", err)
			}
			file := filepath.Join("testdata", name+".svg")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("differs from %s; look at it and run go test -update", file)
			}
		})
	}
}
