package tables_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/tables"
)

func views() tables.Config {
	return tables.Config{Name: "views", Table: "views", Columns: tables.Columns{URL: "/posts/{slug}", Total: "n"}}
}

func TestWhatATotalGrowsByCounts(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, "CREATE TABLE views (slug TEXT, n)")
	exec(t, w, "INSERT INTO views VALUES ('a', 3), ('b', 0), ('c', '4'), ('d', NULL), ('e', -1), ('f', 'many'), (NULL, 1), ('g', 20000000)")
	table := newTable(t, url, views())
	store := &recording{Store: table.Store}
	table.Store = store
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s := mustAt(t, table, now)
	if want := map[string]int64{"bad_total": 3, "not_a_page": 1, "too_many": 1}; s.Pageviews != 7 || !reflect.DeepEqual(s.LeftOut, want) {
		t.Errorf("%+v", s)
	}
	for _, v := range store.kept {
		if v.Visitor != 0 || !v.At.Equal(now) || v.Source != pageview.SourceCounter || v.Bot != "" {
			t.Fatalf("%+v", v)
		}
	}
	for _, step := range []struct {
		change string
		want   map[string]int64
	}{
		{"UPDATE views SET n = n", map[string]int64{"/posts/a": 3, "/posts/c": 4}},
		{"UPDATE views SET n = 5 WHERE slug IN ('a', 'b')", map[string]int64{"/posts/a": 5, "/posts/b": 5, "/posts/c": 4}},
		{"UPDATE views SET n = 0 WHERE slug = 'a'", map[string]int64{"/posts/a": 5, "/posts/b": 5, "/posts/c": 4}},
		{"UPDATE views SET n = 2 WHERE slug IN ('a', 'b')", map[string]int64{"/posts/a": 7, "/posts/b": 7, "/posts/c": 4}},
		{"DELETE FROM views WHERE slug = 'c'", map[string]int64{"/posts/a": 7, "/posts/b": 7, "/posts/c": 4}},
		{"INSERT INTO views VALUES ('a', 10), ('c', 4)", map[string]int64{"/posts/a": 17, "/posts/b": 7, "/posts/c": 4}}, // two rows of a page add up
	} {
		exec(t, w, step.change)
		now = now.Add(time.Hour)
		mustAt(t, table, now)
		if got := counted(t, table.Store); !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s: %v", step.change, got)
		}
	}
}

func TestTheFirstReadingOfTotalsIsPutOnTheDayGiven(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, "CREATE TABLE views (slug TEXT, n INTEGER)")
	exec(t, w, "INSERT INTO views VALUES ('a', 3), ('b', 5)")
	c := views()
	c.Since = "2024-02-29"
	table := newTable(t, url, c)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	mustAt(t, table, now)
	exec(t, w, "UPDATE views SET n = 4 WHERE slug = 'a'")
	exec(t, w, "INSERT INTO views VALUES ('new', 2)")
	mustAt(t, table, now)
	a, err := table.Store.Query(t.Context(), pageview.Query{Site: site, By: []pageview.Dimension{pageview.ByDay}})
	if err != nil || len(a.Rows) != 2 || a.Rows[0].Keys[0] != "2024-02-29" || a.Rows[0].Pageviews != 8 || a.Rows[1].Pageviews != 3 {
		t.Errorf("%+v, error %v", a, err)
	}
}

func TestTotalsThatAreCutOffDoubleNothingAndLoseNothing(t *testing.T) {
	url, w := newSQLite(t)
	exec(t, w, "CREATE TABLE views (slug TEXT, n INTEGER)")
	exec(t, w, "INSERT INTO views VALUES ('a', 25000), ('b', 1), ('c', 10000), ('d', 9999)")
	table := newTable(t, url, views())
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
	want := map[string]int64{"/posts/a": 25000, "/posts/b": 1, "/posts/c": 10000, "/posts/d": 9999}
	if got := counted(t, table.Store); failures == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("after %d failures: %v", failures, got)
	}
}
