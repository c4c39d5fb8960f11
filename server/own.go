package server

import (
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

// Add gives a site a report of its own. It is called before anything is served.
func (s *Server) Add(site, name string, r *Own) {
	v := s.named(site)
	if v.own == nil {
		v.own = map[string]*Own{}
	}
	v.own[name] = r
}

// Compute computes a report of a site's own, and returns one of its formats.
func (s *Server) Compute(ctx context.Context, site, name, format string) ([]byte, error) {
	v := s.named(site)
	if v == nil {
		return nil, fmt.Errorf("there is no site %q: there are %s; name one with --site", site, s.siteNames())
	}
	r := v.own[name]
	if r == nil {
		return nil, fmt.Errorf("site %s declares no report %q: it has %s", v.Name, name, listOf(v.own))
	}
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	files := r.Value()
	body, ok := files[format]
	if !ok {
		return nil, fmt.Errorf("the report has no format %q: it has %s", format, listOf(files))
	}
	return body, nil
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

// listOf names the keys of a map, for a message.
func listOf[T any](m map[string]T) string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
