package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/account/argon"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/sqlite"
)

// guest is somebody's browser: it keeps cookies, and is elsewhere.
type guest struct {
	h       http.Handler
	cookies map[string]string
	https   bool
}

func newGuest(s *server.Server) *guest { return &guest{s.Handler(), map[string]string{}, false} }

func (g *guest) send(method, path string, form url.Values) *httptest.ResponseRecorder {
	q := request{method: method, path: path, addr: elsewhere, header: http.Header{}, body: form.Encode()}
	for name, value := range g.cookies {
		q.header.Add("Cookie", name+"="+value)
	}
	if g.https {
		q.header.Set("X-Forwarded-Proto", "https")
	}
	w := q.do(g.h)
	for _, c := range w.Result().Cookies() {
		if g.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(g.cookies, c.Name)
		}
	}
	return w
}

func (g *guest) get(path string) *httptest.ResponseRecorder { return g.send(http.MethodGet, path, nil) }

func (g *guest) post(path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return g.send(http.MethodPost, path, form)
}

// leads holds an answer to leading to a path.
func leads(t *testing.T, what string, w *httptest.ResponseRecorder, to string) {
	t.Helper()
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != to {
		t.Errorf("%s: %d to %q, want %q; %.300s", what, w.Code, got, to, w.Body)
	}
}

// says holds an answer to a status and something in it.
func says(t *testing.T, what string, w *httptest.ResponseRecorder, status int, text string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), text) {
		t.Errorf("%s: %d without %q: %.600s", what, w.Code, text, w.Body)
	}
}

func TestFirstOwner(t *testing.T) {
	s := withAccounts(t, start(t))
	secret, err := s.Accounts.SetupLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g := newGuest(s)
	says(t, "another link", g.get("/join/nothing"), 404, "Nothing here")
	says(t, "the link", g.get("/join/"+secret), 200, "You are the first")
	says(t, "a short password", g.post("/join/"+secret, "name", "Jo", "password", "horse"), 422, "at least 12 characters")
	leads(t, "join", g.post("/join/"+secret, "name", "Jo", "password", password), "/")
	says(t, "account", g.get("/account"), 200, "<bdi>jo</bdi>")
	says(t, "the link again", newGuest(s).post("/join/"+secret, "name", "kim", "password", password), 404, "Nothing here")
	leads(t, "sign out", g.post("/logout"), "/login")
	leads(t, "account after", g.get("/account"), "/login?next=%2Faccount")
}

func TestSignInAndOut(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "jo", account.Everywhere, account.Owner)
	g := newGuest(s)
	leads(t, "jobs", g.get("/jobs?q=x"), "/login?next=%2Fjobs%3Fq%3Dx")
	says(t, "the page", g.get("/login?next=/jobs?q=x&lang=zh"), 200, `name="next" value="/jobs?q=x"`)
	says(t, "wrong", g.post("/login", "name", "jo", "password", "a wrong password"), 403, "The name or the password is wrong")
	leads(t, "right", g.post("/login", "name", " JO", "password", password, "next", "/jobs?q=x"), "/jobs?q=x")
	if w := g.get("/jobs"); w.Code != 200 {
		t.Errorf("jobs: %d", w.Code)
	}
	leads(t, "the page, signed in", g.get("/login?next=/d/blog"), "/d/blog")
	before := g.cookies["beforehand"]
	leads(t, "another password", g.post("/account", "action", "password", "was", password, "password", "staple another battery"), "/account?lang=en&did=password")
	if after := g.cookies["beforehand"]; after == before || after == "" {
		t.Error("the session is the same after the password was changed")
	}
	says(t, "said", g.get("/account?did=password"), 200, "The password is changed")
	says(t, "nothing else is said", g.get("/account?did=<b>"), 200, "<bdi>jo</bdi>")
	says(t, "an unknown action", g.post("/account", "action", "fly"), 422, "")
	leads(t, "out, in Chinese", g.post("/logout?lang=zh"), "/login?lang=zh")
	if len(g.cookies) != 1 || g.cookies["beforehand-device"] == "" {
		t.Errorf("left are the cookies %v", g.cookies)
	}
}

