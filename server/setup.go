package server

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/receive"
	"github.com/beforehand-go/beforehand/web"
)

const (
	// maxPageURL is the longest address of a page that is looked at, in bytes.
	maxPageURL = 2000
	// checkEvery is how long after looking at a site's page the next one may
	// be looked at.
	checkEvery = 2 * time.Second
)

// logLines are what makes a server write a log, and this one follow it; the
// command that reads one once comes behind them.
const logLines = `# nginx, in the site's server block
access_log /var/log/nginx/access.log combined;
# beforehand.yaml, at the site
logs: /var/log/nginx/access.log
# or once, by hand
`

// mountSetup adds the pages that tell how a site is counted.
func (s *Server) mountSetup(mux *router) {
	mux.HandleFunc("GET "+web.SetupPath+"/{site}", func(w http.ResponseWriter, r *http.Request) {
		v := s.named(r.PathValue("site"))
		s.writeSetup(w, r, v, s.setup(r, v))
	})
	mux.HandleFunc("POST "+web.SetupPath+"/{site}", s.check)
}

// setup is what the page of a site shows, before anybody looked.
func (s *Server) setup(r *http.Request, v *site) web.Setup {
	d := web.Setup{
		Language: language.Of(r, s.Language), Nav: s.navigation(r, web.PartSetup, v.Name, "base"), Now: time.Now(), Zone: v.Zone,
		Site: v.Name, Title: v.Title, Log: logLines + v.Import, Page: v.front(),
	}
	d.Base, d.BadBase, d.Guessed = s.baseOf(r)
	name := ""
	if len(s.sites) > 1 && len(v.Hosts) == 0 {
		name = v.Name // nothing else tells it
	}
	d.Script = receive.Tag(d.Base, s.Receiver.Script, name, false)
	d.Pinned = receive.Tag(d.Base, s.Receiver.Script, name, true)
	d.Picture = receive.PictureTag(d.Base, s.Receiver.Script, name)
	reader := s.Receiver.Reader(r, v.Site.Site)
	if reader.Excluded {
		d.Reader = append(d.Reader, web.Finding{Kind: web.ReaderExcluded, Args: []string{reader.Address}})
	}
	if reader.NoTrack {
		d.Reader = append(d.Reader, web.Finding{Kind: web.ReaderNoTrack})
	}
	if reader.Bot != "" {
		d.Reader = append(d.Reader, web.Finding{Kind: web.ReaderBot, Args: []string{reader.Bot}})
	}
	for _, a := range s.Receiver.Arrivals(v.Name) {
		d.Arrivals = append(d.Arrivals, web.Arrival{Source: a.Source.String(), Left: a.Left, Bot: a.Bot, Host: a.Host, At: a.At, Count: a.Count})
	}
	return d
}

// front is the address of the site's first page; empty where nothing tells it.
func (v *site) front() string {
	switch {
	case v.URL != nil:
		return v.URL.String()
	case len(v.Hosts) > 0:
		return "https://" + v.Hosts[0] + "/"
	}
	return ""
}

func (s *Server) writeSetup(w http.ResponseWriter, r *http.Request, v *site, d web.Setup) {
	span, err := s.Store.Span(r.Context(), v.Name)
	d.Last = span.Last
	var b bytes.Buffer
	if err == nil {
		err = web.WriteSetup(&b, d)
	}
	if err != nil {
		if r.Context().Err() == nil {
			s.Logger.Error("show how a site is counted", "site", v.Name, "error", err)
		}
		refuse(w, http.StatusServiceUnavailable, web.Word(d.Language, "page_failed"))
		return
	}
	writePage(w, r, http.StatusOK, b.Bytes())
}

// check looks at a page of the site, for its owner.
func (s *Server) check(w http.ResponseWriter, r *http.Request) {
	v, l := s.named(r.PathValue("site")), language.Of(r, s.Language)
	if !readForm(w, r) {
		return
	}
	if len(r.PostFormValue("page")) > maxPageURL {
		refuse(w, http.StatusBadRequest, web.Word(l, "check_too_long"))
		return
	}
	if !s.checks.begin(v.Name, time.Now()) {
		w.Header().Set("Retry-After", "2")
		refuse(w, http.StatusTooManyRequests, web.Word(l, "check_busy"))
		return
	}
	defer s.checks.end()
	d := s.setup(r, v)
	d.Page = cmp.Or(r.PostFormValue("page"), d.Page)
	look := checker{server: s, site: v, here: r.Host, base: d.Base}
	d.Looked = look.at(r.Context(), d.Page)
	d.Sources = s.sources(r.Context(), v)
	d.Now = time.Now()
	s.writeSetup(w, r, v, d)
}

// sources are the site's pageviews of today and yesterday by the way they came
// in. Where the store does not tell there are none.
func (s *Server) sources(ctx context.Context, v *site) []web.Source {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	a, err := s.Store.Query(ctx, pageview.Query{
		Site: v.Name, From: pageview.DayOf(time.Now().In(v.Zone)) - 1, By: []pageview.Dimension{pageview.BySource},
		Metrics: []pageview.Metric{pageview.MetricPageviews},
	})
	if err != nil {
		s.Logger.Error("count pageviews by source", "site", v.Name, "error", err)
		return nil
	}
	var all []web.Source
	for _, row := range a.Rows {
		all = append(all, web.Source{Name: row.Keys[0], Pageviews: row.Pageviews})
	}
	for _, u := range a.Uncounted {
		all = append(all, web.Source{Name: u.Source.String(), Uncounted: true})
	}
	return all
}

// checks lets one page be looked at at a time, and those of a site not too often:
// each look is a request to a server elsewhere.
type checks struct {
	mu    sync.Mutex
	busy  bool
	every time.Duration        // zero means checkEvery
	last  map[string]time.Time // by site
}

func (c *checks) begin(site string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy || now.Sub(c.last[site]) < cmp.Or(c.every, checkEvery) {
		return false
	}
	if c.last == nil {
		c.last = map[string]time.Time{}
	}
	c.busy, c.last[site] = true, now
	return true
}

func (c *checks) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
}

// address parses the address of a page; nil where it is none of the web.
func address(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return u
}
