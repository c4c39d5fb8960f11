package report_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

const site = "blog"

func store(t *testing.T) pageview.Store {
	t.Helper()
	s, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Site(t.Context(), pageview.Site{Name: site, Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	return s
}

// add adds n pageviews of a page at a time, each by another visitor.
func add(t *testing.T, s pageview.Store, path, at string, n int) {
	t.Helper()
	v, err := time.Parse(time.DateTime, at)
	if err != nil {
		t.Fatal(err)
	}
	var b pageview.Batch
	for i := range n {
		b.Pageviews = append(b.Pageviews, pageview.Pageview{
			Site: site, At: v, Day: pageview.DayOf(v), Hour: pageview.HourOf(v), Path: path, Visitor: uint64(i) + 1, Source: pageview.SourceLog,
		})
	}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func marshal(t *testing.T, v any, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPageviews(t *testing.T) {
	s := store(t)
	p, _, err := report.CountPageviews(t.Context(), s, report.PageviewsQuery{Site: site})
	if got := marshal(t, p, err); got != `{"unit":"month","labels":[],"series":[],"total":0}` {
		t.Errorf("nothing: %s", got)
	}
	add(t, s, "/a", "2025-11-30 10:00:00", 3)
	add(t, s, "/b", "2026-01-01 00:00:00", 4)
	add(t, s, "/a", "2026-02-28 23:59:59", 2)
	p, span, err := report.CountPageviews(t.Context(), s, report.PageviewsQuery{Site: site})
	const want = `{"unit":"month","labels":["2025-11","2025-12","2026-01","2026-02"],` +
		`"series":[{"path":"/a","values":[3,0,0,2]},{"path":"/b","values":[0,0,4,0]}],"total":9}`
	if got := marshal(t, p, err); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if span.Through != 9 {
		t.Errorf("counted through %d", span.Through)
	}
}

func TestPageviewsBeyondTheMostViewedAreAddedUp(t *testing.T) {
	s := store(t)
	for i := range 6 {
		add(t, s, fmt.Sprintf("/p%d", i), "2026-01-01 00:00:00", i+1)
	}
	for _, c := range []struct {
		pages int
		want  string
	}{
		{2, `[{/p5 [6]} {/p4 [5]} {other [10]}]`},
		{5, `[{/p5 [6]} {/p4 [5]} {/p3 [4]} {/p2 [3]} {/p1 [2]} {/p0 [1]}]`},
	} {
		p, _, err := report.CountPageviews(t.Context(), s, report.PageviewsQuery{Site: site, Pages: c.pages})
		if got := fmt.Sprint(p.Series); err != nil || got != c.want || p.Total != 21 {
			t.Errorf("%d pages: %s, total %d, error %v", c.pages, got, p.Total, err)
		}
	}
}
