package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the site's own database
)

// TestATableAndALogAreReadWhileServing has the configuration name a table and a
// log, to which rows and lines come while the server runs.
func TestATableAndALogAreReadWhileServing(t *testing.T) {
	t.Parallel()
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	const file = `
databases:
  shop: {url: "sqlite:shop.db"}
sites:
  - name: shop
    trigger: every 1s
    logs: access.log
    tables:
      - {name: visits, database: shop, table: visits, key: id, trigger: every 1s, columns: {at: seen, url: path}}
`
	if err := os.WriteFile(filepath.Join(data, "beforehand.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(data, "shop.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fill := func(query string) {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	fill(`CREATE TABLE visits (id INTEGER PRIMARY KEY, seen TEXT, path TEXT)`)
	fill(`INSERT INTO visits (seen, path) VALUES ('2026-01-01 10:00:00', '/a'), ('2026-01-02 10:00:00', '/b')`)

	server := startProcess(t, "stdout", name, "serve", "--data", data, "--listen", "localhost:0")
	_, rest, _ := strings.Cut(<-server.lines, "serving ")
	url, _, _ := strings.Cut(rest, " ")
	want := func(text string) {
		t.Helper()
		deadline := time.Now().Add(3 * time.Minute)
		for {
			_, got := fetch(t, url+"/s/shop/pageviews.json")
			if strings.Contains(got, text) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the report is %s, want %s in it", got, text)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	want(`"total":2`)
	fill(`INSERT INTO visits (seen, path) VALUES ('2026-01-03 10:00:00', '/a')`)
	want(`"total":3`)

	// The log counts on days of its own; on one that both tell of, the log does.
	const line = `203.0.113.1 - - [%s] "GET /c HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"` + "\n"
	lines := fmt.Sprintf(line, "02/Jan/2026:10:00:00 +0000") + fmt.Sprintf(line, "04/Jan/2026:10:00:00 +0000")
	if err := os.WriteFile(filepath.Join(data, "access.log"), []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	want(`"total":4`)
	want(`{"path":"/c","values":[2]}`)
}
