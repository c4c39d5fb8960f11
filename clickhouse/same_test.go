package clickhouse_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/google/go-cmp/cmp"
)

// random are pageviews of a month, by one of the sources, and stays on some of them.
func random(r *rand.Rand, n int, sources ...pageview.Source) (b pageview.Batch) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	zone, _ := time.LoadLocation("Europe/London")
	begin := time.Date(2026, 3, 15, 0, 0, 0, 0, zone)
	for range n {
		at := begin.Add(time.Duration(r.Int64N(int64(30 * 24 * time.Hour)))).Truncate(time.Microsecond)
		v := pageview.Pageview{
			Site: "blog", At: at, Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: fmt.Sprint("/posts/", r.IntN(60)), Title: pick("", "Title"),
			Visitor: r.Uint64N(400), Referrer: pick("", "a.example", "b.example"), Browser: pick("Firefox", "Chrome"), System: pick("Linux", "Android", ""),
			Country: pick("FR", "CN"), Language: pick("en", ""), Bot: pick("", "", "", "agent"), Source: sources[r.IntN(len(sources))],
		}
		b.Pageviews = append(b.Pageviews, v)
		if r.IntN(4) == 0 {
			b.Stays = append(b.Stays, pageview.Stay{Site: "blog", At: at, Day: v.Day, Path: v.Path, Visitor: v.Visitor, For: time.Duration(r.Int64N(int64(time.Hour)))})
		}
	}
	return b
}

// TestTheSameAsDuckDB asks both engines the same, of the same pageviews, as these
// come: many at once and few, late ones, and of a source that counts in place of
// another. Answers are equal to the last digit, also of scores, and what was added
// up bit by bit is what is added up anew.
func TestTheSameAsDuckDB(t *testing.T) {
	server := clickhousetest.Start(t)
	for name, rate := range map[string]pageview.Rate{"any number is a person's": {}, "many in short are a bot's": {Pageviews: 3, Within: 3 * time.Hour}} {
		t.Run(name, func(t *testing.T) { sameAsDuckDB(t, server, rate) })
	}
}

func sameAsDuckDB(t *testing.T, server *clickhousetest.Server, rate pageview.Rate) {
	t.Helper()
	c, _ := blog(t, server)
	d, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := rand.New(rand.NewPCG(5, 5))
	site := pageview.Site{Name: "blog", Zone: "Europe/London", Rate: rate}
	if err := c.Drop(t.Context(), "blog"); err != nil { // it is in another zone
		t.Fatal(err)
	}
	for _, s := range []pageview.Store{c, d} {
		if _, err := s.Site(t.Context(), site); err != nil {
			t.Fatal(err)
		}
	}
	rounds := []pageview.Batch{random(r, 3000, pageview.SourceLog), random(r, 3, pageview.SourceLog), random(r, 40, pageview.SourceScript, pageview.SourceLog)}
	if prove() {
		for range 20 {
			rounds = append(rounds, random(r, 1+r.IntN(1000), pageview.SourceScript, pageview.SourceLog))
		}
	}
	for _, b := range rounds {
		for _, s := range []pageview.Store{c, d} {
			if err := s.Append(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		compareEngines(t, c, d, r)
	}
	if wrong, err := c.Recount(t.Context(), "blog", false); err != nil || len(wrong) > 0 {
		t.Errorf("what was added up differs from raw rows: %+v, %v", wrong, err)
	}
}

func compareEngines(t *testing.T, c *clickhouse.Store, d *duckdb.Store, r *rand.Rand) {
	t.Helper()
	for _, by := range pageview.Dimensions() {
		q := pageview.Query{Site: "blog", By: []pageview.Dimension{by}, Metrics: pageview.Metrics()[:3], Limit: 20, Bots: pageview.BotsExclude, Raw: r.IntN(2) == 0}
		if by == pageview.ByPage || by == pageview.ByMonth {
			q.Metrics = pageview.Metrics()
		}
		x, err := c.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		y, err := d.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		x.Through, y.Through, x.Rollup, y.Rollup = 0, 0, false, false
		if diff := cmp.Diff(x, y); diff != "" {
			t.Errorf("by %s, ClickHouse and DuckDB differ:\n%s", by, diff)
		}
	}
	for _, halfLife := range []time.Duration{6 * time.Hour, 7 * 24 * time.Hour, 25*time.Hour + time.Minute} {
		for _, window := range []time.Duration{0, 7 * 24 * time.Hour} {
			q := pageview.RankQuery{Site: "blog", HalfLife: halfLife, Window: window, Before: true, Earlier: 24 * time.Hour}
			x, err := c.Rank(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			y, err := d.Rank(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			x.Span.Through, y.Span.Through, x.Rollup, y.Rollup = 0, 0, false, false
			if diff := cmp.Diff(x, y); diff != "" {
				t.Errorf("half-life %s, window %s: ClickHouse and DuckDB differ:\n%s", halfLife, window, diff)
			}
		}
	}
}
