package duckdb

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// tenDays keeps three pageviews, one of them by a bot, and a stay for each of
// ten days of a site.
func tenDays(t *testing.T, s *Store, site string) {
	t.Helper()
	if _, err := s.Site(t.Context(), pageview.Site{Name: site, Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	var b pageview.Batch
	for i := range 30 {
		v := benchView(i)
		v.Site, v.Day = site, day("2026-01-01")+pageview.Day(i/3)
		v.At = v.Day.Date(utc).Add(time.Hour)
		if i%3 == 0 {
			v.Bot = "agent"
			b.Stays = append(b.Stays, pageview.Stay{Site: site, At: v.At, Day: v.Day, Path: v.Path, For: time.Minute})
		}
		b.Pageviews = append(b.Pageviews, v)
	}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// rows counts the rows of a site in each table that has any.
func rows(t *testing.T, s *Store, site uint16) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for _, table := range []string{"pageviews", "stays", "pages", "logs", "marks", "sources", "gone"} {
		var n int64
		err := readers(t, s).QueryRowContext(t.Context(), fmt.Sprintf(`SELECT count(*) FROM %s WHERE site = %d`, table, site)).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			counts[table] = n
		}
	}
	return counts
}

func TestForget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	s := open(t, path)
	tenDays(t, s, "shop")
	tenDays(t, s, "blog")
	all, err := s.Sources(t.Context(), "blog", 0, pageview.LastDay)
	if err != nil || len(all) != 10 {
		t.Fatalf("%+v, error %v", all, err)
	}
	last := through(t, s)
	for _, c := range []struct {
		through    uint64
		gone, left int64
	}{{40, 0, 30}, {43, 3, 27}, {last, 3, 24}, {last, 0, 24}} {
		before := day("2026-01-03")
		if c.through == last {
			before = day("2026-01-02") + 1
		}
		n, err := s.forget(t.Context(), "blog", before, c.through)
		if got := rows(t, s, 2)["pageviews"]; err != nil || n != c.gone || got != c.left {
			t.Errorf("through %d: %d deleted, %d left, error %v", c.through, n, got, err)
		}
		got, err := s.Sources(t.Context(), "blog", 0, pageview.LastDay)
		if err != nil || !slices.Equal(got, all) {
			t.Errorf("through %d: sources changed, error %v:\n got %+v\nwant %+v", c.through, err, got, all)
		}
	}
	if got := rows(t, s, 1)["pageviews"]; got != 30 {
		t.Errorf("%d pageviews of the other site, want 30", got)
	}

	// A sequence number is not given twice, even when the last one is deleted.
	if _, err := s.forget(t.Context(), "blog", pageview.LastDay, last); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, path)
	defer s.Close()
	if got := through(t, s); got != last {
		t.Errorf("sequence numbers go on from %d, want %d", got, last)
	}
	if got := rows(t, s, 2); got["pageviews"] != 0 || got["stays"] != 0 {
		t.Errorf("rows %v", got)
	}
}

func TestDrop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	s := open(t, path)
	tenDays(t, s, "shop")
	tenDays(t, s, "blog")
	b := pageview.Batch{
		Log:  &pageview.LogStep{Site: "blog", Prints: pageview.Prints{7}, To: pageview.Mark{Offset: 5, Lines: 1}, New: true},
		Mark: &pageview.MarkStep{Site: "blog", Source: "table", To: "17"},
	}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := s.forget(t.Context(), "blog", day("2026-01-03"), through(t, s)); err != nil {
		t.Fatal(err)
	}
	other := rows(t, s, 1)
	last := through(t, s)
	if err := s.Drop(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	if err := s.Drop(t.Context(), "blog"); err == nil {
		t.Error("deleted twice")
	}
	for range 2 {
		if got := rows(t, s, 2); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
		if got := rows(t, s, 1); !mapsEqual(got, other) {
			t.Errorf("the other site has %v, had %v", got, other)
		}
		if err := s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{benchView(1)}}); err == nil {
			t.Error("a deleted site takes pageviews")
		}
		s.Close()
		s = open(t, path)
		t.Cleanup(func() { s.Close() })
	}
	if got := through(t, s); got != last {
		t.Errorf("sequence numbers go on from %d, want %d", got, last)
	}
	tenDays(t, s, "blog")
	if n := rows(t, s, 2)["pageviews"]; n != 30 {
		t.Errorf("anew: %d pageviews", n)
	}
	if logs, err := s.Logs(t.Context(), "blog", 7); err != nil || len(logs) > 0 {
		t.Errorf("anew: logs %+v, error %v", logs, err)
	}
}

func mapsEqual(a, b map[string]int64) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// TestRoomOfDeletedRowsIsUsedAgain fills, deletes and fills again.
func TestRoomOfDeletedRowsIsUsedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	s := openBlog(t, path)
	fill := func(from pageview.Day) int64 {
		for d := range pageview.Day(4) {
			b := pageview.Batch{Pageviews: make([]pageview.Pageview, 40_000)}
			for i := range b.Pageviews {
				v := benchView(i)
				v.Day = from + d
				b.Pageviews[i] = v
			}
			if err := s.Append(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := readers(t, s).ExecContext(t.Context(), `CHECKPOINT`); err != nil {
			t.Fatal(err)
		}
		return fileSize(t, path)
	}
	first := fill(day("2026-01-01"))
	var size int64
	for i := range pageview.Day(2) {
		if _, err := s.forget(t.Context(), "blog", pageview.LastDay, through(t, s)); err != nil {
			t.Fatal(err)
		}
		size = fill(day("2026-02-01") + 4*i)
	}
	if size > first*5/2 {
		t.Errorf("%d bytes after three fillings of which one is left, %d after one", size, first)
	}
}
