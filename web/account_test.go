package web_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/web"
)

// accountPages are the pages of accounts with everything on them.
func accountPages(l language.Language) map[string]func(io.Writer) error {
	now := time.Date(2026, 3, 28, 14, 20, 0, 0, time.UTC)
	all := web.NewAccountPage(l, now, nil)
	all.Nav = web.Navigation{Here: web.PartAccount, Account: true}
	all.Pages = []string{web.AccountPath, web.UsersPath, web.SharesPath, web.TokensPath, web.LogPath}
	wrong := all
	wrong.Wrong = account.ErrLastOwner
	user := account.User{
		Name: "jo", Roles: map[string]account.Role{"blog": account.Viewer, account.Everywhere: account.Owner, "x": "later"},
		TOTP: []byte("x"), Recovery: make([]account.Hash, 3), SignedIn: now,
	}
	link := account.Link{ID: "ab", Site: account.Everywhere, Role: account.Editor, Note: `"><b>`, By: "jo", Created: now, Until: now.Add(time.Hour), Password: "x"}
	var entries []account.Entry
	for _, what := range append(account.Whats(), "later") {
		entries = append(entries, account.Entry{At: now, Who: "jo", What: what, About: "<b>", Site: account.Everywhere, Detail: string(account.Share), Address: "192.0.2.0/24"})
	}
	pages := map[string]func(io.Writer) error{}
	add := func(name string, page web.OfAccounts, all web.AccountPage) {
		pages[name] = func(w io.Writer) error { return web.WriteAccounts(w, page, all) }
	}
	add("account", &web.Account{User: user, Session: "1", Codes: []string{"AAAA-BBBB"}, Sessions: []account.Session{
		{ID: "1", Agent: "Firefox, Linux", Address: "192.0.2.0/24", Created: now, Used: now}, {ID: "2", Created: now, Used: now},
	}}, all)
	add("authenticator", &web.Authenticator{Name: "jo", Secret: strings.Repeat("A", 32)}, all)
	add("users", &web.Users{
		Users: []account.User{user, {Name: "kim"}}, Me: "jo", Invitations: []account.Link{link}, Sites: []string{"blog", account.Everywhere}, OwnsAll: true,
		Link: "https://x/join/y", LinkKind: account.Reset, LinkFor: "<b>",
	}, wrong)
	add("shares", &web.Shares{Shares: []account.Link{link}, Sites: []string{"blog"}, Link: "https://x/share/y"}, all)
	add("tokens", &web.Tokens{Tokens: []token.Token{{Name: "<b>", Scopes: token.Scopes(), Sites: []string{"blog"}}, {Name: "all"}}, Every: true, Secret: "beforehand_x"}, all)
	add("log", &web.Log{Entries: entries, Rest: "1"}, all)
	add("sites", &web.Sites{Sites: []web.Site{{Name: "blog", Title: "<b>", Hosts: []string{"<b>"}, Fixed: true}, {Name: "x", Leaving: true}, {Name: "y", LeftOut: true}}, MayAdd: true, Name: "<b>"}, wrong)
	add("site", &web.EditedSite{Name: "blog", Zone: "Europe/Berlin", Served: true, Terms: config.Terms{Title: "<b>", Lower: true}}, all)
	add("site removed", &web.EditedSite{Name: "blog", Removing: true, Pageviews: 1234}, wrong)
	add("messages", &web.Messages{Messages: []outbox.Message{
		{Way: outbox.Mail, Recipient: "<b>", Subject: "<b>", Site: "<b>", State: outbox.GivenUp, Attempts: 3, Created: now, Ended: now, Error: "<b>"},
		{Way: outbox.Webhook, State: outbox.Waiting, Subject: "x", Recipient: "y", Created: now, Next: now},
	}}, all)
	return pages
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
