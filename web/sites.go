package web

import (
	"errors"
	"net/url"

	"github.com/beforehand-go/beforehand/config"
)

// Site is a site as its owners see it among the others.
type Site struct {
	Name, Title string
	Hosts       []string
	Zone        string
	Fixed       bool // the configuration has it, so that it is not changed here
	Leaving     bool // it was removed, and is being deleted
	LeftOut     bool // it does not go together with the others, and is not served
}

// Sites is the page of sites.
type Sites struct {
	AccountPage
	Sites  []Site
	MayAdd bool         // sites may be added
	Name   string       // of a site to be added, as it was typed
	Terms  config.Terms // of it
}

// EditedSite is the page of a site that can be changed.
type EditedSite struct {
	AccountPage
	Name      string
	Zone      string // in which its days are counted; zero: it is not served
	Served    bool
	Terms     config.Terms
	Removing  bool  // it is asked whether it is to be removed
	Pageviews int64 // that would go with it
}

// ErrNotTyped is for who did not type the name of what is to be deleted.
var ErrNotTyped = errors.New("the name was not typed")

func (*Sites) place() (path, template string)      { return SitesPath, "sites.html" }
func (*EditedSite) place() (path, template string) { return SitesPath, "site.html" }

// sitePath is the page of a site.
func sitePath(name string) string { return SitesPath + "/" + url.PathEscape(name) }

// EditURL is the page on which a site is changed, and SetupURL the one with what
// makes its pages count.
func (p *AccountPage) EditURL(name string) string { return p.To(sitePath(name)) }

// SetupURL is the page that tells how a site is counted.
func (p *AccountPage) SetupURL(name string) string {
	return SetupURL(name, p.Lang)
}

// RemoveURL asks whether the site is to be removed.
func (v *EditedSite) RemoveURL() string { return v.EditURL(v.Name) + "&remove=" }

// Form is where the form is sent.
func (v *EditedSite) Form() string { return v.EditURL(v.Name) }

// termFields are the fields of what is said of a site.
type termFields struct {
	*AccountPage
	New   bool
	Terms config.Terms
}

// Fields are those of a site to be added, or of one that is there.
func (v *Sites) Fields() termFields { return termFields{&v.AccountPage, true, v.Terms} }

// Fields are those of the site.
func (v *EditedSite) Fields() termFields { return termFields{&v.AccountPage, false, v.Terms} }

// Slashes are what may become of a slash at the end of a path.
func (f termFields) Slashes() []string { return []string{"keep", "add", "remove"} }

// SlashWord says it.
func (f termFields) SlashWord(slash string) string {
	return f.words[map[string]string{"keep": "slash_keep", "add": "slash_add", "remove": "slash_remove"}[slash]]
}

// termWord is the sentence for a term that cannot be meant.
func termWord(key string) string {
	word, ok := map[string]string{
		"name": "wrong_site_name", "zone": "wrong_zone", "kept_zone": "wrong_kept_zone", "hosts": "wrong_hosts", "taken": "wrong_taken", "url": "wrong_url",
		"sources": "wrong_sources", "retention": "wrong_retention", "rewrite": "wrong_rewrite", "title": "wrong_term_long",
		"query": "wrong_term_long", "index": "wrong_term_long",
	}[key]
	if !ok {
		return "wrong_term"
	}
	return word
}
