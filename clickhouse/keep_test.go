package clickhouse_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/pageview"
)

// seen is a pageview of the site blog.
func seen(at, path string, visitor uint64) pageview.Pageview {
	when, err := time.Parse(time.DateTime, at)
	if err != nil {
		panic(err)
	}
	return pageview.Pageview{
		Site: "blog", At: when, Day: pageview.DayOf(when), Hour: pageview.HourOf(when), Path: path, Visitor: visitor, Source: pageview.SourceScript,
	}
}

// blog is a store with a site of that name, in a database of its own.
func blog(t *testing.T, server *clickhousetest.Server) (*clickhouse.Store, clickhouse.Config) {
	t.Helper()
	c := clickhouse.Config{URL: server.Database(t), Spool: filepath.Join(t.TempDir(), "spool.db")}
	s := open(t, c)
	t.Cleanup(func() { s.Close() })
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func keep(t *testing.T, s *clickhouse.Store, views ...pageview.Pageview) {
	t.Helper()
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: views}); err != nil {
		t.Fatal(err)
	}
}

// total is the sum of everything, from rollups or from raw rows.
func total(t *testing.T, s *clickhouse.Store, raw bool) pageview.Values {
	t.Helper()
	a, err := s.Query(t.Context(), pageview.Query{Site: "blog", Raw: raw, Metrics: pageview.Metrics()})
	if err != nil || a.Rollup == raw {
		t.Fatalf("from rollups %t, error %v", a.Rollup, err)
	}
	return a.Total
}

// pages are what pages have, from rollups.
func pages(t *testing.T, s *clickhouse.Store) string {
	t.Helper()
	a, err := s.Query(t.Context(), pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByPage}, Metrics: pageview.Metrics()})
	if err != nil || !a.Rollup {
		t.Fatalf("from rollups %t, error %v", a.Rollup, err)
	}
	r, err := s.Rank(t.Context(), pageview.RankQuery{Site: "blog", Until: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), HalfLife: 48 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v %+v", a.Rows, r.Pages)
}

// some are pageviews of three days, and a stay.
func some(t *testing.T, s *clickhouse.Store) {
	t.Helper()
	var views []pageview.Pageview
	for i := range 60 {
		views = append(views, seen(fmt.Sprintf("2026-01-%02d 10:%02d:00", 1+i%3, i), fmt.Sprint("/", i%4), uint64(1+i%7)))
	}
	stay := pageview.Stay{Site: "blog", At: views[0].At, Day: views[0].Day, Path: views[0].Path, Visitor: 1, For: 4 * time.Second}
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: views, Stays: []pageview.Stay{stay}}); err != nil {
		t.Fatal(err)
	}
}

func TestKeeping(t *testing.T) {
	server := clickhousetest.Start(t)
	for name, f := range map[string]func(t *testing.T, server *clickhousetest.Server){
		"what is deleted stays added up":               retain,
		"a site that is deleted is gone":               drop,
		"a recount finds and repairs what is wrong":    recount,
		"rows that are lost are told of, and accepted": lose,
		"old versions are deleted, used ones stay":     sweep,
		"what is read and exported is all there is":    read,
		"a long ledger becomes a short one":            condenses,
		"columns that came later are added":            widens,
	} {
		t.Run(name, func(t *testing.T) { f(t, server) })
	}
}

