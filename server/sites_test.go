package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/server"
)

// book is where sites are added without being served.
type book struct {
	server *server.Server
	added  []server.Added
}

func (b *book) Added(context.Context) ([]server.Added, error) { return slices.Clone(b.added), nil }

func (b *book) Add(ctx context.Context, by account.Actor, name string, terms config.Terms) error {
	if _, err := terms.Site(config.Site{Name: name}); err != nil {
		return err
	}
	text, err := json.Marshal(terms)
	if err != nil {
		return err
	}
	if err := b.server.Accounts.AddSites(ctx, by, account.Site{Name: name, Terms: text}); err != nil {
		return err
	}
	b.added = append(b.added, server.Added{Name: name, Terms: terms})
	return nil
}

func (b *book) Change(_ context.Context, _ account.Actor, name string, terms config.Terms) error {
	if _, err := terms.Site(config.Site{Name: name}); err != nil {
		return err
	}
	for i := range b.added {
		if b.added[i].Name == name {
			b.added[i].Terms = terms
		}
	}
	return nil
}

func (b *book) Remove(ctx context.Context, by account.Actor, name string) error {
	if err := b.server.Accounts.RemoveSite(ctx, by, name); err != nil {
		return err
	}
	for i := range b.added {
		if b.added[i].Name == name {
			b.added[i].Leaving = true
		}
	}
	return nil
}

func (*book) Size(context.Context, string) (int64, error) { return 1234, nil }

// TestSitesArePutOnAPage adds, changes and deletes sites as those who may, and
// tries to as those who may not.
func TestSitesArePutOnAPage(t *testing.T) {
	s := withAccounts(t, start(t, "shop"))
	b := s.Book.(*book)
	b.added = []server.Added{{Name: "shop", Terms: config.Terms{Title: "The shop", Hosts: "shop.example"}}}
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	addUser(t, s, "ours", "shop", account.Owner)
	addUser(t, s, "editor", "shop", account.Editor)
	as := map[string]http.Header{}
	for _, name := range []string{"owner", "ours", "editor"} {
		as[name] = http.Header{"Cookie": {sessionOf(t, s, name)}}
	}
	h := s.Handler()
	get := func(who, path string) string {
		return request{path: path, addr: elsewhere, header: as[who]}.do(h).Body.String()
	}
	post := func(who, path string, form url.Values) (int, string, string) {
		w := request{method: http.MethodPost, path: path, addr: elsewhere, header: as[who], body: form.Encode()}.do(h)
		return w.Code, w.Header().Get("Location"), w.Body.String()
	}
	list := get("owner", "/account/sites")
	if !strings.Contains(list, "changed in the configuration file") || !strings.Contains(list, `href="/account/sites/shop?lang=en"`) || strings.Contains(list, `href="/account/sites/blog?lang=en"`) {
		t.Errorf("the list: %s", list)
	}
	if list = get("ours", "/account/sites"); strings.Contains(list, "<bdi>blog</bdi>") || strings.Contains(list, "Add a site") || !strings.Contains(list, "<bdi>shop</bdi>") {
		t.Errorf("the list of an owner of a site: %s", list)
	}
	if code, _, text := post("ours", "/account/sites", url.Values{"name": {"mine"}}); code != http.StatusForbidden {
		t.Errorf("an owner of a site adds one: %d %s", code, text)
	}
	if code, to, text := post("owner", "/account/sites", url.Values{"name": {"wiki"}, "hosts": {"wiki.example"}}); code != http.StatusSeeOther || to != "/setup/wiki?lang=en" {
		t.Errorf("add: %d %s %s", code, to, text)
	}
	for field, value := range map[string]string{"hosts": "https://x", "zone": "Mars/Base", "retention": "1h", "rewrite": "^(", "url": "javascript:x", "sources": "owl", "name": "a b"} {
		form := url.Values{"name": {"new"}}
		form.Set(field, value)
		code, _, text := post("owner", "/account/sites", form)
		if code != http.StatusUnprocessableEntity || !strings.Contains(text, `role="alert"`) {
			t.Errorf("%s %q: %d %s", field, value, code, text)
		}
	}
	if text := get("ours", "/account/sites/shop"); !strings.Contains(text, `value="shop.example"`) || strings.Contains(text, "Delete everything") {
		t.Errorf("the form: %s", text)
	}
	for _, path := range []string{"/account/sites/blog", "/account/sites/none", "/account/sites/wiki"} {
		for _, who := range []string{"ours", "editor"} {
			if code, _, text := post(who, path, url.Values{"action": {"site"}, "title": {"taken over"}}); code < 400 {
				t.Errorf("%s by %s: %d %s", path, who, code, text)
			}
		}
	}
	if code, _, _ := post("ours", "/account/sites/shop", url.Values{"action": {"site"}, "hosts": {"a.example b.example"}, "lower": {"true"}}); code != http.StatusSeeOther {
		t.Errorf("change: %d", code)
	}
	if got := b.added[0].Terms; got.Hosts != "a.example b.example" || !got.Lower || got.Title != "" {
		t.Errorf("changed to %+v", got)
	}
	asks := get("ours", "/account/sites/shop?remove=")
	if !strings.Contains(asks, "1,234 pageviews") || !strings.Contains(asks, "Delete everything") {
		t.Errorf("it asks: %s", asks)
	}
	for _, typed := range []string{"", "Shop", "blog"} {
		if code, _, text := post("ours", "/account/sites/shop", url.Values{"action": {"site_remove"}, "name": {typed}}); code != http.StatusUnprocessableEntity || !strings.Contains(text, "Nothing is deleted") {
			t.Errorf("%q is typed: %d %s", typed, code, text)
		}
	}
	if code, _, _ := post("ours", "/account/sites/shop", url.Values{"action": {"site_remove"}, "name": {"shop"}}); code != http.StatusSeeOther || !b.added[0].Leaving {
		t.Errorf("delete: %d", code)
	}
	if text := get("owner", "/account/log"); !strings.Contains(text, "added a site") || !strings.Contains(text, "deleted a site") {
		t.Errorf("the log: %s", text)
	}
}

