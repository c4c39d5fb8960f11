package chromium_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/beforehand-go/beforehand/internal/chromium"
)

func TestBarriers(t *testing.T) {
	if chromium.Axe() == "" {
		t.Skip("axe-core is not there (make deps)")
	}
	b := chromium.Open(t)
	page := func(style, body string) string {
		return `data:text/html,<!doctype html><html lang=en><meta name=viewport content="width=device-width"><title>Page</title><style>` + style + `</style><main>` + body + `</main>`
	}
	const label = `<label>Name <input></label>`
	for _, c := range []struct{ scheme, page, want string }{
		{"light", page("", label), ""},
		{"light", page("", "<input>"), "label at input"},
		{"light", page("p{color:silver;background:white}", label+"<p>Pale"), "color-contrast at p"},
		{"light", page("@media(prefers-color-scheme:dark){p{color:dimgray;background:black}}", label+"<p>Dark"), ""},
		{"dark", page("@media(prefers-color-scheme:dark){p{color:dimgray;background:black}}", label+"<p>Dark"), "color-contrast at p"},
	} {
		b.Prefer(c.scheme)
		b.Run(chromedp.Navigate(c.page))
		found := strings.Join(b.Barriers(), "\n")
		if c.want == "" && found != "" || !strings.Contains(found, c.want) {
			t.Errorf("%s, %s: %q", c.scheme, c.page, found)
		}
	}
}
