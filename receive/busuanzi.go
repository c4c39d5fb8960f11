package receive

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// busuanziScript asks for the counts and shows them.
//
//go:embed script/busuanzi.js
var busuanziScript string

// callbackName is what a function may be called: nothing else is repeated to
// a page.
var callbackName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$.]{0,63}$`)

// busuanziCounts are the counts under the names that pages know them by.
type busuanziCounts struct {
	SitePageviews int64   `json:"site_pv"`
	SiteVisitors  int64   `json:"site_uv"`
	PagePageviews int64   `json:"page_pv"`
	PageVisitors  int64   `json:"page_uv"`
	Version       float64 `json:"version"`
}

func serveBusuanziScript(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Content-Length", strconv.Itoa(len(busuanziScript)))
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write([]byte(busuanziScript))
}

// takeBusuanzi counts the page that the Referer names, and answers with its
// counts and the site's, as a call of a function or as JSON.
func (r *Receiver) takeBusuanzi(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	callback := req.URL.Query().Get("jsonpCallback")
	if callback != "" && !callbackName.MatchString(callback) {
		http.Error(w, "jsonpCallback cannot be the name of a function", http.StatusBadRequest)
		return
	}
	page := req.Header.Get("Referer")
	host := urlHost(page)
	site := r.site("", host)
	if host == "" || site == nil {
		r.noteUnknown(pageview.SourceBusuanzi, host)
		leave(w, leftUnknownSite)
		http.Error(w, "no such site here; the Referer must name a page of it", http.StatusNotFound)
		return
	}
	counts, left, err := r.countBusuanzi(req, site, page)
	if err != nil {
		r.trouble(req, err).writeText(w)
		return
	}
	if left != "" {
		leave(w, left)
	}
	body, err := json.Marshal(counts)
	if err != nil {
		r.trouble(req, err).writeText(w)
		return
	}
	kind := "application/json"
	if callback != "" {
		kind = "text/javascript; charset=utf-8"
		body = []byte("try{" + callback + "(" + string(body) + ");}catch(e){}")
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

func (r *Receiver) countBusuanzi(req *http.Request, site *collect.Site, page string) (c busuanziCounts, left string, err error) {
	v, left, err := r.see(req, site, &collect.Seen{URL: page, Source: pageview.SourceBusuanzi})
	if err == nil {
		r.noteSeen(site, pageview.SourceBusuanzi, left, &v)
	}
	if err != nil || left != "" {
		return c, left, err
	}
	t, err := r.totals.of(req.Context(), site.Name) // before this pageview is in the store
	if err == nil {
		err = r.keep(req.Context(), pageview.Batch{Pageviews: []pageview.Pageview{v}})
	}
	if err != nil {
		return c, "", err
	}
	t.add(&v)
	all, of := t.read(v.Path)
	return busuanziCounts{all.Pageviews, all.Visitors, of.Pageviews, of.Visitors, 2.4}, "", nil
}

// Asker answers what the counts begin with. A pageview.Store is one.
type Asker interface {
	Query(ctx context.Context, q pageview.Query) (pageview.Answer, error)
}
