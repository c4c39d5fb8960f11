package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestListsAreServedWithWhatTheSiteSays has a server count a site's log, read
// the site's feed and pages, and make the lists that its configuration names.
func TestListsAreServedWithWhatTheSiteSays(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/feed.xml", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `<rss version="2.0"><channel><item><title>Go, the feed says</title><link>/go/one</link><pubDate>Thu, 01 Jan 2026 00:00:00 GMT</pubDate></item></channel></rss>`)
	})
	mux.HandleFunc("/life/two", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, `<meta property="og:title" content="Life &amp; so on"><meta property="og:image" content="/two.jpg">`)
	})
	blog := httptest.NewServer(mux)
	defer blog.Close()

	name, dir := program(t), t.TempDir()
	data, out := filepath.Join(dir, "data"), filepath.Join(dir, "out")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(data, "beforehand.yaml"), fmt.Sprintf(`
publish: %s
sites:
  - name: blog
    title: A blog
    zone: UTC
    url: %s
    trigger: every 1s
    lists:
      - {name: month, title: The month, method: visitors, window: all, exclude: /about, limit: 1}
      - {name: on, title: "On {category}", articles: "/{category}/*", category: [go, life]}
    learn: {feeds: /feed.xml, sitemaps: /none.xml, private: true, pause: 100ms, trigger: every 1s}
`, out, blog.URL))
	var log strings.Builder
	for i, path := range []string{"/go/one", "/go/one", "/life/two", "/about", "/about", "/about"} {
		fmt.Fprintf(&log, "203.0.113.%d - - [01/Mar/2026:10:00:00 +0000] \"GET %s HTTP/1.1\" 200 9 \"-\" \"%s\"\n", i+1, path,
			"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0")
	}
	write(filepath.Join(dir, "access.log"), log.String())
	if text, err := exec.CommandContext(t.Context(), name, "import", "--data", data, filepath.Join(dir, "access.log")).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	server := startProcess(t, "stdout", name, "serve", "--data", data, "--listen", "localhost:0")
	_, rest, _ := strings.Cut(<-server.lines, "serving ")
	url, _, _ := strings.Cut(rest, " ")
	for path, want := range map[string]string{
		"/s/blog/month.json":   `"path":"/go/one","title":"Go, the feed says","pageviews":2,"visitors":2,`,
		"/s/blog/on-go.rss":    "<pubDate>Thu, 01 Jan 2026 00:00:00 +0000</pubDate>",
		"/s/blog/on-life.html": `<a href="` + blog.URL + `/life/two"><bdi>Life &amp; so on</bdi></a>`,
		"/s/blog/on-life.json": `"picture":"` + blog.URL + `/two.jpg"`,
		"/s/blog/on-life.md":   `[Life \& so on](<` + blog.URL + `/life/two>) (1)`,
		"/s/blog/hot.csv":      "Life & so on",
		"/":                    `<a href="/s/blog/on-go.html"><bdi>On go</bdi></a>`,
	} {
		var got string
		for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(got, want); time.Sleep(50 * time.Millisecond) {
			if _, got = fetch(t, url+path); time.Now().After(deadline) {
				t.Fatalf("%s is %s\nwant %s", path, got, want)
			}
		}
	}
	var published []string
	for deadline := time.Now().Add(2 * time.Minute); len(published) < 3; time.Sleep(50 * time.Millisecond) {
		var err error
		if published, err = filepath.Glob(filepath.Join(out, "blog", "*.rss")); err != nil || time.Now().After(deadline) {
			t.Fatalf("published %q, %v", published, err)
		}
	}
	if secret, err := filepath.Glob(filepath.Join(out, "blog", "*articles*")); err != nil || len(secret) > 0 {
		t.Errorf("published %q, %v", secret, err)
	}
}
