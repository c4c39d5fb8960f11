package declared_test

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/database"
	"github.com/beforehand-go/beforehand/declared"
)

// visits is a database with a table, whose queries have a while.
func visits(t *testing.T, timeout time.Duration) *database.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "site.db")
	w, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Exec(`CREATE TABLE visits (day DATE, page TEXT, n INTEGER, share REAL, raw BLOB);
		INSERT INTO visits VALUES ('2026-01-01', '/a', 3, 0.5, x'ff'), ('2026-01-01', '/<b>', 1, NULL, NULL), ('2026-01-02', '/a', 2, 1.0, 'text')`); err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(database.Config{URL: "sqlite:" + path, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func report(c declared.Config) *declared.Report {
	c.Name = "top"
	return &declared.Report{Config: c}
}

func TestAQueryGivesRowsAndAChart(t *testing.T) {
	r := report(declared.Config{Chart: "bars", Title: "Top", Source: declared.Source{SQL: "SELECT day, page, n FROM visits ORDER BY day, page"}})
	r.DB = visits(t, time.Minute)
	files, err := r.Make(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"day":"2026-01-01","page":"/\u003cb\u003e","n":1},
{"day":"2026-01-01","page":"/a","n":3},
{"day":"2026-01-02","page":"/a","n":2}]
`
	if got := string(files["json"]); got != want {
		t.Errorf("%s", got)
	}
	if svg := string(files["svg"]); !strings.HasPrefix(svg, "<svg") || !strings.Contains(svg, "2026-01-02: 2") || strings.Contains(svg, "<b>") {
		t.Errorf("%s", svg)
	}
	r.Config.SQL = "SELECT share, raw, 1 = 1 AS yes, NULL AS none FROM visits"
	r.Config.Chart = ""
	files, err = r.Make(t.Context())
	if got := string(files["json"]); err != nil || !strings.HasPrefix(got, `[{"share":0.5,"raw":"ff","yes":1,"none":null},`) || files["svg"] != nil {
		t.Errorf("%s, error %v", got, err)
	}
}

func TestAQueryThatIsWrongOrGivesTooMuchFails(t *testing.T) {
	db, hasty := visits(t, time.Minute), visits(t, 300*time.Millisecond)
	for _, c := range []struct {
		sql, chart string
		rows       int
		want       string
	}{
		{"SELECT * FROM visit", "", 0, "no such table: visit"},
		{"SELECT * FROM visits", "", 2, "more than 2 rows: put a LIMIT into it"},
		{"DELETE FROM visits", "", 0, "readonly"},
		{"SELECT day FROM visits", "bars", 0, "one column"},
		{"SELECT day, -1 AS n FROM visits", "bars", 0, `"n" at "2026-01-01": -1 is no number from zero on`},
		{"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c", "", 0, "took longer than 300ms"},
		{"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT zeroblob(4000000) FROM c", "", 0, "more than 16 MiB"},
	} {
		r := report(declared.Config{Source: declared.Source{SQL: c.sql}, Chart: c.chart, Rows: c.rows})
		r.DB = db
		if strings.HasPrefix(c.want, "took longer") {
			r.DB = hasty
		}
		if _, err := r.Make(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %s, got %v", c.sql, c.want, err)
		}
	}
	r := report(declared.Config{Source: declared.Source{SQL: "SELECT x FROM visits"}})
	r.DB = db
	if err := r.Explain(t.Context()); err == nil || !strings.Contains(err.Error(), "no such column: x") {
		t.Errorf("explain: %v", err)
	}
}

// script is a command that a shell file is.
func script(t *testing.T, text string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{path}
}

func TestACommandsOutputIsTheResult(t *testing.T) {
	for _, c := range []struct {
		name, script, chart string
		want                map[string]string
	}{
		{"json", `echo '[{"page":"/a","n":3},{"page":"/b","n":"x"}]'`, "", map[string]string{"json": "[{\"page\":\"/a\",\"n\":3},{\"page\":\"/b\",\"n\":\"x\"}]\n"}},
		{"an object", `echo '{"a":{"b":1}}'`, "", map[string]string{"json": "{\"a\":{\"b\":1}}\n"}},
		{"csv", `printf 'page,n\n/a,3\n/b,2.5\n'`, "bars", map[string]string{
			"csv": "page,n\n/a,3\n/b,2.5\n", "json": "[{\"page\":\"/a\",\"n\":3},\n{\"page\":\"/b\",\"n\":2.5}]\n", "svg": "", "png": "",
		}},
		{"html", `echo '<!doctype html><p>3</p>'`, "", map[string]string{"html": "<!doctype html><p>3</p>\n"}},
		{"svg", `echo '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'`, "", map[string]string{"svg": "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>\n"}},
		{"png", `printf '\211PNG\r\n\032\nrest'`, "", map[string]string{"png": "\x89PNG\r\n\x1a\nrest"}},
		{"arguments and no shell", `printf '["%s"]' "$1"`, "", map[string]string{"json": `["$(id); *"]`}},
	} {
		r := report(declared.Config{Source: declared.Source{Run: append(script(t, c.script), "$(id); *")}, Chart: c.chart})
		files, err := r.Make(t.Context())
		if err != nil || len(files) != len(c.want) {
			t.Errorf("%s: %v, error %v", c.name, files, err)
			continue
		}
		for format, want := range c.want {
			if got := string(files[format]); got != want && want != "" || got == "" {
				t.Errorf("%s: %s is %q", c.name, format, got)
			}
		}
	}
}

func TestACommandThatFailsIsAFailedRunWithItsError(t *testing.T) {
	for _, c := range []struct{ name, script, format, want string }{
		{"exit", `echo '[]'; echo "no \033[31mdatabase" >&2; exit 3`, "", "exit status 3\nno [31mdatabase"},
		{"much error", `i=0; while [ $i -lt 3000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 1`, "", "line 2999"},
		{"slow, with a child", `echo waiting >&2; sleep 60 & sleep 60`, "", "it took longer than 500ms\nwaiting"},
		{"endless", `while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done | cat`, "json", "wrote more than 16 MiB"},
		{"nothing", `:`, "", "neither JSON"},
		{"nothing of a format", `:`, "json", "nothing came"},
		{"not json", `echo '[1,'`, "json", "not JSON"},
		{"not svg", `echo '<svg><g></svg>'`, "", "not SVG"},
		{"not png", `echo x`, "png", "not PNG"},
		{"ragged csv", `printf 'a,b\n1\n'`, "csv", "not CSV"},
	} {
		r := report(declared.Config{Source: declared.Source{Run: script(t, c.script)}, Format: c.format})
		r.Timeout = time.Minute
		if strings.HasPrefix(c.name, "slow") {
			r.Timeout = 500 * time.Millisecond
		}
		began := time.Now()
		_, err := r.Make(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 6000 || time.Since(began) > 50*time.Second {
			t.Errorf("%s: want %s, got %v after %s", c.name, c.want, err, time.Since(began))
		}
	}
	r := report(declared.Config{Source: declared.Source{Run: []string{"there-is-no-such-program"}}})
	if _, err := r.Make(t.Context()); err == nil || r.Config.Ready() == nil {
		t.Errorf("no such program: %v", err)
	}
}

func TestAURLsAnswerIsTheResult(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Write([]byte("page,n\n/a,3\n"))
	})
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "out of order", http.StatusTeapot) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		for range 17 {
			w.Write(make([]byte, 1<<20))
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	// The owner wrote 127.0.0.1; localhost is somebody else's word.
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		_, port, _ := strings.Cut(r.Host, ":")
		http.Redirect(w, r, "http://localhost:"+port+"/ok", http.StatusFound)
	})
	for path, want := range map[string]string{
		"/ok": "", "/moved": "", "/bad": "418 I'm a teapot\nout of order", "/none": "404", "/loop": "more than 5 redirects",
		"/away": "not a public address",
		"/slow": "it took longer than 300ms", "/large": "more than 16 MiB",
	} {
		r := report(declared.Config{Source: declared.Source{URL: server.URL + path}})
		r.Timeout = time.Minute
		if path == "/slow" {
			r.Timeout = 300 * time.Millisecond
		}
		files, err := r.Make(t.Context())
		if want == "" && (err != nil || string(files["json"]) != "[{\"page\":\"/a\",\"n\":3}]\n") {
			t.Errorf("%s: %v, error %v", path, files, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: want %s, got %v", path, want, err)
		}
	}
}

func TestWhatCannotBeMadeIsRefused(t *testing.T) {
	good := declared.Config{Name: "top", Source: declared.Source{SQL: "SELECT 1"}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for i, change := range []func(*declared.Config){
		func(c *declared.Config) { c.Name = "hot" },
		func(c *declared.Config) { c.Name = "a/b" },
		func(c *declared.Config) { c.SQL = "" },
		func(c *declared.Config) { c.URL = "https://example.org" },
		func(c *declared.Config) { c.SQL, c.URL = "", "file:///etc/passwd" },
		func(c *declared.Config) { c.SQL, c.Run = "", []string{""} },
		func(c *declared.Config) { c.Format = "json" },
		func(c *declared.Config) { c.Chart = "pie" },
		func(c *declared.Config) { c.Rows = 2_000_000 },
	} {
		c := good
		change(&c)
		if c.Check() == nil {
			t.Errorf("change %s was taken", strconv.Itoa(i))
		}
	}
}
