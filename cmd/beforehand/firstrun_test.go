package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/beforehand-go/beforehand/internal/chromium"
	"github.com/beforehand-go/beforehand/internal/throwaway"
)

// TestNewOwner goes the way of a new owner in a browser: from the link that serve
// prints to a pageview in the dashboard, and signed out and in again.
func TestNewOwner(t *testing.T) {
	b := openWindow(t)
	began := time.Now()
	link := serveNew(t)
	base, _, _ := strings.Cut(link, "/join/")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>First post</title><h1>First</h1><script defer src="%s/b.js" data-local></script>`, base)
	}))
	t.Cleanup(site.Close)

	b.open(link)
	b.says("h1", "Set up")
	b.Run(chromedp.SendKeys("#name", "jo"), chromedp.SendKeys("#password", "correct horse battery"), chromedp.Click("button"))
	b.until("location.pathname == '/'")
	b.open(site.URL + "/posts/first")
	b.says("h1", "First")
	b.open(base + "/d/default")
	b.reloadUntil("main", "/posts/first")
	if took := time.Since(began); took > 3*time.Minute {
		t.Errorf("counted after %s", took)
	}

	b.open(base + "/account")
	b.Run(chromedp.Click("form[action^='/logout'] button"))
	b.says("h1", "Sign in")
	b.open(base + "/d/default")
	b.says("h1", "Sign in")
	b.Run(chromedp.SendKeys("#name", "jo"), chromedp.SendKeys("#password", "correct horse battery"), chromedp.Click("button"))
	b.until("location.pathname == '/d/default'")
}

// serveNew serves a new data directory until the test ends, and returns the link
// for the first owner.
func serveNew(t *testing.T) (link string) {
	t.Helper()
	dir := t.TempDir()
	r, w := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		listen := fmt.Sprintf("localhost:%d", throwaway.Port(t))
		if code := run(ctx, stdio{strings.NewReader(""), w, io.Discard}, []string{"serve", "--data", dir, "--listen", listen}); code != 0 {
			t.Errorf("serve ended with %d", code)
		}
		w.Close()
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	var text strings.Builder
	found := regexp.MustCompile(`http://\S+/join/\S+\n`)
	for part := make([]byte, 1000); found.FindString(text.String()) == ""; {
		n, err := r.Read(part)
		text.Write(part[:n])
		if err != nil {
			t.Fatalf("serve said %q, %v", text.String(), err)
		}
	}
	wg.Go(func() { io.Copy(io.Discard, r) })
	return strings.TrimSpace(found.FindString(text.String()))
}

// window is a window of Chromium.
type window struct {
	*chromium.Browser
	t *testing.T
}

func openWindow(t *testing.T) *window {
	t.Helper()
	// By its own name, or steered by a program, it would be a bot.
	const name = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	return &window{chromium.Open(t, chromedp.Flag("lang", "en"), chromedp.Flag("user-agent", name), chromedp.Flag("disable-blink-features", "AutomationControlled")), t}
}

func (w *window) open(url string) { w.t.Helper(); w.Run(chromedp.Navigate(url)) }

// is tells whether an expression is true. It is not while a page is being left.
func (w *window) is(js string) bool {
	ok, err := chromedp.Run(w, chromedp.Evaluate[bool]("!!("+js+")"))
	return err == nil && ok
}

func (w *window) until(js string) { w.t.Helper(); w.wait(js, func() {}) }

func (w *window) wait(js string, between func()) {
	w.t.Helper()
	for end := time.Now().Add(4 * time.Minute); !w.is(js); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			text, err := chromedp.Run(w, chromedp.Evaluate[string]("location + ' ' + document.body.innerText"))
			w.t.Fatalf("waited for %s; the page says %q, %v", js, text, err)
		}
		between()
	}
}

func holds(part, text string) string {
	return fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", part, text)
}

func (w *window) says(part, text string) { w.t.Helper(); w.until(holds(part, text)) }

// reloadUntil reloads a page, as its reader would, until it says something.
func (w *window) reloadUntil(part, text string) {
	w.t.Helper()
	last := time.Now()
	w.wait(holds(part, text), func() {
		if time.Since(last) > time.Second {
			w.Run(chromedp.Reload())
			last = time.Now()
		}
	})
}
