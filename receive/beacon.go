package receive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// maxBeacon is the longest message of the script in bytes.
const maxBeacon = 16 << 10

// beacon is a message of the script. Later versions may have more to say, so
// fields that are not known are passed over.
type beacon struct {
	Site     string  `json:"s"`
	URL      string  `json:"u"`
	Title    string  `json:"t"`
	Referrer string  `json:"r"`
	Width    float64 `json:"w"` // of the screen, in CSS pixels
	Zone     string  `json:"z"` // of the visitor's clock
	Driven   bool    `json:"b"` // a program drives the browser
	Stay     *int64  `json:"d"` // milliseconds that the page was in sight; makes it a message about leaving
}

// maxStay is the longest time a page can have been in sight.
const maxStay = 24 * time.Hour

func parseBeacon(text []byte) (beacon, error) {
	var b beacon
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("not a message of the script: %w", err)
	}
	return b, nil
}

// takeBeacon takes a message of the script. It is a request that browsers send
// without asking first, so that any page may send it; nobody reads the answer
// but who looks for a fault.
func (r *Receiver) takeBeacon(w http.ResponseWriter, req *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-store")
	if !r.room.TryAcquire(maxBeacon) {
		crowded().writeText(w)
		return
	}
	defer r.room.Release(maxBeacon)
	text, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBeacon))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		http.Error(w, fmt.Sprintf("a message has at most %d bytes", maxBeacon), http.StatusRequestEntityTooLarge)
		return
	} else if err != nil {
		cutOff(err).writeText(w)
		return
	}
	b, err := parseBeacon(text)
	if err != nil {
		http.Error(w, "not a message of the script", http.StatusBadRequest)
		return
	}
	r.count(w, req, b)
}

func (r *Receiver) count(w http.ResponseWriter, req *http.Request, b beacon) {
	host, ok := pageHost(b.URL, req.Header.Get("Origin"))
	if !ok {
		leave(w, leftOrigin)
		http.Error(w, "a page can only tell of pages of its own host", http.StatusForbidden)
		return
	}
	site := r.site(b.Site, host)
	if site == nil {
		r.noteUnknown(pageview.SourceScript, host)
		leave(w, leftUnknownSite)
		http.Error(w, "no such site here; name it with data-site, or its hosts to the server", http.StatusNotFound)
		return
	}
	s := &collect.Seen{
		Host: host, URL: b.URL, Title: b.Title, Referrer: b.Referrer,
		Zone: b.Zone, Width: int(min(max(b.Width, 0), 1e5)), Source: pageview.SourceScript,
	}
	if b.Driven {
		s.NoPerson = collect.BotHeadless
	}
	v, left, err := r.see(req, site, s)
	if err == nil && left == "" {
		err = r.keep(req.Context(), b.batch(v))
	}
	if err != nil {
		r.trouble(req, err).writeText(w)
		return
	}
	if b.Stay == nil {
		r.noteSeen(site, s.Source, left, &v)
	}
	if left != "" {
		leave(w, left)
	} else if b.Stay == nil {
		r.totals.counted(&v)
	}
	w.WriteHeader(http.StatusNoContent)
}

// batch is what a message adds: a pageview, or how long one lasted. That of a
// bot is not worth keeping.
func (b *beacon) batch(v pageview.Pageview) pageview.Batch {
	if b.Stay == nil {
		return pageview.Batch{Pageviews: []pageview.Pageview{v}}
	}
	stay := time.Duration(max(*b.Stay, 0)) * time.Millisecond
	if v.Bot != "" || *b.Stay > maxStay.Milliseconds() {
		return pageview.Batch{}
	}
	return pageview.Batch{Stays: []pageview.Stay{{
		Site: v.Site, At: v.At, Day: v.Day, Path: v.Path, Visitor: v.Visitor, For: stay,
	}}}
}

// pageHost is the host of a page whose address a script told, or that of the
// page the script is on. They must be one, where both are known: no page can
// tell of another host's.
func pageHost(page, origin string) (host string, ok bool) {
	host, from := urlHost(page), urlHost(origin)
	if host == "" {
		return from, true
	}
	return host, from == "" || strings.EqualFold(host, from)
}

// urlHost is the host of an absolute address; empty when it has none.
func urlHost(address string) string {
	if !strings.HasPrefix(address, "http") {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