// TestMessagesAreSentAgain shows what waits and was given up to owners, and has it
// tried again.
func TestMessagesAreSentAgain(t *testing.T) {
	s := withAccounts(t, start(t, "shop"))
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	addUser(t, s, "ours", "shop", account.Owner)
	var ids []string
	for _, site := range []string{"blog", "shop", ""} {
		m := outbox.Message{
			Kind: "weekly", Way: outbox.Mail, Recipient: "jo@" + site + "example.org", Tick: "t", Site: site, Subject: "Week of " + site,
			Created: time.Now(), Next: time.Now(),
		}
		if _, err := s.Outbox.Put(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		for m.State != outbox.GivenUp {
			m = must(s.Outbox.Find(t.Context(), m.ID()))
			m = m.Tried(time.Now(), &outbox.NeverError{Err: context.DeadlineExceeded})
			if err := s.Outbox.Note(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		ids = append(ids, m.ID())
	}
	h := s.Handler()
	owner, ours := http.Header{"Cookie": {sessionOf(t, s, "owner")}}, http.Header{"Cookie": {sessionOf(t, s, "ours")}}
	get := func(who http.Header) string {
		return request{path: "/account/messages", addr: elsewhere, header: who}.do(h).Body.String()
	}
	if text := get(owner); strings.Count(text, "given up") != 3 || strings.Count(text, "deadline exceeded") != 3 || strings.Count(text, `name="retry"`) != 3 {
		t.Errorf("the owner sees %s", text)
	}
	if text := get(ours); strings.Count(text, "given up") != 1 || !strings.Contains(text, "Week of shop") {
		t.Errorf("the owner of the shop sees %s", text)
	}
	retry := func(who http.Header, id string) int {
		return request{method: http.MethodPost, path: "/account/messages", addr: elsewhere, header: who, body: url.Values{"retry": {id}}.Encode()}.do(h).Code
	}
	for _, id := range []string{ids[0], ids[2], "none", ""} {
		if code := retry(ours, id); code != http.StatusUnprocessableEntity {
			t.Errorf("the owner of the shop has %s sent again: %d", id, code)
		}
	}
	for i, who := range []http.Header{owner, ours, owner} {
		if code := retry(who, ids[i]); code != http.StatusSeeOther {
			t.Errorf("%s: %d", ids[i], code)
		}
		if m := must(s.Outbox.Find(t.Context(), ids[i])); m.State != outbox.Waiting || m.Attempts != 0 {
			t.Errorf("%s is %s after %d attempts", ids[i], m.State, m.Attempts)
		}
	}
}

// TestLinksBeginWithThePublicAddress asks by another name than the one that the
// configuration says, and by one that somebody made up.
func TestLinksBeginWithThePublicAddress(t *testing.T) {
	s := withAccounts(t, start(t))
	addUser(t, s, "owner", account.Everywhere, account.Owner)
	session := sessionOf(t, s, "owner")
	ask := func(method, path, form string) string {
		header := http.Header{"Cookie": {session}}
		return request{method: method, path: path, addr: elsewhere, header: header, body: form}.do(s.Handler()).Body.String()
	}
	for _, c := range []struct{ said, begins string }{{"", "http://localhost:8080"}, {"https://stats.example.org", "https://stats.example.org"}} {
		s.URL = c.said
		for what, text := range map[string]string{
			c.begins + "/join/":        ask(http.MethodPost, "/account/users", "action=invite&role=viewer&site=blog"),
			c.begins + "/share/":       ask(http.MethodPost, "/account/shares", "action=share&note=all&site=blog"),
			c.begins + "/b.js":         ask(http.MethodGet, "/setup/blog", ""),
			c.begins + "/w/widgets.js": ask(http.MethodGet, "/widgets/blog", ""),
		} {
			if !strings.Contains(text, what) {
				t.Errorf("with %q nothing begins with %s", c.said, what)
			}
			if guessed := strings.Contains(text, "The key url of the configuration"); guessed != (c.said == "") {
				t.Errorf("with %q, at %s, it is said that it is guessed: %t", c.said, what, guessed)
			}
		}
	}
}
