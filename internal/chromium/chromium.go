// Package chromium is Chromium as tests use it: it opens pages, and keeps what they
// ask for and what the console says.
package chromium

import (
	"context"
	"net/url"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/beforehand-go/beforehand/internal/throwaway"
)

// Browser is a page of Chromium.
type Browser struct {
	context.Context // of chromedp

	t     testing.TB
	mu    sync.Mutex
	hosts []string
	said  []string
}

// Path is where Chromium is. The test is left out where it is not installed.
func Path(t testing.TB) string {
	t.Helper()
	name, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("left out: chromium is not installed; scripts/deps installs it")
	}
	return name
}

// Open starts Chromium, for two minutes at most and no longer than the test. It
// asks for nothing on its own.
func Open(t testing.TB, options ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	b := &Browser{t: t}
	options = append(append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(Path(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(throwaway.Dir(t)), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true)), options...)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	b.Context, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b.Run()
	if err := chromedp.Listen(b, b.listen); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Call(b, network.Enable, network.EnableParams{})
	if err == nil {
		_, err = chromedp.Call(b, log.Enable, cdp.Empty{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// listen notes what the browser asks for and complains of.
func (b *Browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" && !slices.Contains(b.hosts, u.Host) {
			b.hosts = append(b.hosts, u.Host)
		}
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		b.said = append(b.said, e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		b.said = append(b.said, string(e.Type))
	}
}

// Run carries out actions, or fails the test.
func (b *Browser) Run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// Hosts are those that pages asked for something, with their ports.
func (b *Browser) Hosts() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.hosts)
}

// Said is what the console said.
func (b *Browser) Said() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.said)
}
