package server

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/token"
)

const (
	// statsAtOnce is how many questions are answered at once; the others wait
	// their turn. Each may take all cores.
	statsAtOnce = 2
	// statsTimeout is how long a question may take, waiting included.
	statsTimeout = 30 * time.Second
)

// statsError is an error that is told to who asked.
type statsError struct {
	status    int
	Error     string   `json:"error"`
	Parameter string   `json:"parameter,omitempty"` // the one that is wrong
	Allowed   []string `json:"allowed,omitempty"`   // what it may be
}

// stats answers GET /api/v1/sites/{site}/stats. Nothing of it is computed
// beforehand but what the store keeps added up.
func (s *Server) stats(w http.ResponseWriter, r *http.Request) {
	v := s.named(r.PathValue("site"))
	q, wrong := parseStats(r, v.Zone)
	if wrong != nil {
		wrong.write(w)
		return
	}
	q.Site = v.Name
	ctx, cancel := context.WithTimeout(r.Context(), statsTimeout)
	defer cancel()
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		s.failStats(w, r, ctx.Err())
		return
	}
	a, err := s.ask(ctx, q.Question)
	if err != nil {
		s.failStats(w, r, err)
		return
	}
	writeAnswer(w, a, q.csv)
}

// ask asks the store, and what else is to be known of the answer.
func (s *Server) ask(ctx context.Context, q report.Question) (*report.Answer, error) {
	asOf := time.Now()
	a, err := report.Ask(ctx, s.Store, q)
	if err != nil {
		return nil, err
	}
	a.AsOf, a.Renewed = asOf, []pageview.Day{}
	if s.Renewed != nil {
		days, err := s.Renewed(ctx, q.Site)
		if err != nil {
			return nil, err
		}
		a.Renewed = append(a.Renewed, days...)
	}
	return a, nil
}

// mayAsk tells why a request gets no numbers of a site: nil means that it does.
func (s *Server) mayAsk(r *http.Request, v *site) *statsError {
	if v != nil && v.PublicStats {
		return nil
	}
	a, err := s.who(r)
	switch {
	case err != nil:
		return s.cannotTell(err)
	case a.nobody():
		return s.unknown()
	case v == nil:
		return &statsError{status: http.StatusNotFound, Error: "there is no site " + r.PathValue("site")}
	case a.may(token.StatsRead, v.Name):
		return nil
	case a.token != nil:
		return &statsError{status: http.StatusForbidden, Error: "the token is not good for " + string(token.StatsRead) + " of this site"}
	}
	if a.user == nil {
		return s.unknown()
	}
	return &statsError{status: http.StatusForbidden, Error: "it takes a role at this site"}
}

// unknown is why nobody in particular gets no answer.
func (s *Server) unknown() *statsError {
	if s.Tokens == nil && s.Accounts == nil {
		return &statsError{status: http.StatusForbidden, Error: "numbers and jobs are shown to this machine only"}
	}
	return &statsError{status: http.StatusUnauthorized, Error: token.ErrMissing.Error()}
}

// local tells whether a request was made on this machine, to this machine by
// name: a page elsewhere whose name was made to lead here names itself.
func local(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() && addressedHere(r.Host)
}

// addressedHere tells whether a Host header names this machine.
func addressedHere(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// failStats tells that there is no answer, without saying why to who may not
// know.
func (s *Server) failStats(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits any more
	}
	e := statsError{status: http.StatusInternalServerError, Error: "the numbers could not be computed; the server's log says why"}
	if errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "Interrupt") {
		e = statsError{status: http.StatusServiceUnavailable, Error: "the question takes too long; ask for fewer days, dimensions or filters, or try again later"}
	} else {
		s.Logger.Error("answer question", "path", r.URL.Path, "error", err)
	}
	e.write(w)
}

func (e *statsError) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	switch e.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "10")
	}
	w.WriteHeader(e.status)
	json.NewEncoder(w).Encode(e)
}

func writeAnswer(w http.ResponseWriter, a *report.Answer, csv bool) {
	body, kind := a.JSON(), "application/json"
	if csv {
		body, kind = a.CSV(), "text/csv; charset=utf-8"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept")
	w.Write(body)
}
