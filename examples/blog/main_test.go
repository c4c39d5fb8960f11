package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/report"
)

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"

// get asks the blog as a reader with a browser does.
func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", firefox)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "" // it is starting
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestTheBlogCountsItsPages reads pages and sees them in the list, on the page
// and in the chart, and still there after a restart.
func TestTheBlogCountsItsPages(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	run := func(every time.Duration, during func(url string)) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- serve(ctx, dir, addr, every) }()
		during("http://" + addr)
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	var last string
	until := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(5 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s; the list was %s", what, last)
			}
		}
	}
	listed := func(url string) bool {
		var hot report.Hot
		last = get(t, url+"/hot.json")
		err := json.Unmarshal([]byte(last), &hot)
		return err == nil && len(hot.Items) == 2 && hot.Items[0].Path == "/posts/two" && hot.Items[0].Pageviews == 3 && hot.Items[0].Visitors == 1
	}
	run(200*time.Millisecond, func(url string) {
		until("it does not start", func() bool { return get(t, url+"/about") != "" })
		for range 3 {
			get(t, url+"/posts/two")
		}
		get(t, url+"/posts/one")
		until("the list never came", func() bool { return listed(url) })
		until("the page has no list", func() bool {
			return strings.Contains(get(t, url+"/"), `<a href="/posts/two">/posts/two</a>, 3 pageviews`)
		})
		until("the chart is empty", func() bool { return strings.Contains(get(t, url+"/visits.svg"), "/posts/two") })
	})
	run(time.Hour, func(url string) {
		until("it does not start again", func() bool { return get(t, url+"/posts/one") != "" })
		if !listed(url) { // as it was, or computed anew, by which scores are lower
			t.Errorf("after a restart the list is %s", last)
		}
	})
}

func TestTheProgramIsShort(t *testing.T) {
	text, err := os.ReadFile("main.go")
	if n := strings.Count(string(text), "\n"); err != nil || n > 45 {
		t.Errorf("%d lines, %v", n, err)
	}
}