func TestAuthenticator(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "jo", account.Everywhere, account.Owner)
	g := newGuest(s)
	g.post("/login", "name", "jo", "password", password)
	page := g.get("/account/authenticator").Body.String()
	_, rest, _ := strings.Cut(page, `name="secret" value="`)
	secret, _, _ := strings.Cut(rest, `"`)
	if !strings.Contains(page, `<svg class="qr"`) || account.TOTPCode(secret, time.Now()) == "" {
		t.Fatalf("secret %q", secret)
	}
	says(t, "a wrong code", g.post("/account/authenticator", "secret", secret, "code", "000000", "was", password), 403, secret)
	says(t, "a secret of one's own", g.post("/account/authenticator", "secret", "<script>", "code", "000000", "was", password), 403, "code is wrong")
	w := g.post("/account/authenticator", "secret", secret, "code", account.TOTPCode(secret, time.Now()), "was", password)
	says(t, "the code", w, 200, "Write these down")
	says(t, "the account", g.get("/account"), 200, "10 are left")
	_, rest, _ = strings.Cut(w.Body.String(), "<li><code>")
	code, _, _ := strings.Cut(rest, "<")
	other := newGuest(s)
	leads(t, "no code without a password", other.get("/login/code?next=/jobs"), "/login?next=%2Fjobs")
	leads(t, "the password", other.post("/login", "name", "jo", "password", password, "next", "/jobs"), "/login/code?next=%2Fjobs")
	leads(t, "not in yet", other.get("/jobs"), "/login?next=%2Fjobs")
	says(t, "the page", other.get("/login/code?next=/jobs"), 200, "one-time-code")
	says(t, "a wrong code", other.post("/login/code", "code", "123456"), 403, "The code is wrong")
	leads(t, "a code written down", other.post("/login/code", "code", code, "next", "/jobs"), "/jobs")
	leads(t, "turn off", other.post("/account", "action", "totp_off", "was", password), "/account?lang=en&did=totp_off")
	leads(t, "the other session", g.get("/account"), "/login?next=%2Faccount")
}

