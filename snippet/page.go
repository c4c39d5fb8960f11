package snippet

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// Kind is a way in which a page is counted by an element of its own.
type Kind string

// The kinds.
const (
	Script   Kind = "script"
	Picture  Kind = "picture"
	Busuanzi Kind = "busuanzi"
)

// Element is an element that counts the page it is on.
type Element struct {
	Kind      Kind
	Address   *url.URL // of the script or the picture; absolute
	Site      string   // that it names; empty means that of the page's host
	Off       bool     // it is told to count nothing
	Manual    bool     // it counts what the page's own scripts tell it to
	Local     bool     // it also counts on this machine
	NoScript  bool     // only browsers without scripts see it
	Integrity string   // what the browser checks it against; empty means nothing
	Nonce     string
}

// Page is what a page says about being counted.
type Page struct {
	Elements []Element // at most maxElements
	Policies []string  // Content-Security-Policy in its <meta> elements
}

// maxElements is how many elements are told of.
const maxElements = 20

// hashed is the name of a script with the hash of its version.
var hashed = regexp.MustCompile(`^(.+)\.[0-9a-f]{16}$`)

// Find reads a page that came from an address, and finds the elements that bring
// a script or a picture of that name, or busuanzi's. What stands in a comment or a
// template is none.
func Find(body []byte, mediaType string, from *url.URL, name string) (Page, error) {
	f := finder{base: from, name: name}
	if len(body) == 0 {
		return f.page, nil
	}
	r, err := charset.NewReader(bytes.NewReader(body), mediaType)
	if err != nil {
		return f.page, fmt.Errorf("read page: %w", err)
	}
	f.read(html.NewTokenizer(r))
	return f.page, nil
}

// finder is how far a page was read.
type finder struct {
	page      Page
	base      *url.URL
	based     bool // a <base> was read: the first one counts
	name      string
	templates int  // how many are open
	noscript  bool // what is read is for browsers without scripts
}

// read reads to the end, or to where the page was cut.
func (f *finder) read(z *html.Tokenizer) {
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			f.open(t)
			if t.Data == "noscript" && !f.noscript && z.Next() == html.TextToken { // the tokenizer takes it for text
				f.noscript = true
				f.read(html.NewTokenizer(bytes.NewReader(z.Raw())))
				f.noscript = false
			}
		case html.EndTagToken:
			if z.Token().Data == "template" {
				f.templates = max(f.templates-1, 0)
			}
		}
	}
}

func (f *finder) open(t html.Token) {
	switch t.Data {
	case "template":
		f.templates++
	case "base":
		if u := f.resolve(attribute(t, "href")); u != nil && !f.based && f.templates == 0 {
			f.base, f.based = u, true
		}
	case "meta":
		if strings.EqualFold(attribute(t, "http-equiv"), "content-security-policy") && f.templates == 0 {
			f.page.Policies = append(f.page.Policies, attribute(t, "content"))
		}
	case "script", "img":
		f.element(t)
	}
}

// element notes an element that counts the page.
func (f *finder) element(t html.Token) {
	u := f.resolve(attribute(t, "src"))
	if u == nil || f.templates > 0 || len(f.page.Elements) == maxElements {
		return
	}
	kind := f.kind(t.Data, u.Path)
	if kind == "" {
		return
	}
	e := Element{
		Kind: kind, Address: u, NoScript: f.noscript,
		Site: attribute(t, "data-site"), Off: has(t, "data-off"), Manual: has(t, "data-manual"), Local: has(t, "data-local"),
		Integrity: attribute(t, "integrity"), Nonce: attribute(t, "nonce"),
	}
	if kind == Picture {
		e.Site = u.Query().Get("s")
	}
	f.page.Elements = append(f.page.Elements, e)
}

// kind is the kind of an element with the path of its file; empty where it counts
// nothing.
func (f *finder) kind(tag, path string) Kind {
	file := path[strings.LastIndexByte(path, '/')+1:]
	if tag == "img" {
		if file == f.name+".gif" {
			return Picture
		}
		return ""
	}
	name, isScript := strings.CutSuffix(file, ".js")
	if m := hashed.FindStringSubmatch(name); m != nil {
		name = m[1]
	}
	switch {
	case !isScript:
		return ""
	case name == f.name:
		return Script
	case name == "busuanzi" || file == "busuanzi.pure.mini.js":
		return Busuanzi
	}
	return ""
}

// resolve is an absolute address of the web, or nil.
func (f *finder) resolve(address string) *url.URL {
	address = strings.TrimSpace(address)
	if address == "" {
		return nil
	}
	u, err := f.base.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return u
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(t html.Token, name string) bool {
	for _, a := range t.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