func retain(t *testing.T, server *clickhousetest.Server) {
	s, c := blog(t, server)
	some(t, s)
	before, ranked := total(t, s, false), pages(t, s)
	third := seen("2026-01-03 00:00:00", "/", 1).Day
	if n, err := s.Retain(t.Context(), "blog", third); err != nil || n != 40 {
		t.Fatalf("%d pageviews deleted, error %v", n, err)
	}
	if n, err := s.Retain(t.Context(), "blog", third); err != nil || n != 0 {
		t.Fatalf("%d pageviews deleted again, error %v", n, err)
	}
	check := func(s *clickhouse.Store) {
		t.Helper()
		if got := total(t, s, false); got != before {
			t.Errorf("added up %+v, want %+v", got, before)
		}
		if got := pages(t, s); got != ranked {
			t.Errorf("pages\n%s, want\n%s", got, ranked)
		}
	}
	check(s)
	if raw := total(t, s, true); raw.Pageviews != 20 {
		t.Errorf("raw rows %+v", raw)
	}
	for i := range 2 { // what comes late is added, also after it is deleted in its turn
		keep(t, s, seen("2026-01-01 10:00:30", "/late", 1))
		if before.Pageviews++; total(t, s, false) != before {
			t.Errorf("with %d late: %+v, want %+v", i+1, total(t, s, false), before)
		}
		ranked = pages(t, s)
		if n, err := s.Retain(t.Context(), "blog", third); err != nil || n != 1 {
			t.Errorf("%d late pageviews deleted, error %v", n, err)
		}
		check(s)
	}
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Precedence: pageview.Precedence{{pageview.SourceLog}}}); err != nil {
		t.Fatal(err)
	}
	check(s)
	days, err := s.Sources(t.Context(), "blog", third-2, third)
	if err != nil || len(days) != 3 || days[0].Pageviews != 22 {
		t.Errorf("sources %+v, error %v", days, err)
	}
	if wrong, err := s.Recount(t.Context(), "blog", false); err != nil || len(wrong) > 0 {
		t.Errorf("wrong %+v, error %v", wrong, err)
	}
	if err := s.Sweep(t.Context(), time.Now().Add(100*time.Hour)); err != nil {
		t.Error(err)
	}
	s.Close()
	s = open(t, c)
	defer s.Close()
	check(s)
}

