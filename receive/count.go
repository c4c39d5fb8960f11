package receive

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/internal/number"
)

// Counts are how often a site and one of its pages were seen.
type Counts struct {
	Site Count      `json:"site"`
	Page *PageCount `json:"page,omitempty"` // nil where no page was asked for
}

// PageCount is how often a page was seen.
type PageCount struct {
	Path string `json:"path"` // by which it is counted; empty where it is not
	Count
}

// counts are those of a site and, where page is not empty, of the page at that
// path. They come from memory; only the first to ask for a site waits for the
// store.
func (r *Receiver) counts(ctx context.Context, site *collect.Site, page string) (Counts, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t, err := r.totals.of(ctx, site.Name)
	if err != nil {
		return Counts{}, err
	}
	path := pagePath(site, page)
	all, of := t.read(path)
	c := Counts{Site: all}
	if page != "" {
		c.Page = &PageCount{path, of}
	}
	return c, nil
}

// pagePath is the path by which a site counts a page of its own.
func pagePath(site *collect.Site, page string) string {
	if !strings.HasPrefix(page, "/") {
		return ""
	}
	host := "localhost"
	if len(site.Hosts) > 0 {
		host = site.Hosts[0]
	}
	return site.Page("https://" + host + page)
}

// askCounts answers what is not told, and returns what is.
func (r *Receiver) askCounts(w http.ResponseWriter, req *http.Request) (Counts, bool) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	site := r.Sites.Named(req.PathValue("site"))
	if site == nil {
		http.Error(w, "no such site here", http.StatusNotFound)
		return Counts{}, false
	}
	c, err := r.counts(req.Context(), site, req.URL.Query().Get("page"))
	if err != nil {
		if req.Context().Err() == nil {
			r.Logger.Error("count what a counter shows", "site", site.Name, "error", err)
		}
		later("5", "the counts could not be read; try again later").writeText(w)
		return Counts{}, false
	}
	return c, true
}

// serveCounts serves /w/SITE/count.json?page=PATH. Nothing is counted by it.
func (r *Receiver) serveCounts(w http.ResponseWriter, req *http.Request) {
	if c, ok := r.askCounts(w, req); ok {
		writeJSON(w, http.StatusOK, c)
	}
}

// serveCountPicture serves /w/SITE/count.svg, one number as a picture: of is
// site or page, metric pageviews or visitors, theme auto, light or dark.
func (r *Receiver) serveCountPicture(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	style, known := countStyles[cmp.Or(q.Get("theme"), "auto")]
	of, metric := cmp.Or(q.Get("of"), "site"), cmp.Or(q.Get("metric"), "pageviews")
	if !known || of != "site" && (of != "page" || q.Get("page") == "") || metric != "pageviews" && metric != "visitors" {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "of is site, or page with the path in page; metric pageviews or visitors; theme auto, light or dark", http.StatusNotFound)
		return
	}
	c, ok := r.askCounts(w, req)
	if !ok {
		return
	}
	count := c.Site
	if of == "page" {
		count = c.Page.Count
	}
	n := count.Pageviews
	if metric == "visitors" {
		n = count.Visitors
	}
	body := countPicture(number.Grouped(n), style)
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

// countStyles are the colours of the number, by theme.
var countStyles = map[string]string{
	"auto":  "text{fill:#1b2026}@media(prefers-color-scheme:dark){text{fill:#e6e9ec}}",
	"light": "text{fill:#1b2026}",
	"dark":  "text{fill:#e6e9ec}",
}

// countPicture is a number in a picture of 96 by 20 dots, whatever it is, so
// that a page can leave room for it.
func countPicture(text, style string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="20" role="img" aria-label="%[1]s"><title>%[1]s</title>`+
		`<style>%[2]s</style><text y="15" font-family="system-ui,sans-serif" font-size="14">%[1]s</text></svg>`, html.EscapeString(text), style)
	return b.Bytes()
}
