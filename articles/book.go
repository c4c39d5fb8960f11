package articles

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Origin is where a fact came from.
type Origin string

// The origins, the best first: where several know a fact, the first counts.
// What the script sent as a title counts after all of them.
const (
	OriginPage    Origin = "page"    // the page itself, in og:title, og:image and article:published_time
	OriginFeed    Origin = "feed"    // RSS, Atom or JSON Feed
	OriginNews    Origin = "news"    // news:title and news:publication_date of a sitemap
	OriginHead    Origin = "head"    // <title> of the page
	OriginSitemap Origin = "sitemap" // <lastmod> of a sitemap, the earliest that was seen
)

// Origins lists them, the best first.
func Origins() []Origin {
	return []Origin{OriginPage, OriginFeed, OriginNews, OriginHead, OriginSitemap}
}

// Told is what one origin says of a page. What it does not say is zero.
type Told struct {
	Title     string    `json:"title,omitempty"`
	Picture   string    `json:"picture,omitempty"` // absolute URL, http or https
	Published time.Time `json:"published,omitzero"`
	At        time.Time `json:"at"` // since when it says so
}

// Article is what is known of a page, by who told it.
type Article map[Origin]Told

// Title is the title that counts, and where it came from; empty means that
// none is known.
func (a Article) Title() (string, Origin) {
	return pick(a, func(t Told) string { return t.Title })
}

// Picture is the picture that counts.
func (a Article) Picture() (string, Origin) {
	return pick(a, func(t Told) string { return t.Picture })
}

// Published is when the page was published, as far as is known.
func (a Article) Published() (time.Time, Origin) {
	return pick(a, func(t Told) time.Time { return t.Published })
}

func pick[T comparable](a Article, fact func(Told) T) (v T, from Origin) {
	for _, o := range Origins() {
		if f := fact(a[o]); f != v {
			return f, o
		}
	}
	return v, ""
}

// Source is how far a sitemap, a feed or a page was read.
type Source struct {
	ETag         string    `json:"etag,omitempty"`
	LastModified string    `json:"last_modified,omitempty"`
	At           time.Time `json:"at"`                 // when it was asked last
	Failures     int       `json:"failures,omitempty"` // in a row
	Error        string    `json:"error,omitempty"`    // of the last failure
	Parts        []string  `json:"parts,omitempty"`    // sitemaps that an index names
}

// Book is what is known of a site's articles. The zero value is an empty one.
type Book struct {
	Articles map[string]Article `json:"articles"` // by path
	Files    map[string]Source  `json:"files"`    // sitemaps and feeds, by URL
	Pages    map[string]Source  `json:"pages"`    // pages, by path
}

// maxArticles bounds a book. What was published first goes first.
const maxArticles = 10_000

// Decode reads a book that Encode wrote; nothing is an empty one.
func Decode(text []byte) (*Book, error) {
	b := &Book{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, b); err != nil {
			return nil, fmt.Errorf("read what is known of articles: %w", err)
		}
	}
	return b, nil
}

// Encode writes a book.
func (b *Book) Encode() ([]byte, error) { return json.Marshal(b) }

// clone is a book that can be written into.
func (b *Book) clone() *Book {
	c := &Book{Articles: map[string]Article{}, Files: map[string]Source{}, Pages: map[string]Source{}}
	maps.Copy(c.Articles, b.Articles)
	maps.Copy(c.Files, b.Files)
	maps.Copy(c.Pages, b.Pages)
	return c
}

// tell notes what an origin says of a page, in place of what it said before.
func (b *Book) tell(path string, from Origin, t Told, now time.Time) {
	before, known := b.Articles[path][from]
	t.At = before.At
	if known && t == before {
		return
	}
	t.At = now
	a := maps.Clone(b.Articles[path])
	if a == nil {
		a = Article{}
	}
	if t.Title == "" && t.Picture == "" && t.Published.IsZero() {
		delete(a, from)
	} else {
		a[from] = t
	}
	b.Articles[path] = a
	if len(a) == 0 {
		delete(b.Articles, path)
	}
}

// trim holds the book to its bound. What is on a list stays; that a page was
// asked is remembered for as long after it was on one as old says.
func (b *Book) trim(listed map[string]bool, old time.Time) {
	for path, s := range b.Pages {
		if !listed[path] && s.At.Before(old) {
			delete(b.Pages, path)
		}
	}
	if len(b.Articles) <= maxArticles {
		return
	}
	paths := slices.SortedFunc(maps.Keys(b.Articles), func(x, y string) int {
		if listed[x] != listed[y] {
			return map[bool]int{true: -1, false: 1}[listed[x]]
		}
		px, _ := b.Articles[x].Published()
		py, _ := b.Articles[y].Published()
		return cmp.Or(py.Compare(px), cmp.Compare(x, y))
	})
	for _, path := range paths[maxArticles:] {
		delete(b.Articles, path)
	}
}
