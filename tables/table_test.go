package tables_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/collect/collecttest"
	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/tables"
)

const site = collecttest.Site

// newTable is a table to read, of a store of its own.
func newTable(t *testing.T, url string, c tables.Config) *tables.Table {
	t.Helper()
	db, err := database.Open(database.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &tables.Table{
		Config: c, Site: &collect.Site{Name: site, Zone: time.UTC}, DB: db,
		Store: collecttest.Store(t, "UTC"), Intake: collecttest.Intake(t),
	}
}

// newSQLite is an empty database with a connection that may write.
func newSQLite(t *testing.T) (url string, w *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.db")
	w, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(0)&_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return "sqlite:" + path, w
}

func exec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// must reads the table.
func must(t *testing.T, table *tables.Table) collect.Summary {
	t.Helper()
	return mustAt(t, table, time.Now())
}

func mustAt(t *testing.T, table *tables.Table, now time.Time) collect.Summary {
	t.Helper()
	s, err := table.RunAt(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	if sum(s.LeftOut)+s.Pageviews != s.Lines {
		t.Errorf("%d rows, %d pageviews, left out %v", s.Lines, s.Pageviews, s.LeftOut)
	}
	return s
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// counted is what a store counts by page.
func counted(t *testing.T, store pageview.Store) map[string]int64 {
	t.Helper()
	a, err := store.Query(t.Context(), pageview.Query{Site: site, By: []pageview.Dimension{pageview.ByPage}})
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]int64{}
	for _, r := range a.Rows {
		pages[r.Keys[0]] = r.Pageviews
	}
	return pages
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"

// visits is a table as a site may have it, and its configuration.
const createVisits = "CREATE TABLE visits (id INTEGER PRIMARY KEY, seen_at DATETIME, path VARCHAR(200), ip VARCHAR(50), agent VARCHAR(200), host VARCHAR(100))"

func visits() tables.Config {
	return tables.Config{
		Name: "visits", Table: "visits", Key: "id",
		Columns: tables.Columns{At: "seen_at", URL: "path", Addr: "ip", Agent: "agent", Host: "host"},
	}
}

func TestRowsBecomePageviewsAndWhatIsLeftOutHasItsReason(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, createVisits)
	insert := func(at, path, agent, host any) {
		exec(t, w, "INSERT INTO visits (seen_at, path, ip, agent, host) VALUES (?, ?, '203.0.113.9', ?, ?)", at, path, agent, host)
	}
	insert("2026-01-02 03:04:05.678", "/a?utm_source=news", firefox, "blog.example")
	insert("2026-01-02T03:04:05Z", "/a", firefox, "www.blog.example:443")
	insert(1767323045, "https://blog.example/b#top", firefox, nil)
	insert(1767323045000, "/b", firefox, nil)
	insert(nil, "/b", firefox, nil)
	insert("", "/b", firefox, nil)
	insert("yesterday", "/b", firefox, nil)
	insert("2026-01-02", nil, firefox, nil)
	insert("2026-01-02", "b", firefox, nil)
	insert("2026-01-02", "/x.css", firefox, nil)
	insert("2026-01-02", "/b", "curl/8", nil)
	insert("2026-01-02", "/b", firefox, "other.example")
	insert("1994-01-02", "/b", firefox, nil)
	insert("2099-01-02", "/b", firefox, nil)
	insert(3.5, "/b\x00\xff", firefox, nil)
	table := newTable(t, url, visits())
	table.Site.Hosts = []string{"blog.example"}
	s := must(t, table)
	want := map[string]int64{
		"no_time": 2, "bad_time": 1, "not_a_page": 2, "static_file": 1, "bot": 1, "other_host": 1, "time": 3,
	}
	if s.Lines != 15 || s.Pageviews != 4 || !reflect.DeepEqual(s.LeftOut, want) {
		t.Errorf("%+v", s)
	}
	if len(s.BrokenLines) != 1 || s.BrokenLines[0].Line != 7 || strings.Contains(s.BrokenLines[0].Why, "yesterday") {
		t.Errorf("broken %+v", s.BrokenLines)
	}
	if got := counted(t, table.Store); !reflect.DeepEqual(got, map[string]int64{"/a": 2, "/b": 2}) {
		t.Errorf("counted %v", got)
	}
	if s := must(t, table); s.Lines != 0 {
		t.Errorf("again: %+v", s)
	}
	insert("2026-01-03", "/c", firefox, nil)
	if s := must(t, table); s.Lines != 1 || s.Pageviews != 1 {
		t.Errorf("what came since: %+v", s)
	}
}

func TestFieldsMayBeConstantsAndTextsWithColumns(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, "CREATE TABLE visits (id INTEGER PRIMARY KEY, t INTEGER, slug TEXT, `a``b` TEXT)")
	exec(t, w, "INSERT INTO visits VALUES (1, 1767323045, 'what?', 'FR'), (2, 1767323045, 'ça va', NULL)")
	table := newTable(t, url, tables.Config{
		Name: "visits", Table: "visits", Key: "id",
		Columns: tables.Columns{At: "t", URL: "/posts/{slug}/", Country: "a`b", Title: "On {slug}", Host: "=blog.example"},
	})
	must(t, table)
	want := map[string]int64{"/posts/what%3F/": 1, "/posts/ça%20va/": 1}
	if got := counted(t, table.Store); !reflect.DeepEqual(got, want) {
		t.Errorf("counted %v", got)
	}
}

func TestAWrongMappingIsToldWithWhatThereIs(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, createVisits)
	for want, change := range map[string]func(*tables.Config){
		`no table "visit": there are visits`:                      func(c *tables.Config) { c.Table = "visit" },
		`has no column "url": it has agent, host, id, ip, path`:   func(c *tables.Config) { c.Columns.URL = "url" },
		`has no column "number"`:                                  func(c *tables.Config) { c.Key = "number" },
		`name the column that grows`:                              func(c *tables.Config) { c.Key = "" },
		`at is missing`:                                           func(c *tables.Config) { c.Columns.At = "" },
		`url is missing`:                                          func(c *tables.Config) { c.Columns.URL = "" },
		`a brace is not closed`:                                   func(c *tables.Config) { c.Columns.URL = "/{path" },
		`is neither unix`:                                         func(c *tables.Config) { c.Time = "seconds" },
		`is no zone such as`:                                      func(c *tables.Config) { c.Zone = "Mars" },
		`is no name of a table`:                                   func(c *tables.Config) { c.Table = "visits\x00; DROP TABLE visits" },
		`no table "visits; DROP TABLE visits"`:                    func(c *tables.Config) { c.Table = "visits; DROP TABLE visits" },
		`has no column "id) FROM visits; DROP TABLE visits; --"`:  func(c *tables.Config) { c.Columns.Host = "id) FROM visits; DROP TABLE visits; --" },
		"has no column \"x` FROM visits; DROP TABLE visits; --\"": func(c *tables.Config) { c.Columns.Host = "x` FROM visits; DROP TABLE visits; --" },
		`a table of totals has none`:                              func(c *tables.Config) { c.Columns.Total = "id" },
		`since is for a table of totals`:                          func(c *tables.Config) { c.Since = "2026-01-01" },
	} {
		c := visits()
		change(&c)
		if err := newTable(t, url, c).Check(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if err := newTable(t, url, visits()).Check(t.Context()); err != nil {
		t.Errorf("a right one: %v", err)
	}
}

// cutting is a store whose commits fail, some before and some after they were
// made.
type cutting struct {
	pageview.Store
	n int
}

var errCut = errors.New("cut off")

func (c *cutting) Append(ctx context.Context, b pageview.Batch) error {
	c.n++
	switch c.n % 3 {
	case 0:
		return errCut
	case 1:
		return errors.Join(c.Store.Append(ctx, b), errCut)
	}
	return c.Store.Append(ctx, b)
}

func TestARunThatIsCutOffDoublesNothingAndLosesNothing(t *testing.T) {
	for _, key := range []string{"id", "seen_at, id"} {
		t.Run(key, func(t *testing.T) {
			url, w := newSQLite(t)
			exec(t, w, createVisits)
			const n = 25_000
			exec(t, w, `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?)
				INSERT INTO visits SELECT n, 1767323045 + n / 7, '/p' || (n % 5), '203.0.113.' || (n % 200), ?, NULL FROM c`, n, firefox)
			c := visits()
			c.Key = key
			table := newTable(t, url, c)
			table.Store = &cutting{Store: table.Store}
			failures := 0
			for {
				_, err := table.Run(t.Context())
				if err == nil {
					break
				}
				if !errors.Is(err, errCut) {
					t.Fatal(err)
				}
				failures++
			}
			if got := counted(t, table.Store); failures == 0 || sum(got) != n || got["/p0"] != n/5 {
				t.Errorf("after %d failures: %v", failures, got)
			}
		})
	}
}

func TestTwoReadersOfOneTableDoubleNothing(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, createVisits)
	exec(t, w, `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 12000)
		INSERT INTO visits SELECT n, 1767323045, '/', '203.0.113.9', ?, NULL FROM c`, firefox)
	table := newTable(t, url, visits())
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := table.Run(context.Background()); err != nil && !errors.Is(err, pageview.ErrMarkMoved) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	must(t, table)
	if got := counted(t, table.Store); got["/"] != 12_000 {
		t.Errorf("%v", got)
	}
}

// TestATableCountsAsTheLogOfTheSamePageviews writes the same pageviews as a
// log in combined format and as rows, and compares what is kept.
func TestATableCountsAsTheLogOfTheSamePageviews(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, "CREATE TABLE visits (id INTEGER PRIMARY KEY, t INTEGER, url TEXT, ip TEXT, agent TEXT, ref TEXT)")
	var log strings.Builder
	agents := []string{firefox, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "Googlebot/2.1 (+http://www.google.com/bot.html)", "FreshRSS/1.24"}
	refs := []string{"-", "https://news.example/item?id=1", "https://www.search.example/"}
	for i := range 1000 {
		at := time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC).Add(time.Duration(i) * 37 * time.Second)
		path := fmt.Sprintf("/posts/%%E4%%BD%%A0-%d?utm_campaign=c%d", i%11, i%3)
		ip, agent, ref := fmt.Sprintf("203.0.113.%d", i%50), agents[i%4], refs[i%3]
		fmt.Fprintf(&log, "%s - - [%s] \"GET %s HTTP/1.1\" 200 5 %q %q\n", ip, at.Format("02/Jan/2006:15:04:05 -0700"), path, ref, agent)
		if ref == "-" {
			ref = ""
		}
		exec(t, w, "INSERT INTO visits VALUES (?, ?, ?, ?, ?, ?)", i, at.Unix(), path, ip, agent, ref)
	}
	table := newTable(t, url, tables.Config{
		Name: "visits", Table: "visits", Key: "id",
		Columns: tables.Columns{At: "t", URL: "url", Addr: "ip", Agent: "agent", Referrer: "ref"},
	})
	fromTable, fromLog := &recording{Store: table.Store}, &recording{Store: collecttest.Store(t, "UTC")}
	table.Store = fromTable
	a := must(t, table)
	im := &collect.Importer{Store: fromLog, Intake: table.Intake, Key: collect.Key{1}}
	b, err := im.Import(t.Context(), collect.Log{Name: "log", Site: table.Site, Data: strings.NewReader(log.String())}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.Lines != b.Lines || a.Pageviews != b.Pageviews || !reflect.DeepEqual(a.LeftOut, b.LeftOut) || !a.Last.Equal(*b.Last) {
		t.Errorf("table %+v\nlog   %+v", a, b)
	}
	if len(fromTable.kept) != 1000 {
		t.Errorf("%d kept", len(fromTable.kept))
	}
	for i, v := range fromLog.kept {
		v.Source = pageview.SourceTable
		if got := fromTable.kept[i]; !got.At.Equal(v.At) || got.Hour != v.Hour {
			t.Fatalf("table %+v\nlog   %+v", got, v)
		} else if got.At = v.At; got != v {
			t.Fatalf("table %+v\nlog   %+v", got, v)
		}
	}
}

// recording keeps what is appended.
type recording struct {
	pageview.Store
	kept []pageview.Pageview
}

func (r *recording) Append(ctx context.Context, b pageview.Batch) error {
	r.kept = append(r.kept, b.Pageviews...)
	return r.Store.Append(ctx, b)
}
