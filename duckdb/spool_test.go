package duckdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// fullView is a pageview with all fields set.
func fullView(t *testing.T) pageview.Pageview {
	t.Helper()
	v := benchView(7)
	v.Visitor = 1<<64 - 1
	for i, text := range spooledTexts(&v) {
		*text = fmt.Sprint("text ", i)
	}
	for i, field := range reflect.ValueOf(v).Fields() {
		if field.IsZero() {
			t.Fatalf("field %s is not set", i.Name)
		}
	}
	return v
}

// record is what a test puts in a record.
func record(t *testing.T, i int) *pageview.Batch {
	t.Helper()
	v := fullView(t)
	v.Path = fmt.Sprint("/", i)
	b := &pageview.Batch{
		Pageviews: []pageview.Pageview{benchView(i), v},
		Stays:     []pageview.Stay{{Site: "blog", At: v.At, Day: v.Day, Path: v.Path, Visitor: 5, For: time.Minute}},
	}
	if i%2 == 0 {
		b.Key = &pageview.Key{Token: "t", Name: fmt.Sprint(i), Digest: [32]byte{31: byte(i)}}
	}
	return b
}

const recordRows = 3

// spoolOf makes a spool with records after a row, and tells what it has to give
// back and where its records end.
func spoolOf(t *testing.T, path string, through uint64, records int) (want []*pageview.Batch, ends []int64) {
	t.Helper()
	s := spool{path: path, id: [16]byte{1}}
	for i := range records {
		b := record(t, i)
		if err := s.put(through+1, []*pageview.Batch{b}); err != nil {
			t.Fatal(err)
		}
		through += recordRows
		want, ends = append(want, b), append(ends, s.end)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	return want, ends
}

func readSpool(path string, through uint64) (got []*pageview.Batch, err error) {
	s := spool{path: path, id: [16]byte{1}}
	err = s.open(through, func(b *pageview.Batch) error {
		got = append(got, b)
		return nil
	})
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
	}
	return got, err
}

// TestSpoolThatEndsAnywhere cuts a spool off at each byte: the whole records are
// there.
func TestSpoolThatEndsAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	want, ends := spoolOf(t, path, 100, 3)
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) != ends[2] {
		t.Fatalf("%d bytes, want %d, error %v", len(text), ends[2], err)
	}
	for n := range len(text) + 1 {
		if err := os.WriteFile(path, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		whole := 0
		for whole < len(ends) && ends[whole] <= int64(n) {
			whole++
		}
		got, err := readSpool(path, 100)
		if err != nil || len(got) != whole || whole > 0 && !reflect.DeepEqual(got, want[:whole]) {
			t.Fatalf("cut off after %d bytes: %d records, want %d, error %v", n, len(got), whole, err)
		}
	}
}

// TestSpoolWithAWrongByte changes each byte of a spool: no record is another one
// than it was.
func TestSpoolWithAWrongByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	want, ends := spoolOf(t, path, 100, 3)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range text {
		wrong := bytes.Clone(text)
		wrong[n] ^= 0x10
		if err := os.WriteFile(path, wrong, 0o600); err != nil {
			t.Fatal(err)
		}
		whole := 0
		for whole < len(ends) && ends[whole] <= int64(n) {
			whole++
		}
		got, err := readSpool(path, 100)
		if (err != nil) != (int64(n) < spoolHeader) || len(got) != whole || whole > 0 && !reflect.DeepEqual(got, want[:whole]) {
			t.Fatalf("byte %d is wrong: %d records, want %d, error %v", n, len(got), whole, err)
		}
	}
}

