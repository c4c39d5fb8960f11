package articles

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/beforehand-go/beforehand/internal/text"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

const maxPage = 512 << 10 // bytes of a page that are looked at

// page is what an HTML page says of itself: in og:title and its like, and in
// its <title>. Nothing after its head is read.
func page(body []byte, mediaType string, base *url.URL) (told, head Told, err error) {
	if len(body) == 0 {
		return told, head, nil
	}
	r, err := charset.NewReader(bytes.NewReader(body), mediaType)
	if err != nil {
		return told, head, fmt.Errorf("read page: %w", err)
	}
	z := html.NewTokenizer(r)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return told, head, nil // the end, or where the page was cut
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "body":
				return told, head, nil
			case "meta":
				told.meta(z, base)
			case "title":
				if head.Title == "" && z.Next() == html.TextToken {
					head.Title = text.Clean(string(z.Text()), maxTitle)
				}
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "head" {
				return told, head, nil
			}
		}
	}
}

// meta notes what a <meta> says. The first one of its kind counts.
func (t *Told) meta(z *html.Tokenizer, base *url.URL) {
	var name, content string
	for more := true; more; {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "property", "name":
			if name == "" || string(key) == "property" {
				name = strings.ToLower(strings.TrimSpace(string(value)))
			}
		case "content":
			content = string(value)
		}
	}
	switch name {
	case "og:title":
		if t.Title == "" {
			t.Title = text.Clean(content, maxTitle)
		}
	case "og:image", "og:image:url", "og:image:secure_url":
		if t.Picture == "" {
			t.Picture = absolute(base, content)
		}
	case "article:published_time":
		if t.Published.IsZero() {
			t.Published = instant(content)
		}
	}
}
