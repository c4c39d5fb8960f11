package server

import (
	"net/http"
	"slices"
	"strings"
)

// reader is a report as its readers see it.
type reader interface {
	http.Handler
	ServeStatus(w http.ResponseWriter, r *http.Request)
	Subscribe(w http.ResponseWriter, r *http.Request)
}

// find is the report that a request names, or nil.
func (s *Server) find(site, name string) reader {
	if site != s.Name {
		return nil
	}
	switch name {
	case "pageviews":
		return s.pageviews
	case "hot":
		return s.hot
	}
	return nil
}

// report serves /s/SITE/REPORT.FORMAT, and /s/SITE/REPORT in the format that
// the reader asks for.
func (s *Server) report() http.Handler {
	formats := []string{"json", "svg", "csv", "html"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, format, named := strings.Cut(r.PathValue("file"), ".")
		if named && !slices.Contains(formats, format) {
			http.NotFound(w, r)
			return
		}
		if v := s.find(r.PathValue("site"), name); v != nil {
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
		v.Subscribe(w, r)
		return
	}
	http.NotFound(w, r)
}
