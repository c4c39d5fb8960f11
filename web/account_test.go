package web_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/web"
)

// accountPages are the pages of accounts with everything on them.
func accountPages(l language.Language) map[string]func(io.Writer) error {
	now := time.Date(2026, 3, 28, 14, 20, 0, 0, time.UTC)
	page := func(here string) web.AccountPage {
		return web.AccountPage{
			Language: l, Now: now, Here: here, Nav: web.Navigation{Here: web.PartAccount, Account: true},
			Pages: []string{web.AccountPath, web.UsersPath, web.SharesPath, web.TokensPath, web.LogPath},
		}
	}
	user := account.User{
		Name: "jo", Roles: map[string]account.Role{"blog": account.Viewer, account.Everywhere: account.Owner, "x": "later"},
		TOTP: []byte("x"), Recovery: make([]account.Hash, 3), SignedIn: now,
	}
	link := account.Link{ID: "ab", Site: account.Everywhere, Role: account.Editor, Note: `"><b>`, By: "jo", Created: now, Until: now.Add(time.Hour), Password: "x"}
	var entries []account.Entry
	for _, what := range append(account.Whats(), "later") {
		entries = append(entries, account.Entry{At: now, Who: "jo", What: what, About: "<b>", Site: account.Everywhere, Detail: string(account.Share), Address: "192.0.2.0/24"})
	}
	return map[string]func(io.Writer) error{
		"account": func(w io.Writer) error {
			return web.WriteAccount(w, web.Account{AccountPage: page(web.AccountPath), User: user, Session: "1", Codes: []string{"AAAA-BBBB"}, Sessions: []account.Session{
				{ID: "1", Agent: "Firefox, Linux", Address: "192.0.2.0/24", Created: now, Used: now}, {ID: "2", Created: now, Used: now},
			}})
		},
		"authenticator": func(w io.Writer) error {
			return web.WriteAuthenticator(w, web.Authenticator{AccountPage: page(web.AuthenticatorPath), Name: "jo", Secret: strings.Repeat("A", 32)})
		},
		"users": func(w io.Writer) error {
			d := web.Users{AccountPage: page(web.UsersPath), Users: []account.User{user, {Name: "kim"}}, Me: "jo", Invitations: []account.Link{link}, Sites: []string{"blog", account.Everywhere}, OwnsAll: true}
			d.Link, d.LinkKind, d.LinkFor, d.Wrong = "https://x/join/y", account.Reset, "<b>", account.ErrLastOwner
			return web.WriteUsers(w, d)
		},
		"shares": func(w io.Writer) error {
			return web.WriteShares(w, web.Shares{AccountPage: page(web.SharesPath), Shares: []account.Link{link}, Sites: []string{"blog"}, Link: "https://x/share/y"})
		},
		"tokens": func(w io.Writer) error {
			return web.WriteTokens(w, web.Tokens{AccountPage: page(web.TokensPath), Tokens: []token.Token{{Name: "<b>", Scopes: token.Scopes(), Sites: []string{"blog"}}, {Name: "all"}}, Every: true, Secret: "beforehand_x"})
		},
		"log": func(w io.Writer) error {
			return web.WriteLog(w, web.Log{AccountPage: page(web.LogPath), Entries: entries, Rest: "1"})
		},
	}
}

// whole holds a page to having nothing missing and nothing unescaped.
func whole(t *testing.T, name string, write func(io.Writer) error) {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	text := b.String()
	for _, wrong := range []string{"<b>", "%!", "<h1></h1>", "<button></button>", "<td></td><td></td>", "()", "<title> "} {
		if strings.Contains(text, wrong) {
			t.Errorf("%s has %q", name, wrong)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(text), "</html>") {
		t.Errorf("%s is not whole", name)
	}
}

func TestAccountPages(t *testing.T) {
	for _, l := range language.All() {
		for name, write := range accountPages(l) {
			whole(t, l.String()+" "+name, write)
		}
		for _, kind := range []web.DoorKind{web.DoorSignIn, web.DoorCode, web.DoorSetup, web.DoorJoin, web.DoorReset, web.DoorShare, web.DoorClosed} {
			whole(t, l.String()+" door "+string(kind), func(w io.Writer) error {
				return web.WriteDoor(w, web.Door{Language: l, Kind: kind, Action: "/login", Next: `/"><b>`, Name: "<b>", Site: "blog", Role: account.Editor, Wrong: &account.WaitError{Wait: time.Minute}})
			})
		}
		if web.Problem(l, nil) != "" || web.Problem(l, io.EOF) != "" || web.Known(io.EOF) || !web.Known(account.ErrRefused) || web.Problem(l, account.ErrRefused) == "" {
			t.Errorf("%s: errors that are told are told apart from others wrongly", l)
		}
	}
}
