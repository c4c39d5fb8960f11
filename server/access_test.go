package server_test

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/account/argon"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/token"
)

const password = "correct horse battery"

// elsewhere is the address of somebody who does not sit at the machine.
const elsewhere = "203.0.113.7:9"

// withAccounts gives a server all that people and programs can ask it for.
func withAccounts(t testing.TB, s *server.Server) *server.Server {
	t.Helper()
	state := memory.New()
	s.Accounts = account.NewDesk(account.Config{
		Store: state.Accounts(), Hasher: argon.New(argon.Params{Memory: 64, Time: 1, Threads: 1}), Key: account.Key{1},
	})
	s.TokenStore = state.Tokens()
	s.Tokens = token.NewGuard(s.TokenStore)
	s.Receiver.Tokens = s.Tokens
	s.Outbox, s.Book = state.Outbox(), &book{server: s}
	s.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	return s
}

// addUser makes a user.
func addUser(t testing.TB, s *server.Server, name, site string, role account.Role) {
	t.Helper()
	if err := s.Accounts.Add(t.Context(), name, password, map[string]account.Role{site: role}); err != nil {
		t.Fatal(err)
	}
}

// sessionOf signs a user in, and returns the cookie of the session.
func sessionOf(t testing.TB, s *server.Server, name string) string {
	t.Helper()
	secret, _, err := s.Accounts.SignIn(t.Context(), name, password, "", account.From{Address: name})
	if err != nil {
		t.Fatal(err)
	}
	return "beforehand=" + secret
}

// tokenOf makes a token, and returns what a request says of it.
func tokenOf(t testing.TB, s *server.Server, name, site string, scopes ...token.Scope) string {
	t.Helper()
	secret := token.NewSecret()
	made := token.Token{Name: name, Scopes: scopes}
	if site != account.Everywhere {
		made.Sites = []string{site}
	}
	if err := s.TokenStore.Create(t.Context(), made, token.HashOf(secret)); err != nil {
		t.Fatal(err)
	}
	return "Bearer " + secret
}

// shareOf makes a share link of a site, and returns the cookie that it gives.
func shareOf(t testing.TB, s *server.Server, site string) string {
	t.Helper()
	secret, err := s.Accounts.ShareLink(t.Context(), account.Actor{}, site, "for all", "")
	if err != nil {
		t.Fatal(err)
	}
	_, proof, err := s.Accounts.OpenShare(t.Context(), secret, "", account.From{})
	if err != nil {
		t.Fatal(err)
	}
	return "beforehand-share-" + site + "=" + proof
}

// request is a request of somebody.
type request struct {
	method, path, addr string
	header             http.Header
	body               string
}

