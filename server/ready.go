package server

import (
	"context"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// ready tells whether this process is worth sending readers and pageviews to:
// 503 only while it can neither serve a result nor take pageviews in. A lost
// state store, and pageviews that cannot be written, are 200 and "degraded", since
// results go on being served. Why it is degraded stands in the log, not here, where
// everybody can read.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	switch {
	case !s.serves() && !s.accepts(r.Context()):
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "not ready\n")
	case !s.Reports.Scheduler().Health().OK || s.troubled():
		io.WriteString(w, "degraded\n")
	default:
		io.WriteString(w, "ready\n")
	}
}

// serves tells whether a result is in service.
func (s *Server) serves() bool {
	return slices.ContainsFunc(s.sites, func(v *site) bool {
		return v.pageviews.Current().Version > 0 || v.hot.Current().Version > 0
	})
}

// troubled tells whether the store of pageviews could not write the last of them.
func (s *Server) troubled() bool {
	store, ok := s.Store.(pageview.Loaded)
	return ok && store.Load().Trouble != nil
}

// accepts tells whether the store of pageviews answers.
func (s *Server) accepts(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := s.Store.Span(ctx, s.sites[0].Name)
	return err == nil
}
