package duckdb

import (
	"slices"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestTailHoldsWhatWasWrittenLast has rows of two sites, of which few have room.
func TestTailHoldsWhatWasWrittenLast(t *testing.T) {
	tail := tail{most: 6}
	tail.begin(10)
	seq := uint64(10)
	write := func(sites ...uint16) {
		var rows []viewRow
		for _, site := range sites {
			seq++
			rows = append(rows, viewRow{seenRow: seenRow{seq: seq, site: site}})
		}
		tail.add(rows)
	}
	holds := func(site uint16, after uint64, want ...uint64) {
		t.Helper()
		rows, held := tail.since(site, after)
		var got []uint64
		for _, r := range rows {
			got = append(got, r.seq)
		}
		if held != (want != nil) || !slices.Equal(got, want) {
			t.Errorf("of site %d after %d: %v, held %t; want %v", site, after, got, held, want)
		}
	}
	holds(1, 9)
	write(1, 2, 1)
	holds(1, 10, 11, 12, 13)
	holds(1, 12, 13)
	given, _ := tail.since(1, 10)
	tail.drop(1, 11)
	holds(1, 10)
	holds(1, 11, 12, 13)
	holds(2, 10, 12, 13)
	write(1, 1, 1, 1)
	holds(2, 10, 12, 13, 14, 15, 16, 17)
	write(1)
	holds(2, 14)
	holds(2, 15, 16, 17, 18)
	write(1, 1, 1, 1, 1, 1, 1, 1)
	holds(1, 22)
	holds(1, 23, 24, 25, 26)
	if given[0].seq != 11 || given[2].seq != 13 {
		t.Errorf("what was given is %+v now", given)
	}
	tail.begin(30)
	holds(1, 26)
}

// TestWhatIsNewIsNotRead takes away from the table what is new.
func TestWhatIsNewIsNotRead(t *testing.T) {
	s := blog(t)
	keepViews(t, s, seenOn("2026-01-01 10:00:00", "/a", 1))
	total(t, s)
	keepViews(t, s, seenOn("2026-01-01 10:00:00", "/b", 2))
	if _, err := s.Sources(t.Context(), "blog", first, first); err != nil { // which has it in the table
		t.Fatal(err)
	}
	if _, err := readers(t, s).ExecContext(t.Context(), `DELETE FROM pageviews WHERE visitor = 2`); err != nil {
		t.Fatal(err)
	}
	a, err := s.Query(t.Context(), pageview.Query{Site: "blog"})
	if err != nil || a.Total.Pageviews != 2 {
		t.Errorf("%+v, error %v; want 2 pageviews", a, err)
	}
	s.tail.mu.Lock()
	defer s.tail.mu.Unlock()
	if len(s.tail.rows) > 0 {
		t.Errorf("%d rows are held that were added up", len(s.tail.rows))
	}
}
