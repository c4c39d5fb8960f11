package server

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/web"
)

// mountAccounts adds the pages of accounts.
func (s *Server) mountAccounts(mux *router) {
	mux.HandleFunc("GET "+web.AccountPath, s.showAccount)
	mux.HandleFunc("POST "+web.AccountPath, s.changeAccount)
	mux.HandleFunc("GET "+web.AuthenticatorPath, s.showAuthenticator)
	mux.HandleFunc("POST "+web.AuthenticatorPath, s.turnOnAuthenticator)
	mux.HandleFunc("GET "+web.UsersPath, s.showUsers)
	mux.HandleFunc("POST "+web.UsersPath, s.changeUsers)
	mux.HandleFunc("GET "+web.SharesPath, s.showShares)
	mux.HandleFunc("POST "+web.SharesPath, s.changeShares)
	mux.HandleFunc("GET "+web.TokensPath, s.showTokens)
	mux.HandleFunc("POST "+web.TokensPath, s.changeTokens)
	mux.HandleFunc("GET "+web.LogPath, s.showLog)
	if s.Book != nil {
		s.mountSites(mux)
	}
	if s.Outbox != nil {
		s.mountMessages(mux)
	}
}

// accountPage is what all pages of accounts have.
func (s *Server) accountPage(r *http.Request, wrong error) web.AccountPage {
	a := s.asker(r)
	p := web.NewAccountPage(language.Of(r, s.Language), time.Now(), s.sites[0].Zone)
	p.Nav, p.Guessed, p.Wrong = s.navigation(r, web.PartAccount, ""), s.URL == "", wrong
	if wrong == nil {
		p.Did = r.URL.Query().Get("did")
	}
	for _, part := range []struct {
		path string
		may  bool
	}{
		{web.AccountPath, a.user != nil},
		{web.SitesPath, s.Book != nil && a.has(account.Owner)},
		{web.UsersPath, a.has(account.Owner)},
		{web.SharesPath, a.has(account.Editor)},
		{web.TokensPath, a.has(account.Owner)},
		{web.MessagesPath, s.Outbox != nil && a.has(account.Owner)},
		{web.LogPath, a.user == nil || a.user.OwnsAll()},
	} {
		if part.may {
			p.Pages = append(p.Pages, part.path)
		}
	}
	return p
}

// asker is who sent a request that the gate let through.
func (s *Server) asker(r *http.Request) *asker {
	a, err := s.who(r)
	if err != nil { // the gate would have turned it away
		return &asker{}
	}
	return a
}

// siteList are the names of all sites.
func (s *Server) siteList() []string {
	var names []string
	for _, v := range s.sites {
		names = append(names, v.Name)
	}
	return names
}

// writeAccounts writes a page of accounts, which says what went wrong.
func (s *Server) writeAccounts(w http.ResponseWriter, r *http.Request, page web.OfAccounts, wrong error) {
	if !s.blame(w, r, wrong) {
		return
	}
	status := s.statusOf(w, r, wrong)
	var b bytes.Buffer
	if err := web.WriteAccounts(&b, page, s.accountPage(r, wrong)); err != nil {
		s.failAccounts(w, r, err)
		return
	}
	writePrivate(w, status, b.Bytes())
}

// did leads back to a page, which says what was done.
func (s *Server) did(w http.ResponseWriter, r *http.Request, path, what string) {
	seeOther(w, r, path+"?lang="+language.Of(r, s.Language).String()+"&did="+what)
}

func (s *Server) showAccount(w http.ResponseWriter, r *http.Request) { s.writeAccount(w, r, nil, nil) }

func (s *Server) writeAccount(w http.ResponseWriter, r *http.Request, codes []string, wrong error) {
	a := s.asker(r)
	sessions, err := s.Accounts.Sessions(r.Context(), a.user.Name)
	if err != nil {
		wrong = err
	}
	s.writeAccounts(w, r, &web.Account{User: *a.user, Sessions: sessions, Session: a.session.ID, Codes: codes}, wrong)
}

// changeAccount changes somebody's own account.
func (s *Server) changeAccount(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	by, form := s.actor(r), r.PostForm
	var secret string
	var err error
	action := form.Get("action")
	switch {
	case form.Get("end") != "":
		action, err = "end", s.Accounts.EndSession(r.Context(), by, form.Get("end"), "")
	case action == "end_others":
		err = s.Accounts.EndSession(r.Context(), by, "", s.asker(r).session.ID)
	case action == "password":
		secret, err = s.Accounts.ChangePassword(r.Context(), by, form.Get("was"), form.Get("password"))
	case action == "totp_off":
		secret, err = s.Accounts.TurnOffTOTP(r.Context(), by, form.Get("was"))
	default:
		refuse(w, http.StatusUnprocessableEntity, web.Word(language.Of(r, s.Language), "act_unknown"))
		return
	}
	if err != nil {
		s.writeAccount(w, r, nil, err)
		return
	}
	if secret != "" {
		setCookie(w, r, sessionCookie, secret, sessionKept)
	}
	s.did(w, r, web.AccountPath, action)
}