// widens opens tables of a program that knew some of their columns only.
func widens(t *testing.T, server *clickhousetest.Server) {
	s, c := blog(t, server)
	some(t, s)
	want := pages(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	days := filepath.Base(c.URL) + ".days"
	server.Exec(t, "ALTER TABLE "+days+" DROP COLUMN spools, DROP COLUMN blocks, DROP COLUMN left_out")
	server.Exec(t, "ALTER TABLE "+days+" ADD COLUMN spools Array(UInt64)")
	s = open(t, c)
	defer s.Close()
	if got := pages(t, s); got != want {
		t.Errorf("pages %s, want %s", got, want)
	}
	if got := server.Ask(t, "SELECT count() FROM system.columns WHERE database || '.days' = '"+days+"' AND table = 'days' AND name IN ('spools', 'blocks', 'left_out')"); got != "3" {
		t.Errorf("%s of three columns are there", got)
	}
}

func drop(t *testing.T, server *clickhousetest.Server) {
	s, c := blog(t, server)
	if _, err := s.Site(t.Context(), pageview.Site{Name: "other", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	some(t, s)
	other := seen("2026-01-01 10:00:00", "/", 1)
	other.Site = "other"
	keep(t, s, other)
	if err := s.Append(t.Context(), pageview.Batch{Mark: &pageview.MarkStep{Site: "blog", Source: "table", To: "7"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Drop(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	if err := s.Drop(t.Context(), "blog"); err == nil {
		t.Error("a site was deleted twice")
	}
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{seen("2026-01-01 10:00:00", "/", 1)}}); err == nil {
		t.Error("a pageview of a deleted site was taken")
	}
	if v, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "Asia/Shanghai"}); err != nil || v.Zone != "Asia/Shanghai" {
		t.Errorf("made again %+v, error %v", v, err)
	}
	if got := total(t, s, false); got != (pageview.Values{}) {
		t.Errorf("of the new site %+v", got)
	}
	if at, err := s.Mark(t.Context(), "blog", "table"); err != nil || at != "" {
		t.Errorf("mark %q, error %v", at, err)
	}
	keep(t, s, seen("2026-01-01 10:00:00", "/", 1))
	s.Close()
	s = open(t, c)
	defer s.Close()
	if got := total(t, s, false); got.Pageviews != 1 {
		t.Errorf("of the new site %+v, want one", got)
	}
	if all, err := s.Totals(t.Context()); err != nil || all.Pageviews != 2 || all.Stays != 0 {
		t.Errorf("all %+v, error %v", all, err)
	}
}

// condenses has very many rows of the ledger become few. Who knows them already,
// and who begins with the sums, sees the same.
func condenses(t *testing.T, server *clickhousetest.Server) {
	s, c := blog(t, server)
	some(t, s)
	for i := range 3 {
		if err := s.Append(t.Context(), pageview.Batch{Mark: &pageview.MarkStep{Site: "blog", Source: "table", From: []string{"", "0", "1"}[i], To: fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	want := total(t, s, false)
	database := filepath.Base(c.URL)
	for _, of := range []string{"kind = 0 AND pageviews > 0", "kind = 1"} { // as after hours
		server.Exec(t, fmt.Sprintf(`INSERT INTO %[1]s.ledger (kind, site, name, spool, block, day, source, bot, pageviews, stays, value)
			SELECT kind, site, name, spool, block - n, day, source, bot, toInt64(0), toInt64(0), value
			FROM (SELECT * FROM %[1]s.ledger WHERE %[2]s ORDER BY block LIMIT 1) ARRAY JOIN range(toUInt64(12000)) AS n WHERE n > 0`, database, of))
	}
	rows := func() string {
		return server.Ask(t, fmt.Sprintf("SELECT groupArray((kind, n)) FROM (SELECT kind, count() AS n FROM %s.ledger GROUP BY kind ORDER BY kind)", database))
	}
	same := func(when string, s *clickhouse.Store, more int64) {
		t.Helper()
		want := want
		want.Pageviews, want.Visits, want.Visitors = want.Pageviews+more, want.Visits+more, want.Visitors+more
		if got := total(t, s, false); got != want {
			t.Errorf("%s: %+v from what is added up, want %+v", when, got, want)
		}
		if got := total(t, s, true); got != want {
			t.Errorf("%s: %+v from raw rows, want %+v", when, got, want)
		}
		if wrong, err := s.Recount(t.Context(), "blog", false); err != nil || len(wrong) > 0 {
			t.Errorf("%s: wrong %+v, error %v", when, wrong, err)
		}
		if at, err := s.Mark(t.Context(), "blog", "table"); err != nil || at != "2" {
			t.Errorf("%s: mark %q, error %v", when, at, err)
		}
	}
	begins := func(when string, more int64) {
		t.Helper()
		c.Spool = filepath.Join(t.TempDir(), "spool.db")
		other := open(t, c)
		same(when+", of a store that begins", other, more)
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
	now := time.Now()
	for i, wanted := range []string{"[(0,12006),(1,2),(4,5)]", "[(1,2),(4,5)]", "[(1,2),(4,5)]"} {
		if err := s.Sweep(t.Context(), now.Add(time.Duration(2+i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := rows(); got != wanted {
			t.Errorf("sweep %d: rows by kind %s, want %s", i, got, wanted)
		}
		same(fmt.Sprint("sweep ", i), s, 0)
		begins(fmt.Sprint("sweep ", i), 0)
	}
	keep(t, s, seen("2026-01-02 20:00:00", "/new", 1000))
	same("with one more", s, 1)
	begins("with one more", 1)
}

func recount(t *testing.T, server *clickhousetest.Server) {
	s, c := blog(t, server)
	some(t, s)
	before := total(t, s, false)
	check := func(repair bool, want int) []pageview.Wrong {
		t.Helper()
		wrong, err := s.Recount(t.Context(), "blog", repair)
		if err != nil || len(wrong) != want {
			t.Errorf("wrong %+v, want %d, error %v", wrong, want, err)
		}
		return wrong
	}
	check(false, 0)
	database := filepath.Base(c.URL)
	server.Exec(t, fmt.Sprintf(`INSERT INTO %[1]s.rollups SELECT site, dimension, month, day, key, version, 9, 0, 0, 0, 0 FROM %[1]s.rollups
		WHERE dimension = 1 AND day = %d AND (day, version) IN (SELECT day, version FROM %[1]s.days)`, database, seen("2026-01-02 00:00:00", "/", 1).Day))
	if wrong := check(false, 1); len(wrong) == 1 && (wrong[0].Day.String() != "2026-01-02" || wrong[0].Dimension != "page" || wrong[0].Values != 4) {
		t.Errorf("wrong %+v", wrong)
	}
	check(true, 1)
	check(false, 0)
	if got := total(t, s, false); got != before {
		t.Errorf("after the repair %+v, want %+v", got, before)
	}
}

// lose has ClickHouse lose rows, as a server without fsync does with its power.
func lose(t *testing.T, server *clickhousetest.Server) {
	s, c := blog(t, server)
	some(t, s)
	total(t, s, true) // so that all are sent, and none is added up
	server.Exec(t, "ALTER TABLE "+filepath.Base(c.URL)+".pageviews DELETE WHERE path = '/1'")
	for server.Ask(t, "SELECT count() FROM system.mutations WHERE NOT is_done") != "0" {
		time.Sleep(10 * time.Millisecond) // for a server
	}
	a, err := s.Query(t.Context(), pageview.Query{Site: "blog"})
	if err != nil || a.Rollup || a.Total.Pageviews != 45 {
		t.Errorf("%+v, error %v", a, err)
	}
	wrong, err := s.Recount(t.Context(), "blog", false)
	if err != nil || len(wrong) != 3 || wrong[0].Dimension != "rows" || wrong[0].Values != 5 {
		t.Errorf("wrong %+v, error %v", wrong, err)
	}
	if _, err := s.Recount(t.Context(), "blog", true); err != nil {
		t.Fatal(err)
	}
	if wrong, err := s.Recount(t.Context(), "blog", false); err != nil || len(wrong) > 0 {
		t.Errorf("wrong %+v, error %v", wrong, err)
	}
	if v := total(t, s, false); v.Pageviews != 45 {
		t.Errorf("%+v", v)
	}
}

func sweep(t *testing.T, server *clickhousetest.Server) {
	s, c := blog(t, server)
	for i := range 5 {
		keep(t, s, seen(fmt.Sprintf("2026-01-01 10:%02d:00", i), "/", uint64(i)))
		total(t, s, false)
	}
	count := func() string {
		return server.Ask(t, "SELECT uniqExact(version) FROM "+filepath.Base(c.URL)+".rollups")
	}
	for _, step := range []struct {
		later time.Duration
		want  string
	}{{0, "5"}, {30 * time.Minute, "5"}, {2 * time.Hour, "1"}} {
		if err := s.Sweep(t.Context(), time.Now().Add(step.later)); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != step.want {
			t.Errorf("after %s there are %s versions, want %s", step.later, n, step.want)
		}
	}
	if got := total(t, s, false); got.Pageviews != 5 {
		t.Errorf("%+v", got)
	}
}

func read(t *testing.T, server *clickhousetest.Server) {
	s, _ := blog(t, server)
	some(t, s)
	v := seen("2025-12-31 10:00:00", "/title", 1<<63+1)
	v.Title, v.Campaign.Name, v.Bot = "Title", "spring", "agent"
	b := pageview.Batch{Pageviews: []pageview.Pageview{v}, Key: &pageview.Key{Token: "t", Name: "k", Digest: [32]byte{1, 2}}}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	place, stays := "", 0
	for {
		b, next, err := s.Read(t.Context(), "blog", place, 7)
		if err != nil {
			t.Fatal(err)
		}
		if next == place {
			break
		}
		place = next
		stays += len(b.Stays)
		for _, v := range b.Pageviews {
			all[fmt.Sprintf("%+v", v)]++
		}
	}
	n := 0
	for _, times := range all {
		n += times
	}
	if n != 61 || stays != 1 || all[fmt.Sprintf("%+v", v)] != 1 {
		t.Errorf("%d pageviews, %d stays, %d of %+v", n, stays, all[fmt.Sprintf("%+v", v)], v)
	}
	known, err := s.Known(t.Context())
	if err != nil || len(known.Sites) != 1 || len(known.Keys) != 1 || known.Keys[0] != *b.Key {
		t.Errorf("known %+v, error %v", known, err)
	}
	dir := t.TempDir()
	totals, err := s.Export(t.Context(), dir, "csv")
	if err != nil || totals.Pageviews != 61 || totals.Stays != 1 {
		t.Fatalf("%+v, error %v", totals, err)
	}
	f, err := os.Open(filepath.Join(dir, "pageviews.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := csv.NewReader(f).ReadAll(); err != nil || len(rows) != 62 || rows[1][5] != "Title" {
		t.Errorf("%d rows, error %v", len(rows), err)
	}
	if _, err := s.Export(t.Context(), dir, "xml"); err == nil {
		t.Error("an unknown format was taken")
	}
}
