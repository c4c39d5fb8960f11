package accounttest

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/beforehand-go/beforehand/account"
)

// sitesOf are the names of the sites that were added.
func sitesOf(t *testing.T, d *account.Desk) (names []string) {
	t.Helper()
	list, err := d.Sites(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		names = append(names, s.Name)
	}
	return names
}

// removedSite takes a site away, with whatever names it and nothing else.
func removedSite(t *testing.T, s account.Store) {
	d := newDesk(s)
	owner := add(t, d, "owner", account.Everywhere, account.Owner)
	ours := add(t, d, "ours", "blog", account.Owner)
	want(t, "give another role", d.SetRole(t.Context(), owner, "ours", "shop", account.Viewer), nil)
	terms := func(text string) json.RawMessage { return json.RawMessage(`{"title":"` + text + `"}`) }
	blog, shop := account.Site{Name: "blog", Terms: terms("a")}, account.Site{Name: "shop", Terms: terms("b")}
	want(t, "add as who may not", d.AddSites(t.Context(), ours, blog), account.ErrNotAllowed)
	want(t, "add", d.AddSites(t.Context(), owner, shop, blog), nil)
	want(t, "add again", d.AddSites(t.Context(), owner, account.Site{Name: "new", Terms: terms("c")}, blog), account.ErrSiteExists)
	if got := sitesOf(t, d); !slices.Equal(got, []string{"shop", "blog"}) {
		t.Errorf("sites: %v", got)
	}
	want(t, "change as who may not", d.ChangeSite(t.Context(), ours, "shop", terms("x")), account.ErrNotAllowed)
	want(t, "change", d.ChangeSite(t.Context(), ours, "blog", terms("d")), nil)
	want(t, "change what is not there", d.ChangeSite(t.Context(), owner, "none", terms("d")), account.ErrNoSite)

	shared, err := d.ShareLink(t.Context(), ours, "blog", "for all", "")
	want(t, "share", err, nil)
	other, err := d.ShareLink(t.Context(), owner, "shop", "for all", "")
	want(t, "share another", err, nil)
	invited, err := d.Invite(t.Context(), ours, "blog", account.Viewer)
	want(t, "invite", err, nil)

	if err := d.SiteGone(t.Context(), "blog"); err == nil {
		t.Error("a site is gone that nobody removed")
	}
	want(t, "remove as who may not", d.RemoveSite(t.Context(), ours, "shop"), account.ErrNotAllowed)
	want(t, "remove every site", d.RemoveSite(t.Context(), owner, account.Everywhere), account.ErrNoSite)
	want(t, "remove", d.RemoveSite(t.Context(), ours, "blog"), nil)
	for name, secret := range map[string]string{"share link": shared, "invitation": invited} {
		_, err := d.Link(t.Context(), secret)
		want(t, name+" of a site that is gone", err, account.ErrNoLink)
	}
	_, err = d.Link(t.Context(), other)
	want(t, "share link of another site", err, nil)
	u, err := d.User(t.Context(), "ours")
	if err != nil || u.Role("blog") != "" || u.Role("shop") != account.Viewer {
		t.Errorf("roles: %v, %v", u.Roles, err)
	}
	want(t, "change what is leaving", d.ChangeSite(t.Context(), owner, "blog", terms("d")), account.ErrNoSite)
	want(t, "add what is leaving", d.AddSites(t.Context(), owner, blog), account.ErrSiteExists)
	for range 2 {
		want(t, "gone", d.SiteGone(t.Context(), "blog"), nil)
	}
	if got := sitesOf(t, d); !slices.Equal(got, []string{"shop"}) {
		t.Errorf("sites: %v", got)
	}
	// One of the configuration, which was not added here.
	want(t, "remove one that was not added", d.RemoveSite(t.Context(), owner, "fixed"), nil)
	book, err := d.Entries(t.Context(), "", 0)
	want(t, "read the book", err, nil)
	seen := map[account.What]string{}
	for _, e := range book {
		seen[e.What] += e.Who + ":" + e.About + " "
	}
	for what, who := range map[account.What]string{
		account.SiteAdded: "owner:blog owner:shop ", account.SiteChanged: "ours:blog ", account.SiteRemoved: "owner:fixed ours:blog ",
	} {
		if len(seen[what]) != len(who) {
			t.Errorf("%s: %q, want %q", what, seen[what], who)
		}
	}
}
