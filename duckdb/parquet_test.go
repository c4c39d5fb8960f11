package duckdb

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/pageview"
)

// TestParquet turns an export in CSV into Parquet, which is the same as the one
// that was Parquet at once.
func TestParquet(t *testing.T) {
	s := openBlog(t, filepath.Join(t.TempDir(), "pageviews.duckdb"))
	plain, odd := benchView(1), benchView(2)
	odd.Title, odd.Path, odd.Referrer = "quote \" comma, and\nline", "/a,b", ""
	if err := s.Append(t.Context(), pageview.Batch{Pageviews: []pageview.Pageview{plain, odd}}); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	dirs := map[string]string{"csv": filepath.Join(parent, "it's [1]"), "parquet": filepath.Join(parent, "own")}
	for format, dir := range dirs {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Export(t.Context(), dir, format); err != nil {
			t.Fatal(err)
		}
	}
	if err := Parquet(t.Context(), dirs["csv"]); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, name := range []string{"pageviews", "stays", "sites"} {
		made, own := quote(filepath.Join(dirs["csv"], name+".parquet"), '\''), quote(filepath.Join(dirs["parquet"], name+".parquet"), '\'')
		for _, query := range []string{
			`SELECT count(*) FROM (FROM ` + made + ` EXCEPT ALL FROM ` + own + `)`,
			`SELECT count(*) FROM (FROM ` + own + ` EXCEPT ALL FROM ` + made + `)`,
			`SELECT count(*) FROM (SELECT column_name, column_type FROM (DESCRIBE FROM ` + made + `) EXCEPT SELECT column_name, column_type FROM (DESCRIBE FROM ` + own + `))`,
		} {
			var n int
			if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d of %s, error %v", n, query, err)
			}
		}
	}
	left, err := os.ReadDir(dirs["csv"])
	if err != nil || len(left) != 5 || slices.ContainsFunc(left, func(e os.DirEntry) bool { return !strings.HasSuffix(e.Name(), ".parquet") }) {
		t.Errorf("%v is left, error %v", left, err)
	}
}

// TestParquetOfWhatIsNone leaves a file that cannot be read where it is.
func TestParquetOfWhatIsNone(t *testing.T) {
	dir := t.TempDir()
	text := "site,seconds\nblog,many\n"
	if err := os.WriteFile(filepath.Join(dir, "stays.csv"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Parquet(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "many") {
		t.Errorf("error %v, want one that says what is wrong", err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "stays.csv"))
	left, _ := os.ReadDir(dir)
	if err != nil || string(got) != text || len(left) != 1 {
		t.Errorf("%q and %v are left, error %v", got, left, err)
	}
}
