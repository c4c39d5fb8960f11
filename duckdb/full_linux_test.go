package duckdb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestFullDisk fills a disk, by groups that DuckDB keeps at once and by such as lie in
// the spool first. Each path says so, what was acknowledged is there,
// and with room again the store goes on.
func TestFullDisk(t *testing.T) {
	for _, rows := range []int{500, 5_000, maxSpoolRows + 1} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) { testFullDisk(t, rows) })
	}
}

func testFullDisk(t *testing.T, rows int) {
	disk, other := smallDisk(t, "12m"), smallDisk(t, "100k")
	s := openBlog(t, filepath.Join(disk, "pageviews.duckdb"))
	batch := func() pageview.Batch {
		var b pageview.Batch
		for i := range rows {
			v := benchView(i)
			v.Title, v.Path, v.Visitor = "", fmt.Sprint("/", rand.Uint64()), rand.Uint64()
			b.Pageviews = append(b.Pageviews, v)
		}
		return b
	}
	var acknowledged int64
	var err error
	for range 1_000_000 / rows {
		if err = s.Append(t.Context(), batch()); err != nil {
			break
		}
		acknowledged += int64(rows)
	}
	if !errors.Is(err, pageview.ErrFull) || acknowledged == 0 {
		t.Fatalf("after %d pageviews: %v", acknowledged, err)
	}
	if _, err := s.Backup(t.Context(), filepath.Join(other, "copy.duckdb")); !errors.Is(err, pageview.ErrFull) {
		t.Errorf("backup: %v", err)
	}
	for _, format := range []string{"csv", "parquet"} {
		if _, err := s.Export(t.Context(), other, format); !errors.Is(err, pageview.ErrFull) {
			t.Errorf("export to %s: %v", format, err)
		}
	}
	// What is in the spool is missing in DuckDB, and nobody is told a number without it.
	if _, err := s.Query(t.Context(), pageview.Query{Site: "blog", Metrics: pageview.Metrics()}); s.spooled.Load() && !errors.Is(err, pageview.ErrFull) {
		t.Errorf("an answer without what is in the spool: error %v", err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=100m"); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), batch()); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if n := pageviewRows(t, s); n != acknowledged+int64(rows) {
		t.Errorf("%d pageviews, %d were acknowledged", n, acknowledged+int64(rows))
	}
}

// smallDisk is a folder on a disk of a size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("left out: mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return disk
}