func (s *Server) showAuthenticator(w http.ResponseWriter, r *http.Request) {
	s.writeAuthenticator(w, r, account.NewTOTP(), nil)
}

func (s *Server) writeAuthenticator(w http.ResponseWriter, r *http.Request, secret string, wrong error) {
	s.writeAccounts(w, r, &web.Authenticator{Name: s.asker(r).user.Name, Secret: secret}, wrong)
}

func (s *Server) turnOnAuthenticator(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	known := r.PostFormValue("secret")
	secret, codes, err := s.Accounts.TurnOnTOTP(r.Context(), s.actor(r), r.PostFormValue("was"), known, r.PostFormValue("code"))
	if err != nil {
		if account.TOTPCode(known, time.Now()) == "" {
			known = account.NewTOTP()
		}
		s.writeAuthenticator(w, r, known, err)
		return
	}
	setCookie(w, r, sessionCookie, secret, sessionKept)
	session, u, err := s.Accounts.Session(r.Context(), secret)
	if !s.blame(w, r, err) {
		return
	}
	a := s.asker(r)
	a.session, a.user = session, &u
	s.writeAccount(w, r, codes, nil)
}

func (s *Server) showUsers(w http.ResponseWriter, r *http.Request) {
	s.writeUsers(w, r, web.Users{}, nil)
}

// owned are the sites that an asker decides for; account.Everywhere is one.
func (s *Server) owned(a *asker) []string {
	sites := (account.Actor{User: a.user}).Sites(s.siteList(), account.Owner)
	if a.user == nil || a.user.OwnsAll() {
		sites = append(sites, account.Everywhere)
	}
	return sites
}

func (s *Server) writeUsers(w http.ResponseWriter, r *http.Request, d web.Users, wrong error) {
	a := s.asker(r)
	users, err1 := s.Accounts.Users(r.Context())
	links, err2 := s.Accounts.Links(r.Context(), account.Invitation)
	if err := errors.Join(err1, err2); err != nil {
		wrong = err
	}
	d.Sites, d.OwnsAll = s.owned(a), a.user == nil || a.user.OwnsAll()
	if a.user != nil {
		d.Me = a.user.Name
	}
	for _, u := range users {
		if u = visible(u, d.Sites); len(u.Roles) > 0 || d.OwnsAll {
			d.Users = append(d.Users, u)
		}
	}
	for _, l := range links {
		if slices.Contains(d.Sites, l.Site) {
			d.Invitations = append(d.Invitations, l)
		}
	}
	s.writeAccounts(w, r, &d, wrong)
}

// visible is a user with the roles that are for an owner of some sites to know.
func visible(u account.User, sites []string) account.User {
	roles := map[string]account.Role{}
	for site, role := range u.Roles {
		if slices.Contains(sites, site) || slices.Contains(sites, account.Everywhere) {
			roles[site] = role
		}
	}
	u.Roles = roles
	return u
}

// changeUsers invites, and changes what others may.
func (s *Server) changeUsers(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	by, form, ctx := s.actor(r), r.PostForm, r.Context()
	name, site, role := form.Get("name"), form.Get("site"), account.Role(form.Get("role"))
	action := form.Get("action")
	if site != "" && site != account.Everywhere && s.named(site) == nil {
		s.writeUsers(w, r, web.Users{}, account.ErrNotAllowed)
		return
	}
	made := web.Users{LinkFor: name}
	var secret string
	var err error
	switch {
	case form.Get("end_link") != "":
		action, err = "end_link", s.Accounts.EndLink(ctx, by, form.Get("end_link"))
	case action == "invite":
		made.LinkKind = account.Invitation
		secret, err = s.Accounts.Invite(ctx, by, site, role)
	case action == "reset":
		made.LinkKind = account.Reset
		secret, err = s.Accounts.ResetLink(ctx, by, name)
	case action == "role":
		err = s.Accounts.SetRole(ctx, by, name, site, role)
	case action == "reset_totp":
		err = s.Accounts.ResetTOTP(ctx, by, name)
	case action == "remove":
		err = s.Accounts.Remove(ctx, by, name)
	default:
		refuse(w, http.StatusUnprocessableEntity, web.Word(language.Of(r, s.Language), "act_unknown"))
		return
	}
	switch {
	case err != nil:
		s.writeUsers(w, r, web.Users{}, err)
	case secret != "":
		made.Link = s.origin(r) + web.JoinPath + secret
		s.writeUsers(w, r, made, nil)
	default:
		s.did(w, r, web.UsersPath, action)
	}
}

