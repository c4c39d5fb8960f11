package duckdb

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// crashed opens what a crash at this moment would leave of a store.
func crashed(t *testing.T, s *Store) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	for _, end := range []string{"", ".wal", spoolSuffix} {
		text, err := os.ReadFile(s.config.Path + end)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(path+end, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, path)
	t.Cleanup(func() { c.Close() })
	return c
}

// writtenThere is what the table tells of pageviews, and up to where it is.
func writtenThere(t *testing.T, s *Store) (pageviews int64, through uint64) {
	t.Helper()
	row := readers(t, s).QueryRowContext(t.Context(), `SELECT CAST(sum(pageviews) AS BIGINT), (SELECT min(seq) FROM watermarks) FROM rollups WHERE dimension = 0`)
	if err := row.Scan(&pageviews, &through); err != nil {
		t.Fatal(err)
	}
	return pageviews, through
}

// TestWhatIsAddedUpIsWrittenNowAndThen adds up something until it is written.
func TestWhatIsAddedUpIsWrittenNowAndThen(t *testing.T) {
	s := blog(t)
	at := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	n := int64(0)
	sum := func(s *Store) pageview.Values {
		t.Helper()
		a, err := s.Query(t.Context(), pageview.Query{Site: "blog", Metrics: pageview.Metrics()[:3]})
		if err != nil || !a.Rollup {
			t.Fatalf("from rollups %t, error %v", a.Rollup, err)
		}
		return a.Total
	}
	addUp := func() {
		t.Helper()
		n++
		keepViews(t, s, seenOn(at.Add(time.Duration(n)*time.Minute).Format(time.DateTime), "/a", uint64(n)))
		if got, want := sum(s), (pageview.Values{Pageviews: n, Visits: n, Visitors: n}); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
	wrong := func(what string, s *Store) {
		t.Helper()
		if got := sum(s); got.Pageviews != n {
			t.Errorf("%s: %+v, want %d pageviews", what, got, n)
		}
		if wrong, err := s.Recount(t.Context(), "blog", false); err != nil || len(wrong) > 0 {
			t.Errorf("%s: wrong are %+v, error %v", what, wrong, err)
		}
	}
	addUp()
	addUp() // whose day is read
	for i := range pendingTimes {
		if got, through := writtenThere(t, s); got != 2 || through != 2 {
			t.Errorf("after %d times %d pageviews are written, up to number %d", i, got, through)
		}
		if i == pendingTimes/2 {
			wrong("after a crash", crashed(t, s))
		}
		addUp()
	}
	if got, through := writtenThere(t, s); got != n || through != uint64(n) {
		t.Errorf("%d of %d pageviews are written, up to number %d", got, n, through)
	}
	addUp()
	filtered := pageview.Query{Site: "blog", Filters: []pageview.Filter{{Dimension: pageview.ByPage, Values: []string{"/a"}}}}
	if a, err := s.Query(t.Context(), filtered); err != nil || !a.Rollup || a.Total.Pageviews != n {
		t.Errorf("of the table: %+v, error %v", a, err)
	}
	addUp()
	if _, err := s.Retain(t.Context(), "blog", day("2026-01-02")); err != nil {
		t.Fatal(err)
	}
	if got := sum(crashed(t, s)); got.Pageviews != n {
		t.Errorf("after pageviews were deleted, and a crash: %+v, want %d pageviews", got, n)
	}
	keepViews(t, s, seenOn("2026-01-03 10:00:00", "/a", 1), seenOn("2026-01-03 10:00:00", "/b", 2))
	sum(s)
	keepViews(t, s, seenOn("2026-01-03 10:10:00", "/a", 1))
	sum(s)
	n += 3
	if got, _ := writtenThere(t, s); got == n {
		t.Error("all is written before the store is closed")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, s.config.Path)
	defer s.Close()
	if got, _ := writtenThere(t, s); got != n {
		t.Errorf("%d of %d pageviews are written by a store that was closed", got, n)
	}
	wrong("opened again", s)
}