// TestSpoolIsWrittenOver reads records that were written over older ones, at each
// place where these may end.
func TestSpoolIsWrittenOver(t *testing.T) {
	s := spool{path: filepath.Join(t.TempDir(), "spool"), id: [16]byte{1}}
	through := uint64(0)
	for old := range 5 {
		for n := range 5 {
			var want []*pageview.Batch
			for _, records := range []int{old, n} {
				s.clear()
				want = nil
				for i := range records {
					b := record(t, i)
					if err := s.put(through+1, []*pageview.Batch{b}); err != nil {
						t.Fatal(err)
					}
					through += recordRows
					want = append(want, b)
				}
			}
			if s.file == nil {
				continue
			}
			first := through - uint64(recordRows*n)
			got, err := readSpool(s.path, first)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%d records over %d: read %d, error %v", n, old, len(got), err)
			}
			if got, err := readSpool(s.path, through); err != nil || len(got) != 0 {
				t.Errorf("%d records over %d, in DuckDB: read %d, error %v", n, old, len(got), err)
			}
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
}

func TestSpoolOfAnotherFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	spoolOf(t, path, 100, 2)
	other := spool{path: path, id: [16]byte{2}}
	if err := other.open(100, nil); err == nil || !strings.Contains(err.Error(), "another file of pageviews") {
		t.Errorf("of another file: %v", err)
	}
	if _, err := readSpool(path, 98); err == nil || !strings.Contains(err.Error(), "ends with row 98") {
		t.Errorf("of the same file, when it had more rows: %v", err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("something else ", 5)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSpool(path, 100); err == nil {
		t.Error("any file is taken for a spool")
	}
}

// inSpool is a store that keeps pageviews, the last ones in the spool only.
func inSpool(t *testing.T) (s *Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pageviews.duckdb")
	s = openBlog(t, path)
	keepViews(t, s, seenOn("2026-01-01 10:00:00", "/a", 1))
	readers(t, s)
	for i := range 3 {
		keepViews(t, s, seenOn("2026-01-01 11:00:00", fmt.Sprint("/b", i), uint64(2+i)))
	}
	if !s.spooled.Load() {
		t.Fatal("nothing is in the spool")
	}
	return s, path
}

// copyFiles copies the files of a store as a process leaves them that dies, and
// tells the path of the copy.
func copyFiles(t *testing.T, path string, suffixes ...string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "pageviews.duckdb")
	for _, suffix := range suffixes {
		text, err := os.ReadFile(path + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(to+suffix, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// TestProcessDies has it die after the spool has pageviews and before DuckDB has
// them, and after DuckDB has them and before the spool lets go of them.
func TestProcessDies(t *testing.T) {
	s, path := inSpool(t)
	want := pageview.Values{Pageviews: 4, Visits: 4, Visitors: 4}
	before := copyFiles(t, path, "", ".wal", spoolSuffix)
	if got := total(t, s); got != want {
		t.Errorf("the process that lives answers %+v", got)
	}
	after := copyFiles(t, path, "", ".wal", spoolSuffix)
	for name, path := range map[string]string{"before": before, "after": after} {
		if _, err := os.Stat(path + spoolSuffix); err != nil {
			t.Fatal(err)
		}
		for times := range 2 { // and dies again when DuckDB has them
			path = copyFiles(t, path, "", ".wal", spoolSuffix)
			s := open(t, path)
			if got := s.spooled.Load(); got != (name == "before" && times == 0) {
				t.Errorf("%s: something is in the spool: %t", name, got)
			}
			if got := total(t, s); got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
			t.Cleanup(func() { s.Close() })
		}
	}
}

// TestCloseEmptiesTheSpool leaves one file that has everything.
func TestCloseEmptiesTheSpool(t *testing.T) {
	s, path := inSpool(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + spoolSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the spool is there: %v", err)
	}
	s = open(t, copyFiles(t, path, ""))
	defer s.Close()
	if n := pageviewRows(t, s); n != 4 {
		t.Errorf("%d pageviews, want 4", n)
	}
}

// A copy has what was acknowledged before, and is opened beside no spool but its own.
func TestBackupHasWhatIsInTheSpool(t *testing.T) {
	s, path := inSpool(t)
	to := filepath.Join(t.TempDir(), "pageviews.duckdb")
	if got, err := s.Backup(t.Context(), to); err != nil || got.Pageviews != 4 {
		t.Errorf("%+v, error %v", got, err)
	}
	keepViews(t, s, seenOn("2026-01-01 12:00:00", "/c", 9))
	readers(t, s)
	keepViews(t, s, seenOn("2026-01-01 13:00:00", "/d", 9))
	text, err := os.ReadFile(path + spoolSuffix)
	if err == nil {
		err = os.WriteFile(to+spoolSuffix, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Open(t.Context(), Config{Path: to}); err == nil {
		s.Close()
		t.Error("a copy is opened with the spool of what came later")
	}
}

func TestSpoolIsGivenToDuckDBAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inSpool(t)
		defer s.Close()
		readers(t, s)
		time.Sleep(5 * drainAfter) // nor does it begin with what came first
		keepViews(t, s, seenOn("2026-01-01 12:00:00", "/c", 9))
		time.Sleep(drainAfter - time.Millisecond)
		synctest.Wait()
		if !s.spooled.Load() {
			t.Error("DuckDB has it before its time")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := s.view.Load().through; s.spooled.Load() || got != 5 {
			t.Errorf("readers know of %d pageviews", got)
		}
	})
}

// TestGroupThatFailsLeavesTheSpool fails a transaction that was to take what is in
// the spool.
func TestGroupThatFailsLeavesTheSpool(t *testing.T) {
	s, _ := inSpool(t)
	broken := errors.New("broken")
	for range 2 {
		err := s.do(t.Context(), func(context.Context, *writer) error { return broken })
		if !errors.Is(err, broken) || !s.spooled.Load() {
			t.Errorf("error %v, in the spool: %t", err, s.spooled.Load())
		}
	}
	keepViews(t, s, seenOn("2026-01-01 12:00:00", "/c", 9))
	if got, want := total(t, s), (pageview.Values{Pageviews: 5, Visits: 5, Visitors: 5}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Where the spool cannot be written, DuckDB keeps each group, and has all that is in
// it.
func TestSpoolThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pageviews.duckdb")
	s := openBlog(t, path)
	inTheWay := path + spoolSuffix
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	keepViews(t, s, seenOn("2026-01-01 10:00:00", "/a", 1))
	if s.spooled.Load() || s.view.Load().through != 1 {
		t.Errorf("in the spool: %t", s.spooled.Load())
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	keepViews(t, s, seenOn("2026-01-01 11:00:00", "/b", 2))
	if !s.spooled.Load() {
		t.Error("nothing is in the spool")
	}
	s.w.spool.file.Close() // the disk fails
	keepViews(t, s, seenOn("2026-01-01 12:00:00", "/c", 3))
	if s.spooled.Load() || s.view.Load().through != 3 {
		t.Errorf("in the spool: %t, DuckDB has %d pageviews", s.spooled.Load(), s.view.Load().through)
	}
	s.Close()
	s = open(t, path)
	defer s.Close()
	if n := pageviewRows(t, s); n != 3 {
		t.Errorf("%d pageviews, want 3", n)
	}
}

// TestSpoolIsBounded sends more than may wait at once, in small and in large groups.
func TestSpoolIsBounded(t *testing.T) {
	s := openBlog(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	long := strings.Repeat("x", 100_000)
	for i, c := range []struct{ groups, rows, most int }{{3, 4000, maxSpoolRows}, {100, 1, 90}, {1, maxSpoolRows + 1, 0}} {
		readers(t, s)
		for group := range c.groups {
			var b pageview.Batch
			for n := range c.rows {
				v := benchView(n)
				if v.Path = fmt.Sprint("/", i, "/", group); i == 1 {
					v.Path += long
				}
				b.Pageviews = append(b.Pageviews, v)
			}
			if err := s.Append(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if held := len(s.w.pageviews.rows); held > c.most || s.w.spool.end > maxSpool {
				t.Errorf("%d groups of %d: %d rows and %d bytes wait", group+1, c.rows, held, s.w.spool.end)
			}
		}
	}
}

// TestReadersFindWhatWasAcknowledged has senders ask for their own pageviews as soon
// as these are acknowledged.
func TestReadersFindWhatWasAcknowledged(t *testing.T) {
	s := openBlog(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	var wg sync.WaitGroup
	for sender := range 8 {
		wg.Go(func() {
			path := fmt.Sprint("/", sender)
			for i := range 10 {
				v := benchView(i)
				v.Path = path
				if err := s.Append(t.Context(), *batchOf(v)); err != nil {
					t.Error(err)
					return
				}
				a, err := s.Query(t.Context(), pageview.Query{Site: "blog", By: []pageview.Dimension{pageview.ByPage}, Metrics: pageview.Metrics()[:1], Raw: i%2 == 0})
				var got int64
				for _, r := range a.Rows {
					if r.Keys[0] == path {
						got = r.Pageviews
					}
				}
				if err != nil || got != int64(i+1) {
					t.Errorf("sender %d finds %d of its %d pageviews, error %v", sender, got, i+1, err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzSpool reads whatever may be in a file.
func FuzzSpool(f *testing.F) {
	path := filepath.Join(f.TempDir(), "spool")
	s := spool{path: path, id: [16]byte{1}}
	b := batchOf(benchView(1), benchView(2))
	b.Key = &pageview.Key{Token: "t", Name: "k"}
	if err := s.put(1, []*pageview.Batch{b}); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text[spoolHeader+spoolFrame:])
	f.Fuzz(func(t *testing.T, text []byte) {
		r := spoolReader{text: text}
		r.uint()
		for len(r.text) > 0 && r.err == nil {
			b := r.batch()
			if r.err != nil {
				break
			}
			again := spoolReader{text: appendBatch(nil, &b)}
			if got := again.batch(); again.err != nil || !reflect.DeepEqual(got, b) {
				t.Errorf("%+v became %+v, error %v", b, got, again.err)
			}
		}
	})
}