func TestInviteAndShare(t *testing.T) {
	s := withAccounts(t, start(t, "shop"))
	addUser(t, s, "jo", account.Everywhere, account.Owner)
	g := newGuest(s)
	g.post("/login", "name", "jo", "password", password)
	link := func(w *httptest.ResponseRecorder, at string) string {
		_, rest, _ := strings.Cut(w.Body.String(), "http://localhost:8080"+at)
		secret, _, _ := strings.Cut(rest, "<")
		if secret == "" {
			t.Fatalf("no link: %d %.800s", w.Code, w.Body)
		}
		return at + secret
	}
	says(t, "a site that is not there", g.post("/account/users", "action", "invite", "site", "none", "role", "viewer"), 403, "role of an owner")
	invited := link(g.post("/account/users", "action", "invite", "site", "blog", "role", "viewer"), "/join/")
	kim := newGuest(s)
	says(t, "invitation", kim.get(invited), 200, "to become viewer of blog")
	leads(t, "join", kim.post(invited, "name", "kim", "password", password), "/")
	if w := kim.get("/d/blog"); w.Code != 200 {
		t.Errorf("the site's dashboard: %d", w.Code)
	}
	says(t, "another site's", kim.get("/d/shop"), 403, "You may not see this")
	leads(t, "a role", g.post("/account/users", "action", "role", "name", "kim", "site", "shop", "role", "editor"), "/account/users?lang=en&did=role")
	leads(t, "signed out by it", kim.get("/d/blog"), "/login?next=%2Fd%2Fblog")
	reset := link(g.post("/account/users", "action", "reset", "name", "kim"), "/join/")
	leads(t, "reset", kim.post(reset, "password", "staple another battery"), "/")
	says(t, "editor's own page", kim.get("/account/shares"), 200, "<option>shop</option>")

	open := link(g.post("/account/shares", "site", "blog", "note", "for all", "action", "share"), "/share/")
	locked := link(g.post("/account/shares", "site", "blog", "note", "for some", "password", "a shared password", "action", "share"), "/share/")
	anyone := newGuest(s)
	leads(t, "open", anyone.get(open), "/d/blog")
	if w := anyone.get("/d/blog"); w.Code != 200 {
		t.Errorf("shared dashboard: %d", w.Code)
	}
	if text := anyone.get("/d/blog").Body.String(); strings.Contains(text, `href="/jobs`) || strings.Contains(text, `href="/widgets`) || strings.Contains(text, `href="/setup`) {
		t.Error("who came by a share link is led to what they may not see")
	}
	leads(t, "nothing else", anyone.get("/jobs"), "/login?next=%2Fjobs")
	leads(t, "no other site", anyone.get("/d/shop"), "/login?next=%2Fd%2Fshop")
	some := newGuest(s)
	says(t, "locked", some.get(locked), 200, "Shared numbers")
	says(t, "wrong", some.post(locked, "password", "x"), 403, "password is wrong")
	leads(t, "still locked", some.get("/d/blog"), "/login?next=%2Fd%2Fblog")
	leads(t, "right", some.post(locked, "password", "a shared password"), "/d/blog")
	for _, l := range must(s.Accounts.Links(t.Context(), account.Share)) {
		g.post("/account/shares", "end_link", l.ID)
	}
	for name, who := range map[string]*guest{"open": anyone, "locked": some} {
		leads(t, name+" after it ended", who.get("/d/blog"), "/login?next=%2Fd%2Fblog")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestOwnerOfASite may do nothing beyond it.
func TestOwnerOfASite(t *testing.T) {
	s := withAccounts(t, start(t, "shop"))
	addUser(t, s, "jo", account.Everywhere, account.Owner)
	addUser(t, s, "ours", "blog", account.Owner)
	addUser(t, s, "theirs", "shop", account.Editor)
	tokenOf(t, s, "shops", "shop", "stats:read")
	g := newGuest(s)
	g.post("/login", "name", "ours", "password", password)
	users := g.get("/account/users").Body.String()
	for _, hidden := range []string{"theirs", `value="shop"`, `value="*"`, "Remove"} {
		if strings.Contains(users, hidden) {
			t.Errorf("users has %s", hidden)
		}
	}
	if strings.Contains(g.get("/account/tokens").Body.String(), "shops") {
		t.Error("another site's token is shown")
	}
	for _, form := range [][]string{
		{"action", "invite", "site", "shop", "role", "viewer"},
		{"action", "invite", "site", "*", "role", "viewer"},
		{"action", "role", "name", "theirs", "site", "shop", "role", "viewer"},
		{"action", "role", "name", "ours", "site", "*", "role", "owner"},
		{"action", "remove", "name", "theirs"},
		{"action", "reset", "name", "jo"},
		{"action", "reset_totp", "name", "jo"},
	} {
		says(t, fmt.Sprint(form), g.post("/account/users", form...), 403, "role of an owner")
	}
	for _, form := range [][]string{{"name", "a", "scope", "stats:read"}, {"name", "a", "scope", "stats:read", "site", "shop"}, {"name", "a", "scope", "stats:read", "site", "blog", "site", "shop"}} {
		says(t, fmt.Sprint(form), g.post("/account/tokens", form...), 403, "role of an owner")
	}
	says(t, "revoke", g.post("/account/tokens", "revoke", "shops"), 422, "It is gone")
	says(t, "a token of the site", g.post("/account/tokens", "name", "a", "scope", "stats:read", "site", "blog"), 200, "beforehand_")
	leads(t, "revoked", g.post("/account/tokens", "revoke", "a"), "/account/tokens?lang=en&did=revoke")
	says(t, "no scope", g.post("/account/tokens", "name", "a", "site", "blog"), 422, "Choose what the token may do")
}

// TestLeadsNowhereElse has a sign-in lead to where it should not.
func TestLeadsNowhereElse(t *testing.T) {
	for asked, want := range map[string]string{
		"/jobs": "/jobs", "/d/blog?from=2026-01-01&x=//y": "/d/blog?from=2026-01-01&x=//y", "/a/../jobs": "", "/s/blog/": "/s/blog/", "/jobs/a%2Fb": "/jobs/a%2Fb", "/d/ü": "/d/%C3%BC",
		"": "", "jobs": "", "//evil.example": "", "///evil.example": "", "/\\evil.example": "", "\\\\evil.example": "", "https://evil.example": "",
		"https:evil.example": "", "https:/evil.example": "", "javascript:alert(1)": "", "/\tevil": "", "/\n/evil.example": "", "/%09/evil.example": "",
		"/%5Cevil.example": "", "/%2F/evil.example": "", "/.//evil.example": "", "/./evil.example": "", "/x?y#//evil.example": "/x?y", "@evil.example": "", "/login": "", "/login/code?x": "",
		"http://localhost:8080/jobs": "", "/" + strings.Repeat("a", 3000): "", "//user@evil.example/": "", "%2F%2Fevil.example": "",
	} {
		got := server.Next(asked)
		if got != want {
			t.Errorf("%q leads to %q, want %q", asked, got, want)
		}
		base := must(url.Parse("https://stats.example.org/login"))
		if to, err := base.Parse(got); err != nil || to.Host != "stats.example.org" || to.Scheme != "https" {
			t.Errorf("%q leads to %v, %v", asked, to, err)
		}
	}
}

// TestPlantedSession has somebody plant a session before its owner signs in.
func TestPlantedSession(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "jo", account.Everywhere, account.Owner)
	addUser(t, s, "mallory", "blog", account.Viewer)
	for _, planted := range []string{"planted", strings.TrimPrefix(sessionOf(t, s, "mallory"), "beforehand=")} {
		g := newGuest(s)
		g.cookies["beforehand"] = planted
		g.post("/login", "name", "jo", "password", password)
		if g.cookies["beforehand"] == planted {
			t.Error("the session is the one that was planted")
		}
		thief := newGuest(s)
		thief.cookies["beforehand"] = planted
		leads(t, "with what was planted", thief.get("/account"), "/login?next=%2Faccount")
	}
}

func TestCookies(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "jo", account.Everywhere, account.Owner)
	g := newGuest(s)
	g.https = true
	w := g.post("/login", "name", "jo", "password", password)
	for _, c := range w.Result().Cookies() {
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || !strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("by TLS: %s", c)
		}
	}
	if w := g.get("/account"); w.Code != 200 {
		t.Errorf("account: %d", w.Code)
	}
	// Who can write cookies into what came without TLS cannot sign anybody in.
	forged := newGuest(s)
	forged.https, forged.cookies["beforehand"] = true, g.cookies["__Host-beforehand"]
	leads(t, "a cookie without its prefix", forged.get("/account"), "/login?next=%2Faccount")
	plain := newGuest(s)
	for _, c := range plain.post("/login", "name", "jo", "password", password).Result().Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure {
			t.Errorf("without TLS: %s", c)
		}
	}
}

