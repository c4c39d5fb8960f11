package move_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/move"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/pageview/pageviewtest"
)

// duck is an empty DuckDB.
func duck(t *testing.T) *duckdb.Store {
	t.Helper()
	s, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "pageviews.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestPageviewsMove is cut off again and again, and pageviews come in meanwhile.
// In the end the other engine answers as if it had got them itself.
func TestPageviewsMove(t *testing.T) {
	ctx := t.Context()
	from, to := duck(t), duck(t)
	worlds := []*pageviewtest.Recount{pageviewtest.NewRecount(t, from, 1, 1500), pageviewtest.NewRecount(t, from, 2, 700)}
	known := remember(t, from, worlds[0].Site())
	cuts := 0
	for {
		cut, stop := context.WithCancel(ctx)
		p := move.Pageviews{From: from, To: to, Part: 100}
		parts := 0
		p.Progress = func(int64) {
			if parts++; parts == 2 {
				stop()
			}
		}
		err := p.New(cut)
		stop()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if cuts++; cuts == 3 {
			worlds = append(worlds, pageviewtest.NewRecount(t, from, 3, 400))
		}
	}
	if cuts < 4 {
		t.Errorf("cut off %d times", cuts)
	}
	p := move.Pageviews{From: from, To: to}
	for range 2 { // the whole command may be given again
		if err := errors.Join(p.New(ctx), p.Rest(ctx), p.Compare(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range worlds {
		for range 20 {
			q := w.Query()
			got, err := to.Query(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			want, err := from.Query(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Rows, want.Rows) || got.Total != want.Total {
				t.Errorf("%+v: %+v, want %+v", q, got, want)
			}
		}
	}
	remembered(t, to, known)
}

// remember has a store know a log, a mark and a request.
func remember(t *testing.T, s pageview.Store, site string) pageview.Known {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key := pageview.Key{Token: "a", Name: "b", Digest: [32]byte{1}}
	log := pageview.KnownLog{Prints: pageview.Prints{1 << 63, 8}, Mark: pageview.Mark{Offset: 9, Lines: 1, Print: 1<<63 + 1}}
	for _, b := range []pageview.Batch{
		{Log: &pageview.LogStep{Site: site, Prints: log.Prints, To: log.Mark, New: true}},
		{Mark: &pageview.MarkStep{Site: site, Source: "table visits", To: "17"}},
		{Key: &key, Stays: []pageview.Stay{{Site: site, At: at, Day: pageview.DayOf(at), Path: "/", Visitor: 1 << 63, For: time.Second}}},
	} {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	return pageview.Known{
		Sites: []pageview.KnownSite{{Site: pageview.Site{Name: site}, Logs: []pageview.KnownLog{log}, Marks: map[string]string{"table visits": "17"}}},
		Keys:  []pageview.Key{key},
	}
}

// remembered holds a store to what another one knew.
func remembered(t *testing.T, s pageview.Store, want pageview.Known) {
	t.Helper()
	ctx := t.Context()
	for _, site := range want.Sites {
		for _, l := range site.Logs {
			if got, err := s.Logs(ctx, site.Name, l.Prints[0]); err != nil || !reflect.DeepEqual(got, []pageview.KnownLog{l}) {
				t.Errorf("logs %+v, %v, want %+v", got, err, l)
			}
		}
		for source, at := range site.Marks {
			if got, err := s.Mark(ctx, site.Name, source); err != nil || got != at {
				t.Errorf("mark of %s %q, %v, want %q", source, got, err, at)
			}
		}
	}
	for _, k := range want.Keys {
		if err := s.Append(ctx, pageview.Batch{Key: &k}); !errors.Is(err, pageview.ErrRepeated) {
			t.Errorf("a request that came before: %v", err)
		}
	}
}

func TestMoveRefuses(t *testing.T) {
	from, to := duck(t), duck(t)
	w := pageviewtest.NewRecount(t, from, 1, 50)
	pageviewtest.NewRecount(t, to, 1, 60)
	p := move.Pageviews{From: from, To: to}
	if err := p.New(t.Context()); err == nil {
		t.Error("pageviews that are of somebody else there")
	}
	if err := p.Compare(t.Context()); err == nil {
		t.Error("other pageviews are there and nobody notices")
	}
	if _, err := from.Retain(t.Context(), w.Site(), pageview.LastDay); err != nil {
		t.Fatal(err)
	}
	p.To = duck(t)
	if err := p.New(t.Context()); err == nil {
		t.Error("what only adds up is left behind silently")
	}
}
