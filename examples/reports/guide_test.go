// Every snippet of docs/reports-in-go.md is a part of this file, so that it is
// compiled and run.
package reports_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/trigger"
)

// Article is a line of a list.
type Article struct {
	Path  string `json:"path"`
	Views int    `json:"views"`
}

// hotArticles stands for whatever is expensive to compute.
func hotArticles(ctx context.Context) ([]Article, error) {
	return []Article{{"/about-sqlite", 120}, {"/hello", 73}}, ctx.Err()
}

// newSite makes a site and runs it until stop is called.
func newSite(ctx context.Context) (site *beforehand.Site, stop func()) {
	site, err := beforehand.Open(ctx, beforehand.Config{State: memory.New()})
	if err != nil {
		panic(err)
	}
	return site, run(ctx, site)
}

// run starts a site once its reports are made.
func run(ctx context.Context, site *beforehand.Site) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- site.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			fmt.Println(err)
		}
	}
}

// must reports an error of an example, of which there is none.
func must(err error) {
	if err != nil {
		fmt.Println(err)
	}
}

// get asks a handler and prints status, some headers and the body.
func get(h http.Handler, target string, headers ...string) {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body := strings.ReplaceAll(w.Body.String(), "\r", "")
	fmt.Print(w.Code, " ", w.Header().Get("Content-Type"), "\n", body)
}

func Example_site() {
	ctx, cancel := context.WithCancel(context.Background())
	listenAndServe := func(http.Handler) { cancel() }
	serve := func() error {
		state := memory.New() // for as long as the process lasts; see "Several processes"
		site, err := beforehand.Open(ctx, beforehand.Config{State: state, Logger: slog.Default()})
		if err != nil {
			return err
		}
		hot := beforehand.New(site, "hot", hotArticles, beforehand.Policy{Trigger: trigger.Every(time.Hour)})

		mux := http.NewServeMux()
		mux.Handle("GET /hot.json", hot)
		mux.Handle("GET /hot.csv", hot)
		go listenAndServe(mux)
		return site.Run(ctx)
	}
	fmt.Println(serve())
	// Output: <nil>
}

func Example_reading() {
	ctx := context.Background()
	site, stop := newSite(ctx)
	defer stop()
	hot := beforehand.New(site, "hot", hotArticles, beforehand.Policy{Trigger: trigger.Every(time.Hour)})
	must(hot.Refresh(ctx))

	articles := hot.Value() // the zero value before the first result
	c := hot.Current()
	fmt.Println(len(articles), "articles, version", c.Version, "stale:", c.Stale != "")

	get(hot, "/hot.json")
	get(hot, "/hot.csv")
	get(hot, "/hot", "Accept", "text/csv")
	// Output:
	// 2 articles, version 1 stale: false
	// 200 application/json
	// [{"path":"/about-sqlite","views":120},{"path":"/hello","views":73}]
	// 200 text/csv; charset=utf-8
	// path,views
	// /about-sqlite,120
	// /hello,73
	// 200 text/csv; charset=utf-8
	// path,views
	// /about-sqlite,120
	// /hello,73
}

func Example_routes() {
	ctx := context.Background()
	site, stop := newSite(ctx)
	hot := beforehand.New(site, "hot", hotArticles, beforehand.Policy{})
	must(hot.Refresh(ctx))

	mux := http.NewServeMux()
	mux.Handle("GET /hot", hot)                             // in the format that Accept asks for
	mux.Handle("GET /hot.csv", hot)                         // in that of the extension
	mux.HandleFunc("GET /hot/status.json", hot.ServeStatus) // what there is to say of it
	mux.HandleFunc("GET /hot/events", hot.Subscribe)        // server-sent events, one a swap
	stop()
	get(mux, "/hot.csv")
	// Output:
	// 200 text/csv; charset=utf-8
	// path,views
	// /about-sqlite,120
	// /hello,73
}

func Example_render() {
	ctx := context.Background()
	site, stop := newSite(ctx)
	defer stop()

	hot := beforehand.New(site, "hot", hotArticles, beforehand.Policy{})
	hot.Render("txt", func(w io.Writer, list []Article) error {
		for i, a := range list {
			fmt.Fprintf(w, "%d. %s\n", i+1, a.Path)
		}
		return nil
	})

	must(hot.Refresh(ctx))
	get(hot, "/hot.txt")
	// Output:
	// 200 text/plain; charset=utf-8
	// 1. /about-sqlite
	// 2. /hello
}

