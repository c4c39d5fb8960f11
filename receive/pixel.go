package receive

import (
	"net/http"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// pixel is a transparent picture of one dot.
const pixel = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" +
	"\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00\x3b"

// takePixel counts a page by a picture that it shows. Which page that is, the
// Referer tells, or the query: u is its address or path, s the site, t the
// title and r the referrer.
func (r *Receiver) takePixel(w http.ResponseWriter, req *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	q := req.URL.Query()
	page, from := q.Get("u"), req.Header.Get("Referer")
	if page == "" {
		page = from
	}
	host, ok := pageHost(page, from)
	if !ok {
		leave(w, leftOrigin)
		http.Error(w, "a page can only tell of pages of its own host", http.StatusForbidden)
		return
	}
	site := r.site(q.Get("s"), host)
	if site == nil {
		r.noteUnknown(pageview.SourcePixel, host)
		leave(w, leftUnknownSite)
		http.Error(w, "no such site here; name it with s, or its hosts to the server", http.StatusNotFound)
		return
	}
	v, left, err := r.see(req, site, &collect.Seen{
		Host: host, URL: page, Title: q.Get("t"), Referrer: q.Get("r"), Source: pageview.SourcePixel,
	})
	if err == nil && left == "" {
		err = r.keep(req.Context(), pageview.Batch{Pageviews: []pageview.Pageview{v}})
	}
	if err != nil {
		r.trouble(req, err).writeText(w)
		return
	}
	r.noteSeen(site, pageview.SourcePixel, left, &v)
	if left != "" {
		leave(w, left)
	} else {
		r.totals.counted(&v)
	}
	h.Set("Content-Type", "image/gif")
	h.Set("Content-Length", "43")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write([]byte(pixel))
}
