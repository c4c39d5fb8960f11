package duckdb

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

func fileSize(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestBackupDuringIngestion backs up while pageviews come in, each batch as a
// whole with its mark, and opens each copy.
func TestBackupDuringIngestion(t *testing.T) {
	dir := t.TempDir()
	s := openBlog(t, filepath.Join(dir, "pageviews.duckdb"))
	var acknowledged atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		from := ""
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			b := pageview.Batch{Mark: &pageview.MarkStep{Site: "blog", Source: "t", From: from, To: from + "x"}}
			for j := range 100 {
				b.Pageviews = append(b.Pageviews, benchView(j))
			}
			b.Stays = []pageview.Stay{{Site: "blog", At: benchView(1).At, Day: benchView(1).Day, Path: "/", For: time.Second}}
			if err := s.Append(t.Context(), b); err != nil {
				t.Error(err)
				return
			}
			from = b.Mark.To
			acknowledged.Add(1)
		}
	})
	for acknowledged.Load() == 0 {
		time.Sleep(time.Millisecond) // what is written is written by cgo
	}
	for i := range 3 {
		before := acknowledged.Load()
		path := filepath.Join(dir, string(rune('a'+i))+"'s.duckdb")
		got, err := s.Backup(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if got.Pageviews != 100*got.Stays || got.Stays < before || got.Through != uint64(got.Pageviews+got.Stays) {
			t.Errorf("totals %+v, %d batches acknowledged before", got, before)
		}
		c := open(t, path)
		mark, err := c.Mark(t.Context(), "blog", "t")
		if n := pageviewRows(t, c); err != nil || n != got.Pageviews || int64(len(mark)) != got.Stays {
			t.Errorf("the copy has %d pageviews and mark %d, want %+v; error %v", n, len(mark), got, err)
		}
		if err := c.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{benchView(1)}}); err != nil {
			t.Errorf("the copy takes no pageviews: %v", err)
		}
		c.Close()
	}
	close(stop)
	wg.Wait()
	if _, err := s.Backup(t.Context(), filepath.Join(dir, "a's.duckdb")); err == nil {
		t.Error("a backup over another")
	}
	if _, err := s.Backup(t.Context(), filepath.Join(dir, "nowhere", "c.duckdb")); err == nil {
		t.Error("a backup into a folder that is not there")
	}
}

func TestExport(t *testing.T) {
	s := openBlog(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	first := benchView(1)
	first.Referrer, first.ReferrerPage, first.Country, first.Language = "news.example", "news.example/a", "FR", "fr"
	first.Campaign = pageview.Campaign{Source: "s", Medium: "m", Name: "n"}
	first.Title = "quote \" comma, and\nline"
	second := benchView(2)
	second.Browser, second.System, second.Device, second.Bot = "", "", "", "agent"
	stay := pageview.Stay{Site: "blog", At: first.At, Day: first.Day, Path: first.Path, Visitor: 7, For: time.Minute}
	old := benchView(3)
	old.Day = day("2025-01-01")
	gone := stay
	gone.Day, gone.For = old.Day, 5*time.Second
	b := pageview.Batch{Pageviews: []pageview.Pageview{first, second, old}, Stays: []pageview.Stay{stay, gone, gone}}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := s.forget(t.Context(), "blog", day("2025-12-31"), through(t, s)); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"parquet", "csv"} {
		dir := filepath.Join(t.TempDir(), "it's")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		got, err := s.Export(t.Context(), dir, format)
		if err != nil || got != (pageview.Totals{Pageviews: 2, Stays: 1, Through: 4}) {
			t.Fatalf("%s: %+v, error %v", format, got, err)
		}
		db, err := sql.Open("duckdb", "")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		file := func(name string) string {
			path := quote(filepath.Join(dir, name+"."+format), '\'')
			if format == "csv" {
				return `read_csv(` + path + `, all_varchar = true)`
			}
			return path
		}
		var lines []string
		for query, want := range map[string][]string{
			`SELECT concat_ws('|', seq, site, "at", "day", "hour", path, title, visitor, referrer, referrer_page, campaign_source,
				campaign_medium, campaign, browser, system, device, country, language, bot, source) FROM ` + file("pageviews") + ` ORDER BY seq`: {
				"1|blog|2026-01-01 00:00:01|2026-01-01|2026-01-01 00:00:00|/posts/hello|" + first.Title +
					"|11400714819323198485|news.example|news.example/a|s|m|n|Firefox|Linux|desktop|FR|fr||log",
				"2|blog|2026-01-01 00:00:02|2026-01-01|2026-01-01 00:00:00|/posts/hello|" + first.Title +
					"|4354685564936845354|||||||||||agent|log",
			},
			`SELECT concat_ws('|', seq, site, "at", "day", path, visitor, seconds) FROM ` + file("stays"): {
				"4|blog|2026-01-01 00:00:01|2026-01-01|/posts/hello|7|60",
			},
			`SELECT concat_ws('|', site, "day", path, stays, seconds) FROM ` + file("stayed"):  {"blog|2025-01-01|/posts/hello|2|10"},
			`SELECT concat_ws('|', name, zone) FROM ` + file("sites"):                          {"blog|UTC"},
			`SELECT concat_ws('|', site, "day", source, pageviews, bots) FROM ` + file("gone"): {"blog|2025-01-01|log|1|0"},
		} {
			lines = nil
			err := each(t.Context(), db, query, func(scan func(...any) error) error {
				var line string
				err := scan(&line)
				lines = append(lines, line)
				return err
			})
			if format == "csv" { // in which an empty text cannot be told from none
				for i := range want {
					want[i] = squeeze(want[i])
				}
				for i := range lines {
					lines[i] = squeeze(lines[i])
				}
			}
			if err != nil || !slices.Equal(lines, want) {
				t.Errorf("%s, error %v:\n got %q\nwant %q", format, err, lines, want)
			}
		}
	}
	if _, err := s.Export(t.Context(), t.TempDir(), "xml"); err == nil {
		t.Error("an unknown format was taken")
	}
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	if _, err := s.Export(t.Context(), nowhere, "csv"); err == nil {
		t.Error("a folder that is not there was taken")
	}
}

func squeeze(line string) string {
	var b []rune
	for _, r := range line {
		if r != '|' || len(b) == 0 || b[len(b)-1] != '|' {
			b = append(b, r)
		}
	}
	return string(b)
}