// counting counts how often passwords are compared.
type counting struct {
	account.Hasher
	checks int
}

func (c *counting) Check(ctx context.Context, password, hash string) (ok, old bool, err error) {
	c.checks++
	return c.Hasher.Check(ctx, password, hash)
}

// TestNamesAreNotTold compares what is answered for a name that somebody has with
// what is for one that nobody has: the same, after the same work.
func TestNamesAreNotTold(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "jo", account.Everywhere, account.Owner)
	count := &counting{Hasher: s.Accounts.Hasher}
	s.Accounts.Hasher = count
	var first string
	for i, name := range []string{"jo", "nobody"} {
		for try := range 12 {
			count.checks = 0
			g := newGuest(s)
			w := g.post("/login", "name", name, "password", "a wrong password")
			text := fmt.Sprint(w.Code, count.checks, strings.ReplaceAll(w.Body.String(), name, "NAME"), len(w.Result().Cookies()), w.Header().Get("Location"))
			if try > 0 {
				continue
			}
			if i == 0 {
				first = text
			} else if text != first {
				t.Errorf("%s: %s\nwant %s", name, text, first)
			}
		}
		w := newGuest(s).post("/login", "name", name, "password", "a wrong password")
		says(t, "too often", w, http.StatusTooManyRequests, "Too many attempts")
		if w.Header().Get("Retry-After") == "" {
			t.Error("it is not said when to come back")
		}
	}
}

