package server

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/web"
)

// How long browsers keep what they are given.
const (
	sessionKept = 30 * 24 * time.Hour
	pendingKept = 5 * time.Minute
	deviceKept  = 365 * 24 * time.Hour
)

// sharedPath is where a share link leads to, with the site's name after it.
const sharedPath = "/d/"

// mountDoors adds the pages on which somebody says who they are.
func (s *Server) mountDoors(mux *router) {
	mux.HandleFunc("GET "+web.SignInPath, s.showSignIn)
	mux.HandleFunc("POST "+web.SignInPath, s.signIn)
	mux.HandleFunc("GET "+web.CodePath, s.showCode)
	mux.HandleFunc("POST "+web.CodePath, s.takeCode)
	mux.HandleFunc("POST "+web.SignOutPath, s.signOut)
	mux.HandleFunc("GET "+web.JoinPath+"{secret}", s.showJoin)
	mux.HandleFunc("POST "+web.JoinPath+"{secret}", s.join)
	mux.HandleFunc("GET "+web.SharePath+"{secret}", s.openShare)
	mux.HandleFunc("POST "+web.SharePath+"{secret}", s.openShare)
}

// door writes a page on which somebody says who they are.
func (s *Server) door(w http.ResponseWriter, r *http.Request, d web.Door) {
	d.Language = language.Of(r, s.Language)
	status := s.statusOf(w, r, d.Wrong)
	var b bytes.Buffer
	if err := web.WriteDoor(&b, d); err != nil {
		s.failAccounts(w, r, err)
		return
	}
	writePrivate(w, status, b.Bytes())
}

// statusOf is the status of a page that says what went wrong. What is not for
// people to know is logged, and said in other words.
func (s *Server) statusOf(w http.ResponseWriter, r *http.Request, err error) int {
	var wait *account.WaitError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &wait):
		w.Header().Set("Retry-After", strconv.Itoa(int(max(wait.Wait, time.Second)/time.Second)))
		return http.StatusTooManyRequests
	case errors.Is(err, account.ErrRefused), errors.Is(err, account.ErrCode), errors.Is(err, account.ErrNotAllowed):
		return http.StatusForbidden
	case errors.Is(err, account.ErrNoLink):
		return http.StatusNotFound
	}
	return http.StatusUnprocessableEntity
}

// blame tells an error that is for people from one of the server's: that one is
// answered, and ok is false.
func (s *Server) blame(w http.ResponseWriter, r *http.Request, err error) (ok bool) {
	if err == nil || web.Known(err) {
		return true
	}
	s.failAccounts(w, r, err)
	return false
}

// failAccounts answers an error that is for the log.
func (s *Server) failAccounts(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits any more
	}
	s.Logger.Error("accounts", "path", routePath(r), "error", err)
	refuse(w, http.StatusServiceUnavailable, web.Word(language.Of(r, s.Language), "gate_failed"))
}

// routePath is the path of a request without the secret of a link.
func routePath(r *http.Request) string {
	if secret := r.PathValue("secret"); secret != "" {
		return strings.TrimSuffix(r.URL.Path, secret) + "…"
	}
	return r.URL.Path
}

// writePrivate writes a page that is for one person, and for now.
func writePrivate(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Security-Policy", web.Policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body)
}

// readForm reads a form, and answers where it is none.
func readForm(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return true
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, "a form has at most "+strconv.Itoa(maxForm)+" bytes")
	default:
		refuse(w, http.StatusBadRequest, "this is no form")
	}
	return false
}

// next is where a sign-in leads: a path of this server and nowhere else.
func next(asked string) string {
	u, err := url.Parse(asked)
	odd := func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || len(asked) > maxNext ||
		!strings.HasPrefix(asked, "/") || strings.HasPrefix(asked, "//") || strings.ContainsFunc(asked, odd) {
		return ""
	}
	clean := path.Clean(u.Path)
	same := u.Path == clean || u.Path == clean+"/"
	if !same || strings.ContainsFunc(u.Path, odd) || clean == web.SignInPath || clean == web.CodePath {
		return ""
	}
	to := u.EscapedPath()
	if u.RawQuery != "" {
		to += "?" + u.RawQuery
	}
	return to
}

// maxNext is the longest path that a sign-in leads to, in bytes.
const maxNext = 2000

// home is where a sign-in leads that came from nowhere.
const home = web.AccountPath

func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request) {
	if a, err := s.who(r); err == nil && a.user != nil {
		seeOther(w, r, orHome(next(r.FormValue("next"))))
		return
	}
	s.door(w, r, web.Door{Kind: web.DoorSignIn, Action: web.SignInPath, Next: next(r.FormValue("next"))})
}

func orHome(next string) string {
	if next == "" {
		return home
	}
	return next
}

// seeOther leads to another page.
func seeOther(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// signIn takes a name and a password.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	to, name := next(r.PostFormValue("next")), r.PostFormValue("name")
	secret, more, err := s.Accounts.SignIn(r.Context(), name, r.PostFormValue("password"), cookie(r, sessionCookie), s.from(r))
	switch {
	case !s.blame(w, r, err):
	case err != nil:
		s.door(w, r, web.Door{Kind: web.DoorSignIn, Action: web.SignInPath, Next: to, Name: name, Wrong: err})
	case more:
		setCookie(w, r, pendingCookie, secret, pendingKept)
		seeOther(w, r, toDoor(r, web.CodePath, to))
	default:
		s.enter(w, r, account.CleanName(name), secret, to)
	}
}

