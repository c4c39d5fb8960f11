package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/web"
)

// asker is who sends a request. The zero value is nobody who is known.
type asker struct {
	machine bool            // sits at this machine, which may everything
	user    *account.User   // nil means that nobody is signed in
	session account.Session // the user's
	token   *token.Token    // nil means that none is sent
	shared  []string        // sites that share links show
}

// asked is where a request's asker is in its context.
type asked struct{}

// nobody tells whether nothing is known of an asker.
func (a *asker) nobody() bool {
	return !a.machine && a.user == nil && a.token == nil && len(a.shared) == 0
}

// roleFor is the role that may do what a token with a scope may.
func roleFor(scope token.Scope) account.Role {
	switch scope {
	case token.StatsRead:
		return account.Viewer
	case token.JobsRead, token.JobsWrite:
		return account.Editor
	}
	return account.Owner
}

// may tells whether an asker may do what a scope stands for, at a site.
func (a *asker) may(scope token.Scope, site string) bool {
	switch {
	case a.machine:
		return true
	case a.token != nil:
		return a.token.Allows(scope, site)
	case a.user != nil && a.user.Role(site).AtLeast(roleFor(scope)):
		return true
	}
	return scope == token.StatsRead && slices.Contains(a.shared, site)
}

// has tells whether an asker has at least a role at any site.
func (a *asker) has(role account.Role) bool {
	if a.user == nil {
		return a.machine
	}
	sites, everywhere := a.user.At(role)
	return everywhere || len(sites) > 0
}

// actor is who sent a request as who changes accounts.
func (s *Server) actor(r *http.Request) account.Actor {
	return account.Actor{User: s.asker(r).user, From: s.from(r)}
}

// who tells who sends a request: by a token, else by a session and share links,
// else by sitting at this machine while nobody else can be told apart. It fails
// where a token is unknown, or the store does not answer.
func (s *Server) who(r *http.Request) (*asker, error) {
	if a, ok := r.Context().Value(asked{}).(*asker); ok {
		return a, nil
	}
	a := &asker{}
	if r.Header.Get("Authorization") != "" && s.Tokens != nil {
		t, err := s.Tokens.Check(r)
		if err == nil {
			a.token = &t
		}
		if !errors.Is(err, token.ErrMissing) {
			return a, err
		}
	}
	machine, err := s.trusted(r)
	if err != nil {
		return a, err
	}
	a.machine = machine
	if s.Accounts == nil {
		return a, nil
	}
	return a, s.signedIn(r, a)
}

// trusted tells whether a request comes from this machine, and that is enough:
// as long as there are no users, or where the configuration says so.
func (s *Server) trusted(r *http.Request) (bool, error) {
	if !local(r) || s.Accounts == nil || s.TrustMachine {
		return local(r), nil
	}
	peopled, err := s.Accounts.Peopled(r.Context())
	return err == nil && !peopled, err
}

// signedIn finds out whose session a request has, and which share links.
func (s *Server) signedIn(r *http.Request, a *asker) error {
	session, u, err := s.Accounts.Session(r.Context(), cookie(r, sessionCookie))
	switch {
	case err == nil:
		a.user, a.session = &u, session
	case !errors.Is(err, account.ErrSignedOut):
		return err
	}
	for _, proof := range shareCookies(r) {
		l, err := s.Accounts.Shared(r.Context(), proof)
		switch {
		case err == nil:
			a.shared = append(a.shared, l.Site)
		case !errors.Is(err, account.ErrNoLink):
			return err
		}
	}
	return nil
}

// gate lets through who is what a route needs.
func (s *Server) gate(n need, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n == operator && local(r) { // also while it cannot be looked up who asks
			h.ServeHTTP(w, r)
			return
		}
		a, err := s.who(r)
		if err != nil {
			s.turnAway(w, r, s.cannotTell(err))
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), asked{}, a))
		if refused := s.refusal(n, r, a); refused != nil {
			s.turnAway(w, r, refused)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// refusal is why an asker gets no answer; nil means that they do.
func (s *Server) refusal(n need, r *http.Request, a *asker) *statsError {
	ok := false
	switch n {
	case everybody:
		ok = true
	case numbers:
		return s.mayAsk(r, s.named(r.PathValue("site")))
	case editorsHere:
		v := s.named(r.PathValue("site"))
		if v == nil && !a.nobody() {
			return &statsError{status: http.StatusNotFound, Error: "there is no site " + r.PathValue("site")}
		}
		ok = v != nil && a.may(token.JobsRead, v.Name)
	case jobs:
		_, refused := s.mayJobs(r)
		return refused
	case person:
		ok = a.user != nil
	case editors:
		ok = a.has(account.Editor)
	case owners:
		ok = a.has(account.Owner)
	case operator:
		ok = a.user != nil && a.user.OwnsAll() || a.token != nil && a.token.Has(token.JobsRead) && len(a.token.Sites) == 0
	case installation:
		ok = a.machine || a.user != nil && a.user.OwnsAll()
	}
	switch {
	case ok:
		return nil
	case a.user == nil && a.token == nil:
		return &statsError{status: http.StatusUnauthorized, Error: "sign in first"}
	}
	return &statsError{status: http.StatusForbidden, Error: account.ErrNotAllowed.Error()}
}

// cannotTell is why it is not known who asks.
func (s *Server) cannotTell(err error) *statsError {
	if errors.Is(err, token.ErrUnknown) {
		return &statsError{status: http.StatusUnauthorized, Error: err.Error()}
	}
	s.Logger.Error("look up who asks", "error", err)
	return &statsError{status: http.StatusServiceUnavailable, Error: "it could not be looked up who asks; try again later"}
}

// turnAway answers who gets no answer: programs by an error, people by the page
// on which they can sign in, where there is one.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, refused *statsError) {
	page := !strings.HasPrefix(r.URL.Path, "/api/") && r.URL.Path != "/metrics"
	if !page {
		refused.write(w)
		return
	}
	if refused.status == http.StatusUnauthorized && r.Header.Get("Authorization") == "" && s.canSignIn(r) {
		w.Header().Set("Cache-Control", "no-store")
		next := ""
		if r.Method == http.MethodGet {
			next = r.URL.RequestURI()
		}
		http.Redirect(w, r, toDoor(r, web.SignInPath, next), http.StatusSeeOther)
		return
	}
	l := language.Of(r, s.Language)
	text := web.Word(l, "gate_refused")
	switch {
	case refused.status == http.StatusUnauthorized && s.Accounts != nil && !s.canSignIn(r):
		text = web.Word(l, "gate_no_owner")
	case refused.status == http.StatusServiceUnavailable:
		text = web.Word(l, "gate_failed")
	case refused.status == http.StatusNotFound:
		text = web.Word(l, "gate_no_site")
	}
	if refused.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	refuse(w, refused.status, text)
}

// canSignIn tells whether anybody can.
func (s *Server) canSignIn(r *http.Request) bool {
	if s.Accounts == nil {
		return false
	}
	peopled, err := s.Accounts.Peopled(r.Context())
	return peopled && err == nil
}