func TestLargeForms(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	h, session := s.Handler(), sessionOf(t, s, "owner")
	large := strings.Repeat("a=b&", 1<<20)
	for _, route := range s.Routes() {
		method, path := concrete(route.Pattern)
		if method == http.MethodGet || route.Foreign || path == "/logout" || strings.HasPrefix(path, "/api/") {
			continue
		}
		body := &counted{Reader: strings.NewReader(large)}
		r := httptest.NewRequest(method, path, body)
		r.RemoteAddr = elsewhere
		r.Header.Set("Cookie", session)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || body.n > 64<<10 {
			t.Errorf("%s: %d after %d bytes", route.Pattern, w.Code, body.n)
		}
	}
}

// counted counts what is read.
type counted struct {
	*strings.Reader
	n int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += n
	return n, err
}

// TestPathsLeadOnlyToWhatIsServed asks for files around what is served.
func TestPathsLeadOnlyToWhatIsServed(t *testing.T) {
	s := withAccounts(t, start(t))
	h := s.Handler()
	for _, prefix := range []string{"/", "/assets/", "/s/blog/", "/s/", "/w/blog/hot/", "/w/", "/d/blog/", "/widgets/", "/join/", "/share/", "/api/v1/sites/", "/jobs/"} {
		for _, way := range []string{
			"../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "....//....//etc/passwd", "..%5c..%5cetc%5cpasswd", "%00", "..%00/state.db",
			"state.db", "../state.db", "../key", "..%252f..%252fkey", "//etc/passwd", "%2fetc%2fpasswd", ".git/config", "static/page.css", "../go.mod",
		} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr, r.Host = elsewhere, "localhost:8080"
			var err error
			if r.URL, err = url.ParseRequestURI(prefix + way); err != nil {
				continue
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			body := w.Body.String()
			for _, leaked := range []string{"root:", "SQLite format", "[core]", "module github.com"} {
				if strings.Contains(body, leaked) {
					t.Errorf("%s%s: %d %.100s", prefix, way, w.Code, body)
				}
			}
			if w.Code == http.StatusOK || w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s%s: %d %.100s", prefix, way, w.Code, body)
			}
			if to := w.Header().Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, "://") {
				t.Errorf("%s%s leads to %s", prefix, way, to)
			}
		}
	}
}

// broken is a store that fails, and tells of what it was asked.
type broken struct{ account.Store }

func (broken) Get(_ context.Context, kind account.Kind, key string) (account.Record, error) {
	return account.Record{}, errors.New("the store is broken")
}

