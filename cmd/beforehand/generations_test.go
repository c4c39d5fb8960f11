package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/config"
)

// busy is a site with a job that is nearly always under way, which a next
// generation waits for.
const busy = `
sites:
- name: blog
  hosts: blog.example
  zone: UTC
  jobs:
  - {name: slow, run: [sleep, "1"], trigger: every 1s}
`

// crowd are readers and pages that ask a server again and again.
type crowd struct {
	*served
	over   chan struct{}
	people sync.WaitGroup
	asked  atomic.Int64

	mu    sync.Mutex
	wrong map[string]int // what was answered that is not right, and how often
}

// asks has one more ask until it is over. The body of a request is made from its
// number, and right tells what is wrong with an answer.
func (c *crowd) asks(method, path string, body func(n int) string, right func(status int, text string) string) {
	c.people.Go(func() {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		for n := 0; ; n++ {
			select {
			case <-c.over:
				return
			default:
			}
			status, text, err := c.one(client, method, path, body(n))
			wrong := right(status, text)
			if err != nil {
				wrong = err.Error()
			}
			c.asked.Add(1)
			if wrong != "" {
				c.mu.Lock()
				c.wrong[path+": "+wrong]++
				c.mu.Unlock()
			}
		}
	})
}

func (c *crowd) one(client *http.Client, method, path, body string) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0")
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

// whole tells what is missing of a page or a result.
func whole(status int, text string) string {
	switch {
	case status != http.StatusOK:
		return fmt.Sprintf("%d %.80s", status, text)
	case strings.Contains(text, `class="pending"`), strings.Contains(text, `class="asof stale"`):
		return "a card is not there, or failed"
	}
	return ""
}

// TestReadersAreServedWhileSitesChange changes the sites of a server again and again
// while many ask for one that stays, and while its pages are counted. Nobody gets
// less than before the change, or an older result, and every pageview that was taken
// is counted once.
func TestReadersAreServedWhileSitesChange(t *testing.T) {
	t.Parallel()
	rounds := 2
	if prove() {
		rounds = 60
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte(busy), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &crowd{served: serveWith(t, "--data", dir), over: make(chan struct{}), wrong: map[string]int{}}
	c.look("https://blog.example/first")
	nothing := func(int) string { return "" }
	for _, path := range []string{
		"/", "/s/blog/", "/s/blog/pageviews.json", "/w/blog/hot/frame.html?limit=5", "/w/blog/count.json", "/setup/blog",
		"/d/blog", "/d/blog?period=today", "/d/blog/total.json", "/d/blog/page.csv?period=year", "/readyz",
	} {
		eventually(t, path, func() bool {
			res, text := c.ask(http.MethodGet, path, nil)
			return whole(res.StatusCode, text) == ""
		})
		c.asks(http.MethodGet, path, nothing, whole)
	}
	newest := int64(0)
	c.asks(http.MethodGet, "/s/blog/pageviews/status.json", nothing, func(_ int, text string) string {
		var v struct {
			Version int64     `json:"version"`
			NextAt  time.Time `json:"next_at"`
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil || v.Version < newest || v.NextAt.IsZero() {
			return fmt.Sprintf("%v, version %d after %d, next at %v", err, v.Version, newest, v.NextAt)
		}
		newest = v.Version
		return ""
	})
	var kept sync.Map
	for of := range 2 {
		page := ""
		c.asks(http.MethodPost, fmt.Sprint("/b.js?", of), func(n int) string {
			page = fmt.Sprintf("/%d/%d", of, n)
			return `{"u":"https://blog.example` + page + `"}`
		}, func(status int, text string) string {
			if status != http.StatusNoContent {
				return fmt.Sprint(status, " ", text)
			}
			kept.Store(page, true)
			return ""
		})
	}
	for i := range rounds {
		name := fmt.Sprint("more", i)
		c.post("/account/sites", "name", name, "hosts", name+".example", "zone", "UTC")
		c.post("/account/sites/"+name, "action", "site", "hosts", name+".example", "title", "Another")
		c.post("/account/sites/"+name, "action", "site_remove", "name", name)
	}
	close(c.over)
	c.people.Wait()
	for _, what := range slices.Sorted(maps.Keys(c.wrong)) {
		t.Errorf("%d times %s", c.wrong[what], what)
	}
	counted, n := c.pages("blog"), 0
	kept.Range(func(page, _ any) bool {
		if n++; counted[page.(string)] != 1 {
			t.Errorf("page %v is counted %d times", page, counted[page.(string)])
		}
		return true
	})
	t.Logf("%d requests, %d pageviews", c.asked.Load(), n)
}
