package spool_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse/spool"
	"github.com/beforehand-go/beforehand/pageview"
)

func open(t *testing.T, c spool.Config) *spool.Spool {
	t.Helper()
	s, err := spool.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func group(paths ...string) (g spool.Group) {
	for _, path := range paths {
		at := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
		g.Pageviews = append(g.Pageviews, pageview.Pageview{Site: "blog", At: at, Day: pageview.DayOf(at), Hour: at, Path: path, Visitor: 1<<64 - 1})
	}
	return g
}

func put(t *testing.T, s *spool.Spool, groups ...spool.Group) {
	t.Helper()
	if _, err := s.Put(t.Context(), groups...); err != nil {
		t.Fatal(err)
	}
}

// take takes a block and tells what is in it.
func take(t *testing.T, s *spool.Spool, clock uint64, rows int) (spool.Block, string) {
	t.Helper()
	b, found, err := s.Block(t.Context(), clock, rows)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, g := range b.Groups {
		for _, v := range g.Pageviews {
			paths = append(paths, v.Path)
		}
	}
	if !found {
		return b, "nothing"
	}
	return b, fmt.Sprint(paths, b.Again)
}

func TestBlocksComeInOrderAndAreTheSameAgain(t *testing.T) {
	c := spool.Config{Path: filepath.Join(t.TempDir(), "a ?%.db")}
	s := open(t, c)
	id := s.ID()
	if _, got := take(t, s, 5, 10); got != "nothing" {
		t.Errorf("an empty spool gives %s", got)
	}
	alone := group("/c")
	alone.Mark = &pageview.MarkStep{Site: "blog", Source: "table", From: "", To: "1"}
	put(t, s, group("/a", "/b"), alone)
	put(t, s, group("/d"))
	put(t, s, group("/e", "/f"))
	first, got := take(t, s, 5, 10)
	if got != "[/a /b] false" || first.Number != 5 {
		t.Errorf("block %d: %s", first.Number, got)
	}
	put(t, s, group("/g"))
	s.Close()
	s = open(t, c)
	again, got := take(t, s, 9, 10)
	if got != "[/a /b] true" || again.Number != 5 || !reflect.DeepEqual(again.Groups, first.Groups) || s.ID() != id {
		t.Errorf("block %d after opening again: %s, spool %d, want %d", again.Number, got, s.ID(), id)
	}
	var all []string
	for number := uint64(6); ; number++ { // the clock stands still
		if err := s.Done(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		if again, got = take(t, s, 3, 3); got == "nothing" {
			break
		}
		if all = append(all, got); again.Number != number {
			t.Errorf("block %d, want %d", again.Number, number)
		}
	}
	if want := "[[/c] false [/d /e /f] false [/g] false]"; fmt.Sprint(all) != want {
		t.Errorf("blocks %s, want %s", all, want)
	}
	if w, err := s.Waiting(t.Context()); err != nil || w != (spool.Waiting{}) {
		t.Errorf("waiting %+v, error %v", w, err)
	}
}

func TestASpoolHoldsNoMoreThanItMay(t *testing.T) {
	c := spool.Config{Path: filepath.Join(t.TempDir(), "spool.db"), Bytes: 3000}
	s := open(t, c)
	var n int64
	for {
		_, err := s.Put(t.Context(), group("/"))
		if errors.Is(err, pageview.ErrFull) {
			break
		}
		if n++; err != nil || n > 100 {
			t.Fatal(err, n)
		}
	}
	s.Close()
	s = open(t, c)
	w, err := s.Waiting(t.Context())
	if err != nil || w.Rows != n || w.Bytes > c.Bytes || w.Bytes == 0 || w.Oldest.IsZero() {
		t.Errorf("waiting %+v, want %d rows, error %v", w, n, err)
	}
	if _, err := s.Put(t.Context(), group("/")); !errors.Is(err, pageview.ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
	b, _ := take(t, s, 1, 1)
	if err := s.Done(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	put(t, s, group("/"))
}

func TestKeysAndSitesAreKept(t *testing.T) {
	c := spool.Config{Path: filepath.Join(t.TempDir(), "spool.db")}
	s := open(t, c)
	g := group("/")
	g.Keys = []pageview.Key{{Token: "t", Name: "k", Digest: [32]byte{31: 7}}}
	put(t, s, g)
	sites := []pageview.Site{
		{Name: "blog", Zone: "Asia/Shanghai", Precedence: pageview.DefaultPrecedence(), Rate: pageview.Rate{Pageviews: 5, Within: time.Minute}},
		{Name: "other", Zone: "UTC"},
	}
	for range 2 {
		if err := s.KeepSites(t.Context(), sites); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	s = open(t, c)
	if got, err := s.Sites(t.Context()); err != nil || !reflect.DeepEqual(got, sites) {
		t.Errorf("sites %+v, error %v", got, err)
	}
	for i, step := range []struct {
		later time.Duration
		known bool
	}{{0, true}, {47 * time.Hour, true}, {49 * time.Hour, false}} {
		if err := s.Sweep(t.Context(), time.Now().Add(step.later)); err != nil {
			t.Fatal(err)
		}
		digest, found, err := s.Key(t.Context(), g.Keys[0])
		if err != nil || found != step.known || found && digest != g.Keys[0].Digest {
			t.Errorf("%d: digest %v, found %t, error %v", i, digest, found, err)
		}
	}
}

// A group lets go of what came under some of its keys, and keeps the rest.
func TestGroupWithout(t *testing.T) {
	g := group("/a", "/b1", "/b2", "/no-key", "/c")
	key := func(name string) pageview.Key { return pageview.Key{Token: "t", Name: name} }
	g.Keys = []pageview.Key{key("a"), key("b"), key("c")}
	g.Shares = []spool.Share{{Pageviews: [2]int{0, 1}}, {Pageviews: [2]int{1, 3}}, {Pageviews: [2]int{4, 5}}}
	left := func() (paths string) {
		for _, v := range g.Pageviews {
			paths += v.Path
		}
		return paths
	}
	g.Without([]pageview.Key{key("b"), {Token: "other", Name: "c"}})
	if got := left(); got != "/a/no-key/c" || len(g.Claims()) != 2 {
		t.Errorf("without b: %s, keys %v", got, g.Claims())
	}
	g.Without([]pageview.Key{key("a"), key("c")})
	if got := left(); got != "/no-key" || len(g.Claims()) != 0 {
		t.Errorf("without a, b and c: %s, keys %v", got, g.Claims())
	}
	old := group("/a")
	if old.Keys = []pageview.Key{key("a")}; len(old.Claims()) != 0 {
		t.Error("what an older program put is claimed, and nobody knows what came under its keys")
	}
}
