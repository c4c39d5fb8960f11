package web

import (
	"maps"
	"net/url"
	"slices"

	"github.com/beforehand-go/beforehand/internal/language"
)

// Navigation is what the head of an owner's page leads to: the other parts, the
// other sites, and the same page in another language.
type Navigation struct {
	Here  Part
	Site  string     // whose pages the links lead to
	Sites []string   // those that the reader may see, the first of which is meant where Site is empty
	Query url.Values // of the page: another language keeps it

	Account bool   // the reader has pages of an account
	Hide    []Part // that are not for the reader
}

// Part is a part of the owner's pages.
type Part int

// The parts, in the order in which they are shown.
const (
	PartDashboard Part = iota
	PartJobs
	PartWidgets
	PartSetup
	PartAccount
)

// part is what a part is called, and where it is.
type part struct {
	title string
	path  func(site string) string
	ofAll bool // it is the same for every site
}

func parts(w words) []part {
	return []part{
		PartDashboard: {title: w["nav_dashboard"], path: DashboardURL},
		PartJobs:      {title: w["nav_jobs"], path: func(string) string { return JobsPath }, ofAll: true},
		PartWidgets:   {title: w["nav_widgets"], path: func(site string) string { return WidgetsPath + "/" + url.PathEscape(site) }},
		PartSetup:     {title: w["nav_setup"], path: func(site string) string { return SetupPath + "/" + url.PathEscape(site) }},
		PartAccount:   {title: w["nav_account"], path: func(string) string { return AccountPath }, ofAll: true},
	}
}

// top is what the template of the head sees.
type top struct {
	pen
	Navigation
}

// navLink is a link that may lead to where its reader is.
type navLink struct {
	Link
	Here bool
}

// Parts are the links to all parts.
func (t top) Parts() []navLink {
	site := t.Site
	if site == "" && len(t.Sites) > 0 {
		site = t.Sites[0]
	}
	var all []navLink
	for i, p := range parts(t.words) {
		hidden := slices.Contains(t.Hide, Part(i)) || Part(i) == PartAccount && !t.Account
		if (p.ofAll || site != "") && !hidden {
			all = append(all, navLink{t.link(p.title, p.path(site)), Part(i) == t.Here})
		}
	}
	return all
}

// Others are the links to this part of each site, where there is a choice.
func (t top) Others() []navLink {
	p := parts(t.words)[t.Here]
	if p.ofAll || len(t.Sites) < 2 {
		return nil
	}
	var all []navLink
	for _, site := range t.Sites {
		all = append(all, navLink{t.link(site, p.path(site)), site == t.Site})
	}
	return all
}

func (t top) link(title, path string) Link { return Link{title, path + "?lang=" + t.Lang.String()} }

// Choices are the languages that the page is there in.
func (t top) Choices() []choice {
	all := t.pen.Choices()
	for i, l := range language.All() {
		q := maps.Clone(t.Query)
		if q == nil {
			q = url.Values{}
		}
		q.Set("lang", l.String())
		all[i].URL = "?" + q.Encode()
	}
	return all
}
