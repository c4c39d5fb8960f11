package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand"
)

// Own is a report that a site declares itself.
type Own = beforehand.Report[beforehand.Files]

// Add gives a site a report of its own; one that is fresh is kept so while
// somebody looks at it. It is called before anything is served.
func (s *Server) Add(site, name string, r *Own, fresh bool) {
	v := s.named(site)
	if fresh {
		v.watch(name, r)
	}
	if v.own == nil {
		v.own = map[string]*Own{}
	}
	v.own[name] = r
	v.addWidget(name)
}

// Compute computes a report of a site, and returns one of its formats.
func (s *Server) Compute(ctx context.Context, site, name, format string) ([]byte, error) {
	v := s.named(site)
	if v == nil {
		return nil, fmt.Errorf("there is no site %q: there are %s; name one with --site", site, s.siteNames())
	}
	r := s.find(v.Name, name)
	if r == nil {
		return nil, fmt.Errorf("site %s has no report %q: it has %s", v.Name, name, strings.Join(v.names(), ", "))
	}
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	return bytesOf(ctx, r, name, format)
}

// bytesOf is one format of a report's result, as a reader gets it.
func bytesOf(ctx context.Context, r reader, name, format string) ([]byte, error) {
	var formats []string
	for _, f := range r.Status().Files {
		if f.Encoding == "" {
			formats = append(formats, f.Format)
		}
	}
	if !slices.Contains(formats, format) {
		return nil, fmt.Errorf("the report has no format %q: it has %s", format, strings.Join(formats, ", "))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/"+name+"."+format, http.NoBody)
	if err != nil {
		return nil, err
	}
	w := &body{header: http.Header{}}
	r.ServeHTTP(w, req)
	return w.Bytes(), nil
}

// body keeps what a handler writes.
type body struct {
	bytes.Buffer
	header http.Header
}

func (b *body) Header() http.Header { return b.header }
func (b *body) WriteHeader(int)     {}

// names are those of the site's reports.
func (v *site) names() []string {
	names := []string{"pageviews"}
	for _, l := range v.lists {
		names = append(names, l.Name)
	}
	for name := range v.own {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// takeRun computes a report for the command run.
func (s *Server) takeRun(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	body, err := s.Compute(r.Context(), q.Get("site"), q.Get("report"), q.Get("format"))
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		io.WriteString(w, err.Error())
		return
	}
	w.Write(body)
}
