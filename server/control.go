package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/exports"
)

// Message is one line of the answer to an import: progress, or what it did at
// its end.
type Message struct {
	Progress *collect.Progress `json:"progress,omitempty"`
	Summary  *collect.Summary  `json:"summary,omitempty"`
	Error    string            `json:"error,omitempty"`   // why the import, or the refresh, failed
	Nothing  bool              `json:"nothing,omitempty"` // it failed because there was nothing to import
	Unknown  bool              `json:"unknown,omitempty"` // only the rest was asked for, of a log that was not read before
	Format   bool              `json:"format,omitempty"`  // it is no log in a format that is known
	Copied   int64             `json:"copied,omitempty"`  // pageviews in a backup or an export
}

// Keeper copies everything that is kept into a new or empty directory, and tells
// how many pageviews that are.
type Keeper interface {
	Backup(ctx context.Context, dir string) (pageviews int64, err error)
	Export(ctx context.Context, dir, format string) (pageviews int64, err error)

	// Move copies the pageviews that are there to another engine, and tells
	// progress how many it has copied.
	Move(ctx context.Context, to string, progress func(copied int64)) (copied int64, err error)
}

// Control is what the owner's commands ask a running server for. It is not for
// readers: whoever reaches it can add pageviews.
//
//	POST /import?site=SITE&name=NAME    the body is a log; the answer is Messages, one JSON object a line
//	            &format=FORMAT          its format, where the first lines do not tell it
//	            &rest=true              only the rest of a log that was begun before
//	            &from=PROGRAM           it is an export of this program, or of the one that it tells itself when empty
//	            &beside=true            which tells of other pageviews than exports read before
//	            &day=DAY                on which it is put where it has sums without days
//	            &follow=true            the log goes on for as long as it is written
//	POST /run?site=SITE&report=REPORT&format=FORMAT    computes a report of the site's own; the answer is its bytes, or why not
//	POST /refresh                       computes the reports; the answer is one Message
//	POST /backup?dir=DIR                backs everything up; the answer is one Message
//	GET /readyz                         whether it is ready, as readers are told
//	POST /export?dir=DIR&format=FORMAT  writes all pageviews to files; the answer is one Message
//	POST /move, pageviews=URL           copies all pageviews to another engine; the answer is Messages
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /import", s.takeImport)
	mux.HandleFunc("POST /refresh", func(w http.ResponseWriter, r *http.Request) {
		var m Message
		if err := s.Refresh(r.Context()); err != nil {
			m.Error = err.Error()
		}
		json.NewEncoder(w).Encode(m)
	})
	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, r *http.Request) {
		n, err := s.Keeper.Backup(r.Context(), r.FormValue("dir"))
		answerCopied(w, n, err)
	})
	mux.HandleFunc("POST /export", func(w http.ResponseWriter, r *http.Request) {
		n, err := s.Keeper.Export(r.Context(), r.FormValue("dir"), r.FormValue("format"))
		answerCopied(w, n, err)
	})
	mux.HandleFunc("POST /move", s.takeMove)
	mux.HandleFunc("POST /run", s.takeRun)
	mux.HandleFunc("GET /readyz", s.ready)
	return mux
}

// takeMove copies the pageviews that are there to the engine that the body
// names, which is in no query since it may hold a password.
func (s *Server) takeMove(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	body, err := io.ReadAll(r.Body)
	var form url.Values
	if err == nil {
		form, err = url.ParseQuery(string(body))
	}
	if err != nil {
		answerCopied(w, 0, err)
		return
	}
	control := http.NewResponseController(w)
	n, err := s.Keeper.Move(r.Context(), form.Get("pageviews"), func(copied int64) {
		json.NewEncoder(w).Encode(Message{Progress: &collect.Progress{Committed: copied}})
		control.Flush()
	})
	answerCopied(w, n, err)
}

func answerCopied(w http.ResponseWriter, n int64, err error) {
	m := Message{Copied: n}
	if err != nil {
		m.Error = err.Error()
	}
	json.NewEncoder(w).Encode(m)
}

// takeImport imports a log while it is sent. Imports take turns, but for logs
// that are followed.
func (s *Server) takeImport(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	name := query.Get("site")
	v := s.named(name)
	if v == nil {
		w.WriteHeader(http.StatusNotFound)
		json.NewEncoder(w).Encode(Message{Error: fmt.Sprintf("the running server has no site %q; it has %s", name, s.siteNames())})
		return
	}
	if query.Get("follow") == "" {
		select {
		case s.importing <- struct{}{}:
			defer func() { <-s.importing }()
		case <-r.Context().Done():
			return
		}
	}
	control := http.NewResponseController(w)
	if err := control.EnableFullDuplex(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	send := func(m Message) {
		json.NewEncoder(w).Encode(m)
		control.Flush()
	}
	log := collect.Log{
		Name: query.Get("name"), Site: v.Site.Site, Data: r.Body, Format: query.Get("format"), Rest: query.Get("rest") != "",
	}
	progress := func(p collect.Progress) { send(Message{Progress: &p}) }
	var summary collect.Summary
	var err error
	if query.Has("from") {
		file := exports.File{Name: log.Name, Program: query.Get("from"), Beside: query.Has("beside"), Site: log.Site, Data: log.Data}
		if file.Day, err = exports.ParseDay(query.Get("day")); err == nil {
			summary, err = s.Exports.Import(r.Context(), file, progress)
		}
	} else {
		summary, err = s.Importer.Import(r.Context(), log, progress)
	}
	m := Message{Summary: &summary}
	if err != nil {
		m.Error, m.Nothing, m.Unknown = err.Error(), errors.Is(err, collect.ErrNothing), errors.Is(err, collect.ErrUnknown)
		m.Format = errors.Is(err, collect.ErrFormat)
		if !m.Nothing && !m.Unknown && !m.Format && r.Context().Err() == nil && !errors.Is(err, context.Canceled) {
			s.Logger.Warn("import ended early", "error", err)
		}
	}
	send(m)
}

// siteNames are the names of all sites, for a message.
func (s *Server) siteNames() string {
	var names []string
	for _, v := range s.sites {
		names = append(names, v.Name)
	}
	return strings.Join(names, ", ")
}