// origin is the server's address: what the configuration says, or as its reader
// has it.
func (s *Server) origin(r *http.Request) string {
	switch {
	case s.URL != "":
		return s.URL
	case secure(r):
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (s *Server) showShares(w http.ResponseWriter, r *http.Request) { s.writeShares(w, r, "", nil) }

func (s *Server) writeShares(w http.ResponseWriter, r *http.Request, secret string, wrong error) {
	d := web.Shares{Sites: s.actor(r).Sites(s.siteList(), account.Editor)}
	links, err := s.Accounts.Links(r.Context(), account.Share)
	if err != nil {
		wrong = err
	}
	for _, l := range links {
		if slices.Contains(d.Sites, l.Site) {
			d.Shares = append(d.Shares, l)
		}
	}
	if secret != "" {
		d.Link = s.origin(r) + web.SharePath + secret
	}
	s.writeAccounts(w, r, &d, wrong)
}

// changeShares makes share links and ends them.
func (s *Server) changeShares(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	if id := r.PostFormValue("end_link"); id != "" {
		if err := s.Accounts.EndLink(r.Context(), s.actor(r), id); err != nil {
			s.writeShares(w, r, "", err)
			return
		}
		s.did(w, r, web.SharesPath, "end_link")
		return
	}
	v := s.named(r.PostFormValue("site"))
	if v == nil {
		s.writeShares(w, r, "", account.ErrNotAllowed)
		return
	}
	secret, err := s.Accounts.ShareLink(r.Context(), s.actor(r), v.Name, r.PostFormValue("note"), r.PostFormValue("password"))
	s.writeShares(w, r, secret, err)
}

func (s *Server) showTokens(w http.ResponseWriter, r *http.Request) { s.writeTokens(w, r, "", nil) }

func (s *Server) writeTokens(w http.ResponseWriter, r *http.Request, secret string, wrong error) {
	sites := s.owned(s.asker(r))
	d := web.Tokens{Secret: secret, Every: slices.Contains(sites, account.Everywhere)}
	d.Sites = slices.DeleteFunc(sites, func(v string) bool { return v == account.Everywhere })
	var err error
	if s.TokenStore != nil {
		d.Tokens, err = s.TokenStore.List(r.Context())
	}
	if err != nil {
		wrong = err
	}
	d.Tokens = slices.DeleteFunc(d.Tokens, func(t token.Token) bool { return !d.Every && !within(t, d.Sites) })
	s.writeAccounts(w, r, &d, wrong)
}

// within tells whether a token is good for none but some sites.
func within(t token.Token, sites []string) bool {
	return len(t.Sites) > 0 && !slices.ContainsFunc(t.Sites, func(v string) bool { return !slices.Contains(sites, v) })
}

// changeTokens makes tokens and revokes them.
func (s *Server) changeTokens(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	if name := r.PostFormValue("revoke"); name != "" {
		if err := s.revokeToken(r, name); err != nil {
			s.writeTokens(w, r, "", err)
			return
		}
		s.did(w, r, web.TokensPath, "revoke")
		return
	}
	secret, err := s.makeToken(r)
	s.writeTokens(w, r, secret, err)
}

// makeToken makes the token that a form describes.
func (s *Server) makeToken(r *http.Request) (secret string, err error) {
	t := token.Token{Name: r.PostFormValue("name"), Sites: r.PostForm["site"], Created: time.Now()}
	for _, scope := range r.PostForm["scope"] {
		t.Scopes = append(t.Scopes, token.Scope(scope))
	}
	if err := t.Check(); err != nil {
		return "", err
	}
	sites := s.owned(s.asker(r))
	ofEvery := len(t.Sites) == 0 && slices.Contains(sites, account.Everywhere)
	if !ofEvery && !within(t, sites) {
		return "", account.ErrNotAllowed
	}
	secret = token.NewSecret()
	if err := s.TokenStore.Create(r.Context(), t, token.HashOf(secret)); err != nil {
		return "", err
	}
	return secret, s.note(r, account.Entry{What: account.TokenMade, About: t.Name})
}

func (s *Server) revokeToken(r *http.Request, name string) error {
	all, err := s.TokenStore.List(r.Context())
	if err != nil {
		return err
	}
	sites := s.owned(s.asker(r))
	i := slices.IndexFunc(all, func(t token.Token) bool { return t.Name == name })
	if i < 0 || !slices.Contains(sites, account.Everywhere) && !within(all[i], sites) {
		return token.ErrUnknown
	}
	if err := s.TokenStore.Revoke(r.Context(), name); err != nil {
		return err
	}
	return s.note(r, account.Entry{What: account.TokenRevoked, About: name})
}

// note writes down what somebody did, where accounts are kept.
func (s *Server) note(r *http.Request, e account.Entry) error {
	if s.Accounts == nil {
		return nil
	}
	a := s.asker(r)
	e.Address = s.from(r).Address
	switch {
	case a.user != nil:
		e.Who = a.user.Name
	case a.token != nil:
		e.Who = "token:" + a.token.Name // no user's name has a colon
	}
	return s.Accounts.Note(r.Context(), e)
}

// entriesOnPage is how many entries are on a page of the log.
const entriesOnPage = 100

func (s *Server) showLog(w http.ResponseWriter, r *http.Request) {
	entries, err := s.Accounts.Entries(r.Context(), r.URL.Query().Get("before"), entriesOnPage+1)
	d := web.Log{Entries: entries}
	if len(entries) > entriesOnPage {
		d.Entries = entries[:entriesOnPage]
		d.Rest = d.Entries[entriesOnPage-1].Key
	}
	s.writeAccounts(w, r, &d, err)
}