// TestSecretsStaySecret goes all the ways that a secret goes, and looks for it in
// the log, on the pages of errors, in the files and in their backup.
func TestSecretsStaySecret(t *testing.T) {
	var logged bytes.Buffer
	s := startSites(t, sites("blog"), func(c *server.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	dir := t.TempDir()
	state := must(sqlite.Open(filepath.Join(dir, "state.db")))
	withAccounts(t, s)
	s.Accounts = account.NewDesk(account.Config{
		Store: state.Accounts(), Hasher: argon.New(argon.Params{Memory: 64, Time: 1, Threads: 1}), Key: account.Key{1},
	})
	s.TokenStore = state.Tokens()
	setup := must(s.Accounts.SetupLink(t.Context()))
	g := newGuest(s)
	secrets := []string{password, setup}
	keep := func() {
		for _, value := range g.cookies {
			secrets = append(secrets, value)
		}
	}
	g.post("/join/"+setup, "name", "jo", "password", password)
	keep()
	page := g.get("/account/authenticator").Body.String()
	_, rest, _ := strings.Cut(page, `name="secret" value="`)
	totp, _, _ := strings.Cut(rest, `"`)
	w := g.post("/account/authenticator", "secret", totp, "code", account.TOTPCode(totp, time.Now()), "was", password)
	secrets = append(secrets, totp)
	keep()
	for _, part := range strings.Split(w.Body.String(), "<li><code>")[1:] {
		code, _, _ := strings.Cut(part, "<")
		secrets = append(secrets, code, strings.ReplaceAll(code, "-", ""))
	}
	w = g.post("/account/tokens", "name", "ci", "scope", "stats:read")
	_, rest, _ = strings.Cut(w.Body.String(), "<pre><code>")
	made, _, _ := strings.Cut(rest, "<")
	w = g.post("/account/shares", "site", "blog", "note", "x", "password", "a shared password")
	_, rest, _ = strings.Cut(w.Body.String(), "/share/")
	shared, _, _ := strings.Cut(rest, "<")
	secrets = append(secrets, made, shared, "a shared password")
	if len(secrets) < 28 || slices.Contains(secrets, "") || !strings.HasPrefix(made, "beforehand_") {
		t.Fatalf("secrets %q", secrets)
	}
	visitor := newGuest(s)
	visitor.post("/share/"+shared, "password", "a shared password")
	visitor.post("/login", "name", "jo", "password", password)
	visitor.post("/login", "name", password, "password", password) // in the wrong field

	// The store fails at each of these.
	working := s.Accounts
	s.Accounts = account.NewDesk(account.Config{Store: broken{state.Accounts()}, Hasher: working.Hasher, Key: working.Key})
	fails := newGuest(s)
	maps.Copy(fails.cookies, g.cookies)
	fails.cookies["beforehand-code"] = "nothing"
	var pages []string
	for _, w := range []*httptest.ResponseRecorder{
		fails.get("/account"), fails.get("/join/" + setup), fails.post("/join/"+setup, "name", "kim", "password", password), fails.get("/share/" + shared),
		fails.post("/share/"+shared, "password", "a shared password"), fails.post("/login", "name", "jo", "password", password), fails.post("/login/code", "code", totp),
		fails.get("/api/v1/sites/blog/stats"), fails.get("/d/blog"),
	} {
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("a broken store answers %d %.100s", w.Code, w.Body)
		}
		pages = append(pages, w.Body.String())
	}
	s.Accounts = working
	backup := filepath.Join(dir, "backup.db")
	if err := errors.Join(state.Backup(t.Context(), backup), state.Close()); err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"the log": logged.String(), "an error": strings.Join(pages, "")}
	for _, file := range must(filepath.Glob(filepath.Join(dir, "*"))) {
		places[filepath.Base(file)] = string(must(os.ReadFile(file)))
	}
	if len(places) < 4 || !strings.Contains(places["the log"], "the store is broken") || !strings.Contains(places["backup.db"], "sign_in_failed") {
		t.Fatalf("looked at %d places", len(places))
	}
	for place, text := range places {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%.12s… is in %s", secret, place)
			}
		}
	}
}