// toDoor is a page on which somebody says who they are, in the language that was
// asked for, and with where it leads.
func toDoor(r *http.Request, path, next string) string {
	q := url.Values{}
	if lang := r.URL.Query().Get("lang"); lang != "" {
		q.Set("lang", lang)
	}
	if next != "" {
		q.Set("next", next)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// enter gives a browser a session, and leads on.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, user, secret, to string) {
	setCookie(w, r, sessionCookie, secret, sessionKept)
	setCookie(w, r, deviceCookie, s.Accounts.Device(user), deviceKept)
	seeOther(w, r, orHome(to))
}

func (s *Server) showCode(w http.ResponseWriter, r *http.Request) {
	if cookie(r, pendingCookie) == "" {
		seeOther(w, r, toDoor(r, web.SignInPath, next(r.FormValue("next"))))
		return
	}
	s.door(w, r, web.Door{Kind: web.DoorCode, Action: web.CodePath, Next: next(r.FormValue("next"))})
}

// takeCode takes the code of an authenticator.
func (s *Server) takeCode(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	to := next(r.PostFormValue("next"))
	secret, err := s.Accounts.Code(r.Context(), cookie(r, pendingCookie), r.PostFormValue("code"), cookie(r, sessionCookie), s.from(r))
	switch {
	case errors.Is(err, account.ErrSignedOut):
		setCookie(w, r, pendingCookie, "", 0)
		s.door(w, r, web.Door{Kind: web.DoorSignIn, Action: web.SignInPath, Next: to, Wrong: err})
	case !s.blame(w, r, err):
	case err != nil:
		s.door(w, r, web.Door{Kind: web.DoorCode, Action: web.CodePath, Next: to, Wrong: err})
	default:
		_, u, err := s.Accounts.Session(r.Context(), secret)
		if !s.blame(w, r, err) {
			return
		}
		setCookie(w, r, pendingCookie, "", 0)
		s.enter(w, r, u.Name, secret, to)
	}
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.Accounts.SignOut(r.Context(), cookie(r, sessionCookie), s.from(r)); !s.blame(w, r, err) {
		return
	}
	setCookie(w, r, sessionCookie, "", 0)
	seeOther(w, r, toDoor(r, web.SignInPath, ""))
}

// joinDoor is the door that a link opens.
func (s *Server) joinDoor(r *http.Request) (web.Door, error) {
	l, err := s.Accounts.Link(r.Context(), r.PathValue("secret"))
	kind, ok := map[account.LinkKind]web.DoorKind{
		account.Setup: web.DoorSetup, account.Invitation: web.DoorJoin, account.Reset: web.DoorReset,
	}[l.Kind]
	if err == nil && !ok {
		err = account.ErrNoLink
	}
	if errors.Is(err, account.ErrNoLink) {
		return web.Door{Kind: web.DoorClosed, Wrong: err}, nil
	}
	return web.Door{Kind: kind, Action: r.URL.EscapedPath(), Site: l.Site, Role: l.Role, Name: l.User}, err
}

func (s *Server) showJoin(w http.ResponseWriter, r *http.Request) {
	if d, err := s.joinDoor(r); s.blame(w, r, err) {
		s.door(w, r, d)
	}
}

// join makes a user of who has a link, or gives one another password.
func (s *Server) join(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	d, err := s.joinDoor(r)
	if !s.blame(w, r, err) {
		return
	}
	if d.Kind == web.DoorClosed {
		s.door(w, r, d)
		return
	}
	if d.Kind != web.DoorReset {
		d.Name = r.PostFormValue("name")
	}
	secret, err := s.Accounts.Join(r.Context(), r.PathValue("secret"), d.Name, r.PostFormValue("password"), s.from(r))
	switch {
	case !s.blame(w, r, err):
	case errors.Is(err, account.ErrNoLink):
		s.door(w, r, web.Door{Kind: web.DoorClosed, Wrong: err})
	case err != nil:
		d.Wrong = err
		s.door(w, r, d)
	case secret == "":
		seeOther(w, r, web.SignInPath)
	default:
		s.enter(w, r, account.CleanName(d.Name), secret, "/")
	}
}

// openShare lets in who has a share link, and the password where it takes one.
func (s *Server) openShare(w http.ResponseWriter, r *http.Request) {
	password := ""
	if r.Method == http.MethodPost {
		if !readForm(w, r) {
			return
		}
		password = r.PostFormValue("password")
	}
	secret := r.PathValue("secret")
	l, err := s.Accounts.Link(r.Context(), secret)
	asks := err == nil && l.Kind == account.Share && l.HasPassword() && r.Method == http.MethodGet
	if asks {
		s.door(w, r, web.Door{Kind: web.DoorShare, Action: r.URL.EscapedPath()})
		return
	}
	l, proof, err := s.Accounts.OpenShare(r.Context(), secret, password, s.from(r))
	switch {
	case !s.blame(w, r, err):
	case errors.Is(err, account.ErrNoLink):
		s.door(w, r, web.Door{Kind: web.DoorClosed, Wrong: err})
	case err != nil:
		s.door(w, r, web.Door{Kind: web.DoorShare, Action: r.URL.EscapedPath(), Wrong: err})
	default:
		setCookie(w, r, shareCookie+l.Site, proof, sessionKept)
		seeOther(w, r, sharedPath+url.PathEscape(l.Site))
	}
}
