package clickhouse_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/pageview"
)

// TestOneVisitorSeesVeryManyPages adds up a day on which one visitor saw more
// pages than ClickHouse could hold the square of.
func TestOneVisitorSeesVeryManyPages(t *testing.T) {
	const n, half = 40_000, 20_000
	s := open(t, clickhouse.Config{URL: clickhousetest.Start(t).Database(t), Spool: filepath.Join(t.TempDir(), "spool.db")})
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var views []pageview.Pageview
	for i := range n {
		if i == half {
			at = at.Add(time.Hour)
		}
		at = at.Add(time.Second)
		views = append(views, pageview.Pageview{
			Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: fmt.Sprint("/", i%3), Visitor: 7, Source: pageview.SourceAPI,
		})
	}
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: views}); err != nil {
		t.Fatal(err)
	}
	a, err := s.Query(t.Context(), pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByEntry}, Metrics: []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisits, pageview.MetricVisitors}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (pageview.Values{Pageviews: n, Visits: 2, Visitors: 1}); a.Total != want {
		t.Errorf("%+v, want %+v", a.Total, want)
	}
	if len(a.Rows) != 2 || a.Rows[0].Keys[0] != "/0" && a.Rows[1].Keys[0] != "/0" {
		t.Errorf("entries %+v", a.Rows)
	}
}
