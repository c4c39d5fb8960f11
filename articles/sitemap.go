package articles

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

const (
	maxSitemap = 50 << 20 // bytes unpacked, as the protocol has it
	maxEntries = 50_000   // of a sitemap, the same
	maxParts   = 50       // sitemaps that are read in one run
)

// sitemap reads the sitemap protocol: the pages of a sitemap with what Google's
// extension for news says of them, and the parts of an index. What is beyond
// the limits is left out.
func sitemap(body []byte, base *url.URL) (entries []entry, parts []string, err error) {
	if body, err = unpack(body, maxSitemap); err != nil {
		return nil, nil, err
	}
	d := newDecoder(body)
	var (
		page   entry
		news   entry
		inside string // element whose text is wanted
		chars  strings.Builder
		root   string
	)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != "" {
			return entries, parts, nil
		}
		if err != nil {
			return entries, parts, fmt.Errorf("not a sitemap: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			name := t.Name.Local
			switch {
			case root == "" && name != "urlset" && name != "sitemapindex":
				return nil, nil, fmt.Errorf("not a sitemap: it begins with <%.40s>", name)
			case root == "":
				root = name
			case name == "url" || name == "sitemap":
				page, news = entry{}, entry{}
			}
			inside = ""
			if ours(t.Name.Space) {
				inside = name
			}
			chars.Reset()
		case xml.CharData:
			if inside != "" && chars.Len() < 2*maxURL {
				chars.Write(t)
			}
		case xml.EndElement:
			value := chars.String()
			switch {
			case inside == t.Name.Local && inside != "":
				page.take(&news, inside, value, base)
			case t.Name.Local == "url" && page.url != "" && len(entries) < maxEntries:
				entries = append(entries, page.finish(news)...)
			case t.Name.Local == "sitemap" && page.url != "" && len(parts) < maxParts:
				parts = append(parts, page.url)
			}
			inside = ""
		}
	}
}

// ours tells whether a namespace is that of sitemaps or of news in them, not
// one in which a <loc> is a picture's.
func ours(space string) bool {
	return space == "" || space == "news" || strings.Contains(space, "/schemas/sitemap/") || strings.Contains(space, "/schemas/sitemap-news/")
}

// take notes the value of an element.
func (e *entry) take(news *entry, element, value string, base *url.URL) {
	switch element {
	case "loc":
		e.url = absolute(base, value)
	case "lastmod":
		e.told.Published = instant(value)
	case "publication_date":
		news.told.Published = instant(value)
	case "title":
		news.told.Title = plain(value)
	}
}

// finish is the entries of a page: what the sitemap says and what its news do,
// which is the one with a title or without modified.
func (e *entry) finish(news entry) []entry {
	e.modified = true
	news.url = e.url
	var list []entry
	for _, v := range []entry{*e, news} {
		if v.told != (Told{}) {
			list = append(list, v)
		}
	}
	return list
}
