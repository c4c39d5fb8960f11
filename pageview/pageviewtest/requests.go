package pageviewtest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

func repeated(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	request := func(token, name, body string) error {
		b := pageview.Batch{
			Pageviews: []pageview.Pageview{view("2026-01-01 00:00:00", "/"+body)},
			Key:       &pageview.Key{Token: token, Name: name, Digest: [32]byte{body[0]}},
		}
		return s.Append(t.Context(), b)
	}
	for i, c := range []struct {
		token, name, body string
		want              error
		total             int64
	}{
		{"t", "1", "a", nil, 1},
		{"t", "1", "a", pageview.ErrRepeated, 1},
		{"t", "1", "b", pageview.ErrKeyReused, 1},
		{"t", "2", "a", nil, 2},
		{"u", "1", "b", nil, 3},
		{"u", "1", "b", pageview.ErrRepeated, 3},
		{"t", "1", "a", pageview.ErrRepeated, 3},
	} {
		if i%3 == 2 {
			s.Close()
			s = open()
			t.Cleanup(func() { s.Close() })
		}
		if err := request(c.token, c.name, c.body); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%d: error %v, want %v", i, err, c.want)
		}
		if n := total(t, s); n != c.total {
			t.Errorf("%d: %d pageviews, want %d", i, n, c.total)
		}
	}
}

func repeatedAtOnce(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	var kept, repeated, reused atomic.Int64
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			b := pageview.Batch{
				Pageviews: []pageview.Pageview{view("2026-01-01 00:00:00", "/")},
				Key:       &pageview.Key{Name: fmt.Sprint(i % 10), Digest: [32]byte{byte(i / 10 % 2)}},
			}
			switch err := s.Append(t.Context(), b); {
			case err == nil:
				kept.Add(1)
			case errors.Is(err, pageview.ErrRepeated):
				repeated.Add(1)
			case errors.Is(err, pageview.ErrKeyReused):
				reused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if kept.Load() != 10 || repeated.Load() != 20 || reused.Load() != 30 || total(t, s) != 10 {
		t.Errorf("%d kept, %d repeated, %d reused, %d pageviews", kept.Load(), repeated.Load(), reused.Load(), total(t, s))
	}
}

// refusedWhole has each part of a batch refused in turn, while all others are
// right, and then sends it as it should be.
func refusedWhole(t *testing.T, open func() pageview.Store) {
	s := start(t, open)
	right := func() pageview.Batch {
		v := view("2026-01-01 00:00:00", "/")
		return pageview.Batch{
			Pageviews: []pageview.Pageview{v, v},
			Stays:     []pageview.Stay{{Site: site, At: v.At, Day: v.Day, Path: "/", Visitor: 1, For: time.Second}},
			Log:       &pageview.LogStep{Site: site, Prints: pageview.Prints{7}, To: pageview.Mark{Offset: 5, Lines: 1}, New: true},
			Mark:      &pageview.MarkStep{Site: site, Source: "table visits", To: "17"},
			Key:       &pageview.Key{Token: "t", Name: "k"},
		}
	}
	for name, spoil := range map[string]func(b *pageview.Batch){
		"second pageview of an unknown site": func(b *pageview.Batch) { b.Pageviews[1].Site = "nobody" },
		"text that is no UTF-8":              func(b *pageview.Batch) { b.Pageviews[1].Title = "\xff" },
		"time beyond all bounds":             func(b *pageview.Batch) { b.Pageviews[1].At = time.Unix(1<<40, 0) },
		"stay of an unknown site":            func(b *pageview.Batch) { b.Stays[0].Site = "nobody" },
		"stay that ends before it began":     func(b *pageview.Batch) { b.Stays[0].For = -1 },
		"log that was read on":               func(b *pageview.Batch) { b.Log.Beside = 1 },
		"log of an unknown site":             func(b *pageview.Batch) { b.Log.Site = "nobody" },
		"log without prints":                 func(b *pageview.Batch) { b.Log.Prints = nil },
		"mark that moved":                    func(b *pageview.Batch) { b.Mark.From = "3" },
		"mark of an unknown site":            func(b *pageview.Batch) { b.Mark.Site = "nobody" },
		"mark that is no UTF-8":              func(b *pageview.Batch) { b.Mark.To = "\xff" },
		"key that is no UTF-8":               func(b *pageview.Batch) { b.Key.Name = "\xff" },
	} {
		b := right()
		spoil(&b)
		if err := s.Append(t.Context(), b); err == nil {
			t.Errorf("%s was taken", name)
		}
		if known := logs(t, s, 7); len(known) != 0 {
			t.Errorf("after a %s: logs %+v", name, known)
		}
		at, err := s.Mark(t.Context(), site, "table visits")
		if err != nil || at != "" || total(t, s) != 0 {
			t.Errorf("after a %s: mark %q, %d pageviews, error %v", name, at, total(t, s), err)
		}
	}
	if err := s.Append(t.Context(), right()); err != nil {
		t.Fatal(err)
	}
	at, err := s.Mark(t.Context(), site, "table visits")
	if err != nil || at != "17" || total(t, s) != 2 {
		t.Errorf("mark %q, %d pageviews, error %v", at, total(t, s), err)
	}
	next := right()
	next.Key.Name, next.Log.From, next.Mark.From, next.Mark.To = "next", next.Log.To, "17", "18"
	next.Log.To.Offset++
	next.Log.New = false
	if err := s.Append(t.Context(), next); err != nil {
		t.Error(err)
	}
	moved := right()
	moved.Key, moved.Log = nil, nil
	if err := s.Append(t.Context(), moved); !errors.Is(err, pageview.ErrMarkMoved) {
		t.Errorf("error %v, want ErrMarkMoved", err)
	}
}
