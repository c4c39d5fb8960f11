package chromium

import (
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Axe is axe-core, which knows what bars people from a page, where scripts/deps
// has put it; empty where it has not.
func Axe() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	script, err := os.ReadFile(filepath.Join(cache, "beforehand", "axe-core-4.14.1.js"))
	if err != nil {
		return ""
	}
	return string(script)
}

// barred runs axe over a page by the rules of WCAG 2.2, levels A and AA, and tells
// each rule that is broken, and where.
const barred = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"], resultTypes: ["violations"]}).
	then((found) => found.violations.flatMap((v) => v.nodes.map((n) => v.id + " at " + n.target.join(" ") + ": " + n.failureSummary)))`

// Barriers are what bars people from the page that is open: nothing, by the rules
// of WCAG 2.2 AA that a program can check. Without [Axe] nothing is checked, and
// the test says so.
func (b *Browser) Barriers() []string {
	b.t.Helper()
	script := Axe()
	if script == "" {
		b.t.Log("left out: axe-core is not there, so nothing bars anybody (make deps)")
		return nil
	}
	b.Run(chromedp.Evaluate[chromedp.Void](script + ";undefined"))
	found, err := chromedp.Run(b, chromedp.Evaluate[[]string](barred, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// Prefer has pages drawn as for somebody who prefers a scheme: light or dark.
func (b *Browser) Prefer(scheme string) {
	b.t.Helper()
	if _, err := chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		b.t.Fatal(err)
	}
}
