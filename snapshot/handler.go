package snapshot

import (
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP answers with the snapshot. Ranges are not served: a reader that
// asks for one gets the whole.
func (s *Served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	ext := extension(r.URL.Path)
	page, byExtension := s.byExtension(ext)
	if !byExtension && len(s.pages) > 0 && known(ext) {
		s.refuse(w, r, http.StatusNotFound, "no such format; there is "+s.formats())
		return
	}
	h["Vary"] = s.varyAccept
	if byExtension {
		h["Vary"] = s.varyEncoding
	}
	if s.methodRefused(w, r) {
		return
	}
	now := time.Now()
	if len(s.pages) == 0 {
		h["Retry-After"] = []string{seconds0(s.state.retryAfter(now))}
		s.refuse(w, r, http.StatusServiceUnavailable, "not computed yet; ask again soon")
		return
	}
	if !byExtension {
		page = s.byAccept(r.Header["Accept"])
	}
	var rep *representation
	if page != nil {
		rep = page.byEncoding(r.Header["Accept-Encoding"])
	}
	if rep == nil {
		s.refuse(w, r, http.StatusNotAcceptable, "nothing of what is accepted; there is "+s.formats())
		return
	}
	if s.answer(w, r, rep, now) && s.rules.Tally != nil && r.Method == http.MethodGet {
		s.rules.Tally.Count(s.snapshot.Took, time.Since(now))
	}
}

// answer tells whether the reader has got the snapshot, or has it already.
func (s *Served) answer(w http.ResponseWriter, r *http.Request, rep *representation, now time.Time) bool {
	// A second may hold several versions, so Last-Modified is told only of
	// seconds that are over: whoever asks with it has seen their last.
	changed := rep.changed
	if now.Unix() <= changed.Unix() {
		changed = time.Time{}
	}
	v := precondition(r.Header, rep.tag, changed)
	h := w.Header()
	if v == failed {
		s.refuse(w, r, http.StatusPreconditionFailed, "the snapshot is another by now")
		return false
	}
	for i := range s.current {
		h[s.current[i].key] = s.current[i].value
	}
	s.allowOrigin(h, r)
	volatile := s.at(now)
	h["Cache-Control"] = volatile.cacheControl
	h["Snapshot-State"] = volatile.state
	h["Etag"] = rep.etag
	if v == notModified {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	if !changed.IsZero() {
		h["Last-Modified"] = rep.modified
	}
	for i := range rep.content {
		h[rep.content[i].key] = rep.content[i].value
	}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(rep.body) // whoever went away needs no answer
	}
	return true
}

// methodRefused answers what is neither GET nor HEAD.
func (s *Served) methodRefused(w http.ResponseWriter, r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return false
	case http.MethodOptions:
		h := w.Header()
		h["Allow"] = []string{"GET, HEAD, OPTIONS"}
		s.allowOrigin(h, r)
		if h["Access-Control-Allow-Origin"] != nil {
			h["Access-Control-Allow-Methods"] = []string{"GET, HEAD"}
			h["Access-Control-Allow-Headers"] = []string{"If-None-Match, If-Modified-Since"}
			h["Access-Control-Max-Age"] = []string{"86400"}
		}
		w.WriteHeader(http.StatusNoContent)
		return true
	}
	w.Header()["Allow"] = []string{"GET, HEAD, OPTIONS"}
	s.refuse(w, r, http.StatusMethodNotAllowed, "a snapshot is read by GET or HEAD")
	return true
}

// refuse answers with a sentence in plain text that no cache keeps.
func (s *Served) refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	for _, c := range s.common {
		h[c.key] = c.value
	}
	s.allowOrigin(h, r)
	if h["Vary"] == nil {
		h["Vary"] = s.varyEncoding
	}
	h["Cache-Control"] = []string{"no-store"}
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(text) + 1)}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, text+"\n")
	}
}

func (s *Served) allowOrigin(h http.Header, r *http.Request) {
	if s.everyone != nil {
		h["Access-Control-Allow-Origin"] = s.everyone
		return
	}
	if len(s.rules.Origins) == 0 {
		return
	}
	if origin := r.Header["Origin"]; len(origin) == 1 && slices.Contains(s.rules.Origins, origin[0]) {
		h["Access-Control-Allow-Origin"] = origin
	}
}

// byExtension returns the page of a format named in the path.
func (s *Served) byExtension(ext string) (*page, bool) {
	for i := range s.pages {
		if s.pages[i].format == ext {
			return &s.pages[i], true
		}
	}
	return nil, false
}

// byAccept returns the page the reader likes best; of equals the first.
func (s *Served) byAccept(lines []string) *page {
	var best *page
	most := 0
	for i := range s.pages {
		if q := acceptQuality(lines, s.pages[i].mediaType); q > most {
			best, most = &s.pages[i], q
		}
	}
	return best
}

// byEncoding returns the representation the reader likes best; of equals the
// smallest.
func (p *page) byEncoding(lines []string) *representation {
	var best *representation
	most := 0
	for i := range p.representations {
		if q := encodingQuality(lines, p.representations[i].encoding); q > most {
			best, most = &p.representations[i], q
		}
	}
	return best
}

func (s *Served) formats() string {
	var names []string
	for _, p := range s.pages {
		names = append(names, p.format)
	}
	return strings.Join(names, ", ")
}

func extension(urlPath string) string {
	return strings.TrimPrefix(path.Ext(urlPath), ".")
}

// known tells whether an extension asks for a format, so that the dot in
// "/sites/example.com" does not.
func known(ext string) bool {
	switch ext {
	case "json", "csv", "html", "svg", "png", "txt", "xml", "jpg", "jpeg", "gif", "webp", "pdf", "md":
		return true
	}
	return false
}

func seconds0(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
