package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand"
)

// reader is a report as its readers see it.
type reader interface {
	http.Handler
	Refresh(ctx context.Context) error
	Status() beforehand.Status
	ServeStatus(w http.ResponseWriter, r *http.Request)
	Subscribe(w http.ResponseWriter, r *http.Request)
}

// find is the report that a request names, or nil.
func (s *Server) find(site, name string) reader {
	if v := s.named(site); v != nil {
		return v.find(name)
	}
	return nil
}

// find is the site's report of that name, or nil.
func (v *site) find(name string) reader {
	switch {
	case name == "pageviews":
		return v.pageviews
	case v.list(name) != nil:
		return v.list(name)
	case v.own[name] != nil:
		return v.own[name]
	}
	return nil
}

// sitePage serves the page of a site.
func (s *Server) sitePage(w http.ResponseWriter, r *http.Request) {
	if v := s.named(r.PathValue("site")); v != nil {
		v.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// report serves /s/SITE/REPORT.FORMAT, and /s/SITE/REPORT in the format that
// the reader asks for.
func (s *Server) report() http.Handler {
	formats := []string{"json", "svg", "csv", "html", "md", "rss", "png"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, format, named := strings.Cut(r.PathValue("file"), ".")
		if named && !slices.Contains(formats, format) {
			http.NotFound(w, r)
			return
		}
		if v := s.find(r.PathValue("site"), name); v != nil {
			s.named(r.PathValue("site")).looked(name)
			v.ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	})
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if v := s.find(r.PathValue("site"), r.PathValue("report")); v != nil {
		v.ServeStatus(w, r)
		return
	}
	http.NotFound(w, r)
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if v := s.find(r.PathValue("site"), r.PathValue("report")); v != nil {
		defer s.named(r.PathValue("site")).streaming(r.PathValue("report"))()
		v.Subscribe(w, r)
		return
	}
	http.NotFound(w, r)
}