func (q request) do(s http.Handler) *httptest.ResponseRecorder {
	if q.body != "" {
		q.header = q.header.Clone()
		q.header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return q.raw(s, q.body)
}

// raw sends a body of any type.
func (q request) raw(s http.Handler, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(cmp.Or(q.method, http.MethodGet), q.path, strings.NewReader(body))
	r.RemoteAddr, r.Host = q.addr, "localhost:8080"
	maps.Copy(r.Header, q.header)
	w := httptest.NewRecorder()
	ctx, stop := context.WithTimeout(r.Context(), 20*time.Second)
	defer stop()
	if strings.HasSuffix(q.path, "/events") {
		stop() // a stream that nobody waits for
	}
	s.ServeHTTP(w, r.WithContext(ctx))
	return w
}

// refused tells whether a request was turned away for who sent it.
func refused(w *httptest.ResponseRecorder) bool {
	switch w.Code {
	case http.StatusUnauthorized:
		return true
	case http.StatusSeeOther:
		return strings.HasPrefix(w.Header().Get("Location"), "/login?") || w.Header().Get("Location") == "/login"
	case http.StatusForbidden:
		text := w.Body.String()
		return strings.Contains(text, "You may not see this") || strings.Contains(text, "it takes ") || strings.Contains(text, "the token is not good for") ||
			strings.Contains(text, "the token has not the scope")
	}
	return false
}

// concrete is a path that a pattern matches.
func concrete(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, strings.NewReplacer(
		"{$}", "", "{site}", "blog", "{name...}", "blog/hot", "{job}", "blog%2Fhot", "{due}", "2026-01-01T00:00:00Z", "{action}", "pause",
		"{report}", "hot", "{file}", "hot.json", "{secret}", "nothing",
	).Replace(path)
}

// TestRoutes asks for each route as everybody who can be told apart.
func TestRoutes(t *testing.T) {
	s := withAccounts(t, start(t, "shop"))
	s.CheckEvery(time.Nanosecond)
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	addUser(t, s, "ours", "blog", account.Owner)
	addUser(t, s, "editor", "blog", account.Editor)
	addUser(t, s, "viewer", "blog", account.Viewer)
	addUser(t, s, "other", "shop", account.Viewer)
	cookie := func(value string) http.Header { return http.Header{"Cookie": {value}} }
	bearer := func(value string) http.Header { return http.Header{"Authorization": {value}} }
	who := map[string]http.Header{
		"nobody": {}, "machine": {}, "forged": cookie("beforehand=" + strings.Repeat("A", 43)), "wrong token": bearer("Bearer beforehand_no"),
		"owner": cookie(sessionOf(t, s, "owner")), "ours": cookie(sessionOf(t, s, "ours")), "editor": cookie(sessionOf(t, s, "editor")),
		"viewer": cookie(sessionOf(t, s, "viewer")), "other": cookie(sessionOf(t, s, "other")),
		"share": cookie(shareOf(t, s, "blog")), "other share": cookie(shareOf(t, s, "shop")),
		"stats token": bearer(tokenOf(t, s, "stats", "blog", token.StatsRead)), "jobs token": bearer(tokenOf(t, s, "jobs", "blog", token.JobsRead, token.JobsWrite)),
		"all jobs token": bearer(tokenOf(t, s, "all-jobs", account.Everywhere, token.JobsRead, token.JobsWrite)),
		"other token":    bearer(tokenOf(t, s, "other", "shop", token.StatsRead)), "pageviews token": bearer(tokenOf(t, s, "pageviews", "blog", token.PageviewsWrite)),
	}
	// Who gets an answer, by what a route needs.
	let := map[string][]string{
		"installation": {"owner"},
		"owners":       {"owner", "ours"},
		"editors":      {"owner", "ours", "editor"},
		"person":       {"owner", "ours", "editor", "viewer", "other"},
		"jobs":         {"owner", "ours", "editor", "jobs token", "all jobs token"},
		"editorsHere":  {"owner", "ours", "editor", "jobs token", "all jobs token"},
		"operator":     {"machine", "owner", "all jobs token"},
		"numbers":      {"owner", "ours", "editor", "viewer", "share", "stats token"},
	}
	h := s.Handler()
	for _, route := range s.Routes() {
		if !route.Listed {
			t.Errorf("%s is in no line of the table in router.go", route.Pattern)
		}
		if route.Pattern == "POST /logout" {
			continue // it would end the sessions; TestSignInAndOut has it
		}
		method, path := concrete(route.Pattern)
		for name, header := range who {
			if strings.HasSuffix(path, "/login/code") { // asked for without, it leads back to the name
				header = header.Clone()
				header.Add("Cookie", "beforehand-code=nothing")
			}
			want := route.Need == "everybody" || slices.Contains(let[route.Need], name)
			if route.Pattern == "POST /api/v1/pageviews" {
				want = name == "pageviews token"
			}
			addr := elsewhere
			if name == "machine" {
				addr = "127.0.0.1:9"
			}
			w := request{method: method, path: path, addr: addr, header: header}.do(h)
			if got := !refused(w); got != want {
				t.Errorf("%s of %s (%s): %d %s %.200s", route.Pattern, name, route.Need, w.Code, w.Header().Get("Location"), w.Body)
			}
		}
	}
}

// TestRoutesBeforeThereAreUsers asks for each route while nobody can be told from
// anybody: only who sits at the machine, by its own name, is let in.
func TestRoutesBeforeThereAreUsers(t *testing.T) {
	s := withAccounts(t, start(t))
	h := s.Handler()
	away := http.Header{"X-Forwarded-For": {"127.0.0.1"}}
	for _, route := range s.Routes() {
		method, path := concrete(route.Pattern)
		if route.Need == "everybody" {
			continue
		}
		here := request{method: method, path: path, addr: "127.0.0.1:9"}.do(h)
		if got, want := refused(here), route.Need == "person"; got != want {
			t.Errorf("%s of who sits at the machine: %d %.100s", route.Pattern, here.Code, here.Body)
		}
		for _, q := range []request{{addr: elsewhere}, {addr: "127.0.0.1:9", header: away}} {
			q.method, q.path = method, path
			if w := q.do(h); w.Code != http.StatusUnauthorized {
				t.Errorf("%s from elsewhere: %d %.100s", route.Pattern, w.Code, w.Body)
			}
		}
	}
	if w := (request{path: "/jobs", addr: elsewhere}).do(h); !strings.Contains(w.Body.String(), "There is no owner yet") {
		t.Errorf("it says %s", w.Body)
	}
}

func TestTrustMachine(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	at := func() int { return request{path: "/jobs", addr: "127.0.0.1:9"}.do(s.Handler()).Code }
	if at() != http.StatusSeeOther {
		t.Errorf("without: %d", at())
	}
	if s.TrustMachine = true; at() != http.StatusOK {
		t.Errorf("with: %d", at())
	}
}

// TestBrowsersAreNotMadeToSend has a page elsewhere send what its reader's session
// allows.
func TestBrowsersAreNotMadeToSend(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	h, session := s.Handler(), sessionOf(t, s, "owner")
	tried := 0
	for _, route := range s.Routes() {
		method, path := concrete(route.Pattern)
		if method == http.MethodGet {
			continue
		}
		tried++
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "origin": "null"} {
			header := http.Header{"Cookie": {session}}
			header.Set(name, value)
			w := request{method: method, path: path, addr: elsewhere, header: header}.do(h)
			if got := w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), "cross-origin"); got == route.Foreign {
				t.Errorf("%s with %s: %s: %d %.100s", route.Pattern, name, value, w.Code, w.Body)
			}
		}
	}
	if tried < 15 {
		t.Errorf("only %d routes", tried)
	}
	header := http.Header{"Cookie": {session}, "Sec-Fetch-Site": {"same-origin"}}
	if w := (request{method: http.MethodPost, path: "/logout", addr: elsewhere, header: header}).do(h); w.Code != http.StatusSeeOther {
		t.Errorf("from a page of its own: %d", w.Code)
	}
	// What answers readers of other origins must not tell them what a session sees.
	for _, path := range []string{"/api/v1/sites/blog/stats", "/jobs", "/api/v1/jobs", "/d/blog", "/account"} {
		header := http.Header{"Cookie": {session}, "Origin": {"https://evil.example"}}
		w := request{path: path, addr: elsewhere, header: header}.do(h)
		if cors := w.Header().Get("Access-Control-Allow-Credentials"); cors != "" || w.Header().Get("Access-Control-Allow-Origin") == "https://evil.example" {
			t.Errorf("%s lets other origins read with credentials", path)
		}
	}
}