func Example_files() {
	ctx := context.Background()
	site, stop := newSite(ctx)
	defer stop()

	chart := beforehand.New(site, "chart", func(ctx context.Context) (beforehand.Files, error) {
		return beforehand.Files{
			"svg":  []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
			"json": []byte(`[{"day":"2026-03-01","views":7}]`), // and so CSV, HTML and Markdown
		}, ctx.Err()
	}, beforehand.Policy{})

	must(chart.Refresh(ctx))
	get(chart, "/chart.csv")
	// Output:
	// 200 text/csv; charset=utf-8
	// day,views
	// 2026-03-01,7
}

func Example_refreshing() {
	ctx := context.Background()
	site, stop := newSite(ctx)
	defer stop()
	rows := 5
	newestID := func(context.Context) (int, error) { return rows, nil }

	hot := beforehand.New(site, "hot", hotArticles, beforehand.Policy{
		Trigger: trigger.Every(time.Hour),
		Timeout: 10 * time.Minute,
		Wait:    5 * time.Second, // for the very first result; no reader waits later
		When: func(ctx context.Context) (string, error) { // nothing new, no run
			id, err := newestID(ctx)
			return strconv.Itoa(id), err
		},
		Definition: "2", // changed along with the function
	})

	err := hot.Refresh(ctx)     // returns when readers have the result of a run begun after the call
	err2 := hot.Invalidate(ctx) // asks for such a run and returns

	fmt.Println(err, err2, hot.Current().Version > 0)
	// Output: <nil> <nil> true
}

func Example_checks() {
	ctx := context.Background()
	site, stop := newSite(ctx)
	defer stop()
	n := 100
	count := func(context.Context) (int, error) { return n, nil }

	visitors := beforehand.New(site, "visitors", count, beforehand.Policy{})
	visitors.Check(func(previous, next int) error {
		if next == 0 {
			return errors.New("no visitors at all") // discarded: the run has failed
		}
		if next < previous/2 {
			return beforehand.Hold("less than half of the last") // kept for approval
		}
		return nil
	})

	must(visitors.Refresh(ctx))
	n = 0
	err := visitors.Refresh(ctx)
	fmt.Println(strings.HasSuffix(err.Error(), "check: no visitors at all"), visitors.Value(), "is served")
	n = 10
	must(visitors.Refresh(ctx))
	versions, err := visitors.Versions(ctx)
	must(err)
	newest := versions[0]
	fmt.Println(visitors.Value(), "is served;", newest.Version, "is held:", newest.Held)

	err = visitors.Restore(ctx, newest.Version) // or an older one, to roll back

	fmt.Println(visitors.Value(), err)
	// Output:
	// true 100 is served
	// 100 is served; 2 is held: less than half of the last
	// 10 <nil>
}

func Example_dependencies() {
	ctx := context.Background()
	site, err := beforehand.Open(ctx, beforehand.Config{State: memory.New()})
	must(err)
	countViews := func(context.Context) (map[string]int, error) {
		return map[string]int{"/about-sqlite": 120, "/hello": 73}, nil
	}

	views := beforehand.New(site, "views", countViews, beforehand.Policy{Trigger: trigger.Every(time.Hour)})
	total := beforehand.New(site, "total", func(context.Context) (int, error) {
		n := 0
		for _, v := range views.Value() {
			n += v
		}
		return n, nil
	}, beforehand.Policy{After: []string{"views"}})
	pages := beforehand.New(site, "pages", func(context.Context) (int, error) {
		return len(views.Value()), nil
	}, beforehand.Policy{After: []string{"views"}})

	defer run(ctx, site)()
	for total.Value() == 0 || pages.Value() == 0 {
		select {
		case <-total.Changed():
		case <-pages.Changed():
		case <-time.After(10 * time.Millisecond):
		}
	}
	fmt.Println(total.Value(), "views of", pages.Value(), "pages, counted", views.Current().Version, "time")
	// Output: 193 views of 2 pages, counted 1 time
}

// Period is what a reader may ask for.
type Period struct {
	Days int `json:"days"`
}

func parsePeriod(r *http.Request) (Period, error) {
	days, err := strconv.Atoi(r.FormValue("days"))
	if err != nil || days < 1 || days > 365 {
		return Period{}, errors.New("days is 1 to 365") // answered with 404
	}
	return Period{days}, nil
}

func hotOf(ctx context.Context, p Period) ([]Article, error) {
	return []Article{{"/hello", 73 * p.Days}}, ctx.Err()
}

