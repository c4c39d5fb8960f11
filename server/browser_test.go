package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/beforehand-go/beforehand/internal/chromium"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/server"
)

// browser is Chromium on the pages of a server.
type browser struct {
	*chromium.Browser
	t   *testing.T
	url string
}

func browse(t *testing.T, s *server.Server) *browser {
	t.Helper()
	b := chromium.Open(t, chromedp.Flag("lang", "en"))
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	return &browser{b, t, web.URL}
}

func (b *browser) open(path string) { b.t.Helper(); b.Run(chromedp.Navigate(b.url + path)) }

// is tells whether a script's expression is true. It is not while a page is
// being left.
func (b *browser) is(js string) bool {
	ok, err := chromedp.Run(b, chromedp.Evaluate[bool]("!!("+js+")"))
	return err == nil && ok
}

// until waits for an expression to become true.
func (b *browser) until(js string) {
	b.t.Helper()
	if !eventually(func() bool { return b.is(js) }) {
		text, err := chromedp.Run(b, chromedp.Evaluate[string]("document.body.innerText"))
		b.t.Fatalf("waited for %s; the page says %q, %v", js, text, err)
	}
}

// says waits for a page to say something.
func (b *browser) says(part, text string) {
	b.t.Helper()
	b.until("document.querySelector('" + part + "')?.textContent.includes('" + text + "')")
}

func (b *browser) click(what string) { b.t.Helper(); b.Run(chromedp.Click(what)) }

// write types a trigger in place of the one that is there.
func (b *browser) write(text string) {
	b.t.Helper()
	b.until("(document.getElementById('trigger-text').value = '') == ''")
	b.Run(chromedp.SendKeys("#trigger-text", text))
}

func TestJobsInABrowser(t *testing.T) {
	s := start(t)
	progress, end := make(chan int64), make(chan struct{})
	addJob(t, s, "job/blog/long", func(ctx context.Context, r *scheduler.Run) error {
		for {
			select {
			case n := <-progress:
				r.Progress(n, 200, "posts")
				r.Logger().Warn("so far <b>", "posts", n)
			case <-end:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	})
	addJob(t, s, "job/blog/failing", func(context.Context, *scheduler.Run) error { return errors.New("it is <b>broken") })
	b := browse(t, s)

	b.open("/jobs/job/blog/failing")
	b.click("#act-run")
	b.says("#ticks", "it is <b>broken")
	b.open("/jobs")
	b.says("h1", "Jobs")
	b.click(`a[href^="/jobs/job/blog/long"]`)
	b.until("document.getElementById('act-run')")
	b.click("#act-run")
	b.says(".did", "A run is under way")
	b.until("!location.search.includes('did')")
	b.until("window.kept = true")
	progress <- 50
	b.until("document.querySelector('progress')?.value == 25")
	progress <- 150
	b.until("document.querySelector('progress')?.value == 75 && window.kept")
	b.says("#now", "150 of 200")
	b.says("#log", "so far <b> posts=50")
	b.until("document.querySelectorAll('.log li').length == 2 && document.querySelector('.log li:last-child b').textContent == 'WARN' && window.kept")
	b.says("#ticks", "log (2 lines)")

	b.click("#act-pause")
	b.says(".did", "Paused")
	b.until("document.getElementById('act-resume')")
	b.open("/jobs?lang=zh")
	b.says("#counts", "已暂停")
	b.says("#jobs", "运行中")
	b.says("#holders", "本进程")
	b.until("document.documentElement.lang == 'zh-Hans'")
	b.click(`.languages a[lang="en"]`)
	b.says("h1", "Jobs")
	b.until("window.kept = true")
	close(end)
	b.until("document.querySelector('#holders').textContent.includes('nothing now') && window.kept")
	b.open("/jobs/job/blog/long?lang=zh")
	b.until("!document.querySelector('.log')")
	b.click("#ticks .times a")
	b.says("#log", "这次运行的日志")
	b.says("#log", "so far <b> posts=150")
	b.barsNobody("a log")
	b.until("location.search.includes('log=') && location.hash == '#log'")

	b.open("/jobs/blog/hot")
	b.until("window.kept = true")
	b.write("daily 03:0")
	b.says("#preview", "That is no trigger")
	b.Run(chromedp.SendKeys("#trigger-text", "0"))
	b.says("#preview", "every day at 03:00 in UTC")
	b.barsNobody("a trigger")
	b.until("window.kept && document.querySelectorAll('.ticks li').length == 10")
	b.click(`button[value="trigger"]`)
	b.says(".did", "The trigger is changed")
	b.says("header", "every day at 03:00 in UTC")

	b.withoutScripts()
	b.fits("/", "/jobs", "/jobs/job/blog/long", "/jobs/job/blog/failing", "/jobs/blog/hot", "/setup/blog", "/d/blog")
	b.quiet(b.url[len("http://"):])
}

// quiet holds the browser to have asked these hosts only, and to have said
// nothing.
func (b *browser) quiet(hosts ...string) {
	b.t.Helper()
	if said := b.Said(); len(said) > 0 {
		b.t.Errorf("the console said %q", said)
	}
	for _, host := range b.Hosts() {
		if !slices.Contains(hosts, host) {
			b.t.Errorf("it asked %s, not only %q", host, hosts)
		}
	}
}

// withoutScripts uses the pages as somebody does whose browser runs none.
func (b *browser) withoutScripts() {
	b.t.Helper()
	scripts := func(off bool) {
		if _, err := chromedp.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
			b.t.Fatal(err)
		}
	}
	scripts(true)
	b.open("/jobs/job/blog/long")
	b.says("#now", "paused")
	b.click("#act-resume")
	b.says(".did", "Resumed")
	b.says("#now", "ready")
	b.open("/jobs/blog/hot")
	b.write("every 7m")
	b.click("#edit button")
	b.says("#preview", "every 7 minutes")
	b.says("#preview", "Not changed yet")
	scripts(false)
}

// fits holds the pages to a narrow window and to text twice as large, light and
// dark, in both languages, and to barring nobody.
func (b *browser) fits(paths ...string) {
	b.t.Helper()
	for i, width := range []int64{320, 640} {
		b.Run(chromedp.EmulateViewport(width, 700))
		for j, lang := range []string{"en", "zh"} {
			scheme := []string{"light", "dark"}[(i+j)%2]
			b.Prefer(scheme)
			for _, path := range paths {
				join := "?"
				if strings.Contains(path, "?") {
					join = "&"
				}
				b.open(path + join + "lang=" + lang)
				if width == 640 {
					b.is("document.documentElement.style.fontSize = '200%'")
				}
				if !b.is("document.documentElement.scrollWidth <= document.documentElement.clientWidth") {
					b.t.Errorf("%s in %s at %d px is wider than the window", path, lang, width)
				}
				b.barsNobody(fmt.Sprintf("%s in %s at %d px, %s", path, lang, width, scheme))
			}
		}
	}
	b.Prefer("light")
}

// barsNobody holds what is shown to the rules for people who see, hear or move
// otherwise.
func (b *browser) barsNobody(what string) {
	b.t.Helper()
	for _, barrier := range b.Barriers() {
		b.t.Errorf("%s: %s", what, barrier)
	}
}
