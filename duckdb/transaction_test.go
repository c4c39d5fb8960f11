package duckdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// together has the writer carry out requests in one group.
func together(t *testing.T, s *Store, all ...request) (errs []error) {
	t.Helper()
	held, goOn := make(chan struct{}), make(chan struct{})
	errs = make([]error, len(all))
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.do(t.Context(), func(context.Context, *writer) error {
			close(held)
			<-goOn
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	for i, r := range all {
		r.done = make(chan error, 1)
		if err := s.queue.put(r); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { errs[i] = <-r.done })
	}
	close(goOn)
	wg.Wait()
	return errs
}

func batchOf(views ...pageview.Pageview) *pageview.Batch { return &pageview.Batch{Pageviews: views} }

// TestGroupThatFailsLeavesNothing fails a group after some of its rows were
// handed over, few or many.
func TestGroupThatFailsLeavesNothing(t *testing.T) {
	s := openBlog(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	broken := errors.New("broken")
	fail := request{do: func(context.Context, *writer) error { return broken }}
	for _, n := range []int{1, 5_000} {
		b := batchOf()
		for i := range n {
			v := benchView(i)
			v.Path = fmt.Sprint("/", n, "/", i)
			b.Pageviews = append(b.Pageviews, v)
		}
		for i, err := range together(t, s, request{batch: b}, fail, request{batch: b}) {
			if !errors.Is(err, broken) {
				t.Errorf("%d rows, request %d: %v", n, i, err)
			}
		}
		if rows := pageviewRows(t, s); rows != 0 {
			t.Errorf("%d rows of a group of %d that failed", rows, 2*n)
		}
	}
	if err := s.Append(t.Context(), *batchOf(benchView(1))); err != nil || pageviewRows(t, s) != 1 {
		t.Errorf("afterwards: error %v, %d rows", err, pageviewRows(t, s))
	}
}

// TestGroupsOfAllKinds commits groups that leave rows in one table or in
// several, and reads what a new process finds.
func TestGroupsOfAllKinds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	s := openBlog(t, path)
	titled := func(path, title string) pageview.Pageview {
		v := benchView(1)
		v.Path, v.Title = path, title
		return v
	}
	stay := pageview.Stay{Site: "blog", At: time.Unix(1e9, 0), Day: 11574, Path: "/a", For: time.Minute}
	key := func(name string) *pageview.Key { return &pageview.Key{Token: "t", Name: name} }
	groups := [][]request{
		{{batch: batchOf(titled("/a", ""))}}, // a page, names and a source that are new
		{{batch: batchOf(titled("/a", ""))}}, // nothing but a pageview
		{{batch: &pageview.Batch{Stays: []pageview.Stay{stay}}}},
		{{batch: batchOf(titled("/a", ""))}, {batch: &pageview.Batch{Stays: []pageview.Stay{stay}}}},
		{{batch: batchOf(titled("/a", "A"))}}, // a title that is new
		{{batch: batchOf(titled("/b", "B"), titled("/b", "C"))}, {batch: batchOf(titled("/a", ""))}},
		{{batch: &pageview.Batch{Pageviews: []pageview.Pageview{titled("/a", "")}, Key: key("k")}}},
		{{batch: &pageview.Batch{Key: key("l")}}},
	}
	for i, group := range groups {
		for _, err := range together(t, s, group...) {
			if err != nil {
				t.Errorf("group %d: %v", i, err)
			}
		}
	}
	repeated := together(t, s, groups[6][0], groups[7][0], request{batch: batchOf(benchView(1))})
	if !errors.Is(repeated[0], pageview.ErrRepeated) || !errors.Is(repeated[1], pageview.ErrRepeated) || repeated[2] != nil {
		t.Errorf("again: %v", repeated)
	}
	s.Close()
	s = openBlog(t, path)
	var views, stays, pages, keys, lost int
	var titles string
	row := readers(t, s).QueryRowContext(t.Context(), `
		SELECT (SELECT count(DISTINCT seq) FROM pageviews), (SELECT count(*) FROM stays), (SELECT count(*) FROM pages), (SELECT count(*) FROM keys),
		  (SELECT count(*) FROM pageviews WHERE page NOT IN (SELECT id FROM pages) OR browser NOT IN (SELECT id FROM names)),
		  (SELECT string_agg(title, ',' ORDER BY path) FROM pages)`)
	if err := row.Scan(&views, &stays, &pages, &keys, &lost, &titles); err != nil {
		t.Fatal(err)
	}
	if views != 9 || stays != 2 || pages != 3 || keys != 2 || lost != 0 || titles != "A,C," {
		t.Errorf("%d pageviews, %d stays, %d pages, %d keys, %d pageviews without names, titles %q", views, stays, pages, keys, lost, titles)
	}
}