func Example_family() {
	ctx := context.Background()
	site, err := beforehand.Open(ctx, beforehand.Config{State: memory.New()})
	must(err)

	hot := beforehand.NewFamily(site, "hot-of", parsePeriod, hotOf, beforehand.FamilyPolicy[Period]{
		Policy:   beforehand.Policy{Trigger: trigger.Every(time.Hour), Wait: 10 * time.Second},
		Always:   []Period{{1}, {7}, {30}}, // computed on every tick, whoever reads them
		Max:      200,                      // others held at once,
		MaxBytes: 32 << 20,                 // and in how many bytes
	})
	mux := http.NewServeMux()
	mux.Handle("GET /hot-of.json", hot)
	mux.HandleFunc("GET /hot-of/status.json", hot.ServeStatus)
	mux.HandleFunc("GET /hot-of/events", hot.Subscribe)

	defer run(ctx, site)()
	must(hot.Refresh(ctx))
	get(mux, "/hot-of.json?days=2&utm_source=feed")
	get(mux, "/hot-of.json?days=1000")
	week, ok := hot.Value(Period{7})
	fmt.Println(week, ok)
	// Output:
	// 200 application/json
	// [{"path":"/hello","views":146}]
	// 404 text/plain; charset=utf-8
	// no such parameters
	// [{/hello 511}] true
}

func Example_publish() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "publish")
	must(err)
	defer os.RemoveAll(dir)

	site, err := beforehand.Open(ctx, beforehand.Config{State: memory.New(), Publish: dir})

	must(err)
	beforehand.New(site, "hot", hotArticles, beforehand.Policy{})
	family := beforehand.NewFamily(site, "hot-of", parsePeriod, hotOf, beforehand.FamilyPolicy[Period]{Always: []Period{{7}}})
	stop := run(ctx, site)
	must(family.Refresh(ctx))
	stop()
	for _, pattern := range []string{"*.json", "*/*.json"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		must(err)
		for _, name := range names {
			rel, err := filepath.Rel(dir, name)
			must(err)
			if rel != ".beforehand.json" {
				fmt.Println(filepath.ToSlash(rel))
			}
		}
	}
	// Output:
	// hot.json
	// hot-of/days=7.json
}

func Example_processes() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "site")
	must(err)
	defer os.RemoveAll(dir)
	file, dsn := filepath.Join(dir, "site.db"), ""
	open := func() (state beforehand.State, err error) {
		if dsn != "" {
			state, err = postgres.Open(ctx, dsn) // processes on any number of machines
		} else {
			state, err = sqlite.Open(file) // processes of one machine
		}
		return state, err
	}

	state, err := open()
	must(err)
	site, err := beforehand.Open(ctx, beforehand.Config{State: state, Scheduler: scheduler.Config{MaxRuns: 2}})
	must(err)
	hot := beforehand.New(site, "hot", hotArticles, beforehand.Policy{})
	stop := run(ctx, site)
	must(hot.Refresh(ctx))
	stop()
	must(state.Close())

	// The next process serves it before it has computed anything.
	state, err = open()
	must(err)
	site, err = beforehand.Open(ctx, beforehand.Config{State: state})
	must(err)
	hot = beforehand.New(site, "hot", hotArticles, beforehand.Policy{})
	fmt.Println(len(hot.Value()), "articles at once")
	must(state.Close())
	// Output: 2 articles at once
}

func Example_headers() {
	ctx := context.Background()
	site, err := beforehand.Open(ctx, beforehand.Config{
		State:    memory.New(),
		Encoders: []snapshot.Encoder{{Name: "br", Encode: brotliOf}}, // gzip is always there
	})
	must(err)
	hot := beforehand.New(site, "hot", hotArticles, beforehand.Policy{Rules: snapshot.Rules{
		Origins:  []string{"https://example.com"}, // whose scripts may read it
		Private:  false,                           // true keeps it out of shared caches
		Policies: map[string]string{"html": "default-src 'none'; style-src 'unsafe-inline'"},
	}})
	defer run(ctx, site)()
	must(hot.Refresh(ctx))
	get(hot, "/hot.json", "Accept-Encoding", "gzip")
	// Output:
	// 200 application/json
	// [{"path":"/about-sqlite","views":120},{"path":"/hello","views":73}]
}

func brotliOf(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, brotli.BestCompression)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

// Every block of Go in the guide stands in this file, whatever its indentation.
func TestGuideIsMadeOfTheseExamples(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.Lines(string(b)) {
			lines = append(lines, strings.TrimSpace(line))
		}
		return strings.Join(lines, "\n")
	}
	code, blocks := read("guide_test.go"), 0
	for i, part := range strings.Split(read("../../docs/reports-in-go.md"), "```") {
		block, isGo := strings.CutPrefix(part, "go\n")
		if i%2 == 0 || !isGo {
			continue
		}
		blocks++
		if !strings.Contains(code, strings.TrimSpace(block)) {
			t.Errorf("no example has these lines:\n%s", block)
		}
	}
	if blocks < 8 {
		t.Errorf("only %d blocks of Go found", blocks)
	}
}
