package duckdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

func keyed(s *Store, name string) error {
	b := pageview.Batch{Pageviews: []pageview.Pageview{benchView(1)}, Key: &pageview.Key{Token: "t", Name: name}}
	return s.Append(context.Background(), b)
}

// TestKeysAreForgottenAfterTwoDays makes a key older in steps.
func TestKeysAreForgottenAfterTwoDays(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	if err := keyed(s, "k"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		hours int
		want  error
	}{{47, pageview.ErrRepeated}, {2, nil}, {0, pageview.ErrRepeated}} {
		err := s.do(t.Context(), func(ctx context.Context, w *writer) error {
			w.keys.swept = time.Time{}
			_, err := w.conn.ExecContext(ctx, fmt.Sprintf(`UPDATE keys SET "at" = "at" - INTERVAL %d HOUR`, c.hours))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := keyed(s, "k"); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%d hours later: error %v, want %v", c.hours, err, c.want)
		}
	}
}

// TestMoreKeysThanMemoryHolds looks keys up in the table then.
func TestMoreKeysThanMemoryHolds(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	defer s.Close()
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: "UTC"}); err != nil {
		t.Fatal(err)
	}
	s.do(t.Context(), func(_ context.Context, w *writer) error { w.keys.max = 3; return nil })
	for range 2 {
		for i := range 6 {
			keyed(s, fmt.Sprint(i))
		}
	}
	if n := pageviewRows(t, s); n != 6 {
		t.Errorf("%d pageviews, want 6", n)
	}
	if s.w.keys.held != nil {
		t.Errorf("%d keys held", len(s.w.keys.held))
	}
	if err := keyed(s, "4"); !errors.Is(err, pageview.ErrRepeated) {
		t.Error(err)
	}
}
