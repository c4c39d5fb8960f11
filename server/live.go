package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/web"
)

// livePage is the first site's page, computed from raw rows while its reader waits.
func (s *Server) livePage(w http.ResponseWriter, r *http.Request) {
	v := s.sites[0]
	began := time.Now()
	var current struct {
		pageviews beforehand.Current[report.Pageviews]
		hot       beforehand.Current[report.Hot]
	}
	var err error
	current.pageviews.Value, err = v.askPageviews(r.Context(), true)
	current.pageviews.Took = time.Since(began)
	if err == nil {
		half := time.Now()
		current.hot.Value, err = v.rankHot(r.Context(), v.hot.List, true)
		current.hot.Took = time.Since(half)
	}
	if err != nil {
		s.failLive(w, r, err)
		return
	}
	current.pageviews.ComputedAt, current.hot.ComputedAt = time.Now(), time.Now()
	d := v.data(current.pageviews, current.hot)
	d.LiveTook, d.Language = time.Since(began), language.Of(r, s.Language)
	var b bytes.Buffer
	if err := web.Live(&b, d); err != nil {
		s.failLive(w, r, err)
		return
	}
	w.Header().Set("Content-Security-Policy", web.Policy)
	w.Header().Set("Vary", "Accept-Language")
	writeLive(w, "text/html; charset=utf-8", b.Bytes())
}

// liveReport is one report, computed from raw rows while its reader waits.
func (s *Server) liveReport(w http.ResponseWriter, r *http.Request) {
	name, format, _ := strings.Cut(r.PathValue("file"), ".")
	v := s.named(r.PathValue("site"))
	if v == nil || name != "pageviews" && v.list(name) == nil || format != "json" && format != "svg" {
		http.NotFound(w, r)
		return
	}
	body, err := v.computeLive(r.Context(), name, format)
	if err != nil {
		s.failLive(w, r, err)
		return
	}
	if format == "svg" {
		w.Header().Set("Content-Security-Policy", chart.Policy())
		writeLive(w, "image/svg+xml", body)
		return
	}
	writeLive(w, "application/json", body)
}

func (v *site) computeLive(ctx context.Context, name, format string) ([]byte, error) {
	var b bytes.Buffer
	var value any
	var err error
	if l := v.list(name); l != nil {
		var hot report.Hot
		if hot, err = v.rankHot(ctx, l.List, true); err == nil && format == "svg" {
			err = v.server.pictureHot(l.Title, hot).SVG(&b)
		}
		value = hot
	} else {
		var pageviews report.Pageviews
		if pageviews, err = v.askPageviews(ctx, true); err == nil && format == "svg" {
			err = v.server.picturePageviews(pageviews).SVG(&b)
		}
		value = pageviews
	}
	if err == nil && format == "json" {
		err = json.NewEncoder(&b).Encode(value)
	}
	return b.Bytes(), err
}

func writeLive(w http.ResponseWriter, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(body)
}

func (s *Server) failLive(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Logger.Error("compute live", "path", r.URL.Path, "error", err)
	}
	http.Error(w, "the live computation failed; the server's log says why", http.StatusInternalServerError)
}
