package server_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestDashboardInABrowser(t *testing.T) {
	s := dashed(t)
	const path = "/d/blog?period=7d"
	shows(t, s, path, "/posts/00")
	b := browse(t, s)
	b.Run(chromedp.EmulateViewport(1200, 1600))
	b.open(path)
	b.says("h1", "blog")
	b.until("document.querySelector('.hovers') && performance.getEntriesByType('resource').length > 3")
	moved, err := chromedp.Run(b, chromedp.Evaluate[float64](shifts, chromedp.EvalAwaitPromise))
	if err != nil || moved != 0 {
		t.Errorf("the page moved by %v, %v", moved, err)
	}
	const sent = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((sum, e) => sum + e.transferSize, 0)"
	if !b.is(sent+" > 5000") || !b.is(sent+" < 100000") {
		t.Error("the page is of more than 100 kB, or nobody knows")
	}

	b.Run(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 600, 560))
	b.until("document.querySelector('.tip')?.textContent.includes('pageviews: ')")
	b.Run(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 5, 5))
	b.until("!document.querySelector('.tip')")
	b.until("(document.querySelector('.plot').focus(), document.activeElement.matches('.plot'))")
	b.Run(chromedp.KeyEvent(kb.End))
	b.until("document.querySelector('[aria-live]').textContent.includes('pageviews: 1') && document.querySelector('.tip')")
	b.Run(chromedp.KeyEvent(kb.ArrowLeft))
	b.until("document.querySelector('[aria-live]').textContent.includes('pageviews: 0')")
	b.Run(chromedp.KeyEvent(kb.Escape))
	b.until("!document.querySelector('.tip')")
	if _, err := chromedp.Call(b, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchStart, TouchPoints: []*input.TouchPoint{{X: 300, Y: 560}}}); err != nil {
		t.Error(err)
	}
	b.until("document.querySelector('.tip')")

	b.click(`#card-browser a[href*="Firefox"]`)
	b.says(".chips", "Browsers = Firefox")
	b.until("document.querySelector('#card-total').textContent.includes('26')")
	b.click(`#card-device a[href*="mobile"]`)
	b.says(".chips", "Devices = Phone")
	b.says("#card-total", "counted from single pageviews")
	b.click(`.chips a[aria-label="Remove the filter Browsers: Firefox"]`)
	b.until("!document.querySelector('.chips').textContent.includes('Firefox') && document.querySelector('.chips').textContent.includes('Phone')")
	b.click(`.languages a[lang="zh-Hans"]`)
	b.says(".chips", "手机")

	if _, err := chromedp.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.open(path)
	b.Run(chromedp.SendKeys("#q", "posts/1"))
	b.click(".find button")
	b.says("#card-page", "/posts/11")
	if _, err := chromedp.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{}); err != nil {
		t.Fatal(err)
	}
	b.fits(path, path+"&filter=browser:Firefox&filter=device:mobile", path+"&card=page", "/d/shop")
	b.quiet(b.url[len("http://"):])
}
