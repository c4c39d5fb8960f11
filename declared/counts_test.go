package declared_test

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/declared"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/yamlfile"
	"github.com/beforehand-go/beforehand/pageview"
)

// known is a store whose site has, today and yesterday, some pageviews.
func known(t *testing.T) declared.Site {
	t.Helper()
	s, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	var b pageview.Batch
	add := func(days int, path, browser string, n int) {
		at := time.Now().UTC().AddDate(0, 0, -days).Truncate(24 * time.Hour)
		for i := range n {
			b.Pageviews = append(b.Pageviews, pageview.Pageview{
				Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: path, Browser: browser,
				Visitor: uint64(i) + 1, Source: pageview.SourceScript,
			})
		}
	}
	add(0, "/a", "Firefox", 5)
	add(0, "/b", "", 2)
	add(0, "/c", "Chrome", 1)
	add(1, "/a", "Firefox", 4)
	add(1, "/d", "Chrome", 3)
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return declared.Site{Name: "blog", Zone: time.UTC, Store: s}
}

// counts reads a report as the file has it.
func counts(t *testing.T, text string) *declared.Report {
	t.Helper()
	var c declared.Config
	if err := yamlfile.Decode("x.yaml", []byte("name: top\n"+text), &c); err != nil {
		t.Fatal(err)
	}
	return &declared.Report{Config: c}
}

var tips = regexp.MustCompile(`<title>([^<]*)</title>`)

// told are the titles and tooltips of a picture.
func told(svg []byte) string {
	var list []string
	for _, m := range tips.FindAllSubmatch(svg, -1) {
		list = append(list, strings.ReplaceAll(string(m[1]), "&#xA;", ", "))
	}
	return strings.Join(list, " | ")
}

func TestCountsAreDrawnWithTheirNumbers(t *testing.T) {
	site := known(t)
	today, yesterday := time.Now().UTC().Format(time.DateOnly), time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	days := strings.NewReplacer("TODAY", today, "YESTERDAY", yesterday)
	for _, c := range []struct{ text, want string }{
		{
			"by: browser\nperiod: today\nmetrics: pageviews",
			"Pageviews by browser, today | Firefox: 5 | (not known): 2 | Chrome: 1",
		},
		{
			"by: browser\nperiod: today\nmetrics: pageviews\ncompare: previous\nlimit: 1\ntitle: Programs",
			"Programs | Firefox: 5 (+25 %) | 2 other: 3",
		},
		{
			"by: day\nperiod: last 2 days\nmetrics: [pageviews, visitors]",
			"Pageviews by day, last 2 days | YESTERDAY: 7, pageviews: 7 | TODAY: 8, pageviews: 8 | pageviews: 15",
		},
		{
			"by: day\nperiod: last 2 days\nmetrics: pageviews\nchart: lines\ncompare: previous",
			"Pageviews by day, last 2 days | YESTERDAY, pageviews: 7, pageviews before: 0 | TODAY, pageviews: 8, pageviews before: 0 | pageviews: 15 | pageviews before: 0",
		},
		{
			"by: [page, day]\nperiod: last 2 days\nmetrics: pageviews\nlimit: 1",
			"Pageviews by page and day, last 2 days | YESTERDAY: 7, other: 3, /a: 4 | TODAY: 8, other: 3, /a: 5 | /a: 9 | other: 6",
		},
		{
			"by: day\nperiod: last 3 days\nmetrics: visitors\nchart: spark",
			"Visitors by day, last 3 days | …",
		},
		{
			"by: [browser, page]\nperiod: all\nmetrics: pageviews\nfilter: [browser:Chrome, page:!/c]",
			"Pageviews by browser and page | Chrome, /d: 3",
		},
	} {
		r := counts(t, c.text)
		r.Site = site
		files, err := r.Make(t.Context())
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got := told(files["svg"])
		want := days.Replace(c.want)
		begin, cut := strings.CutSuffix(want, "…")
		if cut && strings.HasPrefix(got, begin) {
			got = want
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, want)
		}
		if !strings.HasPrefix(string(files["png"]), "\x89PNG") || !strings.HasPrefix(string(files["json"]), `{"rows":[{`) {
			t.Errorf("%s: no picture or no numbers", c.text)
		}
	}
}

// TestAStackOfMetricsIsNoSum: bars of two metrics would add up what overlaps.
func TestAStackOfMetricsIsNoSum(t *testing.T) {
	r := counts(t, "by: day\nperiod: today\nmetrics: [pageviews, visitors]")
	r.Site = known(t)
	files, err := r.Make(t.Context())
	if err != nil || strings.Contains(told(files["svg"]), ": 13") {
		t.Errorf("%s, error %v", told(files["svg"]), err)
	}
}

// TestTheProbeChangesWithThePageviewsAndTheDay would spare a run otherwise.
func TestTheProbeChangesWithThePageviewsAndTheDay(t *testing.T) {
	site := known(t)
	probe := func(r *declared.Report) string {
		t.Helper()
		r.Site = site
		answer, err := r.Probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	r := counts(t, "by: day")
	before := probe(r)
	if again := probe(r); again != before {
		t.Errorf("%s after %s, though nothing came", again, before)
	}
	now := time.Now().UTC()
	err := site.Store.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{{
		Site: "blog", At: now, Day: pageview.DayOf(now), Hour: pageview.HourOf(now), Path: "/", Source: pageview.SourceScript,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if again := probe(r); again == before {
		t.Errorf("still %s, though a pageview came", again)
	}
	synctest.Test(t, func(t *testing.T) {
		site := declared.Site{Name: "blog", Zone: time.UTC, Store: spanOnly{}}
		a, b := counts(t, "by: day"), counts(t, "by: day\nperiod: all")
		a.Site, b.Site = site, site
		ask := func(r *declared.Report) string { s, _ := r.Probe(t.Context()); return s }
		day, all := ask(a), ask(b)
		time.Sleep(25 * time.Hour)
		if ask(a) == day {
			t.Error("the last 30 days are the same the day after")
		}
		if ask(b) != all {
			t.Error("all the time there was is another the day after")
		}
	})
}

type spanOnly struct{ pageview.Store }

func (spanOnly) Span(context.Context, string) (pageview.Span, error) {
	return pageview.Span{Through: 7}, nil
}

// TestEveryChartOfRows draws what a query, a command or a URL gives.
func TestEveryChartOfRows(t *testing.T) {
	for _, kind := range declared.Charts {
		r := report(declared.Config{Chart: kind, Source: declared.Source{Run: script(t, `printf 'day,a,b\nx,3,4\ny,5,6\n'`)}})
		files, err := r.Make(t.Context())
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		want := map[string]string{
			"bars": "top | x: 7, b: 4, a: 3 | y: 11, b: 6, a: 5 | a: 8 | b: 10", "lines": "top | x, a: 3, b: 4 | y, a: 5, b: 6 | a: 8 | b: 10",
			"rows": "top | x: 3 | y: 5", "spark": "top | x: 3 | y: 5",
		}[kind]
		if got := told(files["svg"]); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
		if (files["png"] != nil) != (want != "") {
			t.Errorf("%s: a picture of pixels: %v", kind, files["png"] != nil)
		}
	}
}
