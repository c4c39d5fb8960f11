package server

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/web"
)

// Book is where the sites are kept that can be changed while the server runs. What
// it is told of holds for all replicas.
type Book interface {
	// Added are those sites, also such as cannot be served as they are.
	Added(ctx context.Context) ([]Added, error)

	// Add adds a site, Change says something else of one, and Remove deletes one
	// with everything that is kept of it. They refuse who may not, and have
	// changed something here when they return.
	Add(ctx context.Context, by account.Actor, name string, terms config.Terms) error
	Change(ctx context.Context, by account.Actor, name string, terms config.Terms) error
	Remove(ctx context.Context, by account.Actor, name string) error

	// Size is how many pageviews there are of a site, bots among them.
	Size(ctx context.Context, name string) (int64, error)
}

// Added is a site that can be changed.
type Added struct {
	Name    string
	Terms   config.Terms
	Leaving bool // it was removed, and is being deleted
}

// mountSites adds the pages on which sites are added, changed and removed.
func (s *Server) mountSites(mux *router) {
	mux.HandleFunc("GET "+web.SitesPath, func(w http.ResponseWriter, r *http.Request) { s.writeSites(w, r, web.Sites{}, nil) })
	mux.HandleFunc("POST "+web.SitesPath, s.addSite)
	mux.HandleFunc("GET "+web.SitesPath+"/{site}", s.showSite)
	mux.HandleFunc("POST "+web.SitesPath+"/{site}", s.changeSite)
}

// writeSites writes the page of all sites that the asker owns.
func (s *Server) writeSites(w http.ResponseWriter, r *http.Request, d web.Sites, wrong error) {
	a := s.asker(r)
	d.MayAdd = a.user == nil || a.user.OwnsAll()
	added, err := s.Book.Added(r.Context())
	if err != nil {
		wrong = err
	}
	mine := func(name string) bool { return (account.Actor{User: a.user}).Owns(name) }
	for _, v := range s.sites {
		if mine(v.Name) {
			d.Sites = append(d.Sites, web.Site{Name: v.Name, Title: v.Title, Hosts: v.Hosts, Zone: v.Zone.String(), Fixed: true})
		}
	}
	for _, v := range added {
		i := slices.IndexFunc(d.Sites, func(o web.Site) bool { return o.Name == v.Name })
		switch {
		case i >= 0:
			d.Sites[i].Fixed = false
		case mine(v.Name):
			d.Sites = append(d.Sites, web.Site{Name: v.Name, Title: v.Terms.Title, Zone: v.Terms.Zone, Leaving: v.Leaving, LeftOut: !v.Leaving})
		}
	}
	s.writeAccounts(w, r, &d, wrong)
}

// termsOf are what a form says of a site.
func termsOf(form url.Values) config.Terms {
	get := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	return config.Terms{
		Title: get("title"), Zone: get("zone"), Hosts: get("hosts"), URL: get("url"), Sources: get("sources"), Retention: get("retention"),
		Query: get("query"), Index: get("index"), Lower: form.Get("lower") != "", Slash: get("slash"), Rewrite: get("rewrite"),
	}
}

// addSite adds a site, and leads to what makes its pages count.
func (s *Server) addSite(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	d := web.Sites{Name: strings.TrimSpace(r.PostForm.Get("name")), Terms: termsOf(r.PostForm)}
	if err := s.Book.Add(r.Context(), s.actor(r), d.Name, d.Terms); err != nil {
		s.writeSites(w, r, d, err)
		return
	}
	seeOther(w, r, web.SetupPath+"/"+url.PathEscape(d.Name)+"?lang="+language.Of(r, s.Language).String())
}

// editable is the site that a path names, if it can be changed and its asker
// may; else it answers.
func (s *Server) editable(w http.ResponseWriter, r *http.Request) (Added, bool) {
	name := r.PathValue("site")
	if !s.actor(r).Owns(name) {
		s.writeSites(w, r, web.Sites{}, account.ErrNotAllowed)
		return Added{}, false
	}
	added, err := s.Book.Added(r.Context())
	if err != nil {
		s.writeSites(w, r, web.Sites{}, err)
		return Added{}, false
	}
	for _, v := range added {
		if v.Name == name && !v.Leaving {
			return v, true
		}
	}
	s.writeSites(w, r, web.Sites{}, account.ErrNoSite)
	return Added{}, false
}

func (s *Server) showSite(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.editable(w, r); ok {
		s.writeSite(w, r, web.EditedSite{Name: v.Name, Terms: v.Terms, Removing: r.URL.Query().Has("remove")}, nil)
	}
}

func (s *Server) writeSite(w http.ResponseWriter, r *http.Request, d web.EditedSite, wrong error) {
	if v := s.named(d.Name); v != nil {
		d.Zone, d.Served = v.Zone.String(), true
	}
	if d.Removing {
		n, err := s.Book.Size(r.Context(), d.Name)
		if err != nil {
			wrong = err
		}
		d.Pageviews = n
	}
	s.writeAccounts(w, r, &d, wrong)
}

// changeSite says something else of a site, or removes it once its name was typed.
func (s *Server) changeSite(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	v, ok := s.editable(w, r)
	if !ok {
		return
	}
	d := web.EditedSite{Name: v.Name, Terms: v.Terms}
	var err error
	action := r.PostForm.Get("action")
	switch action {
	case "site":
		d.Terms = termsOf(r.PostForm)
		err = s.Book.Change(r.Context(), s.actor(r), v.Name, d.Terms)
	case "site_remove":
		d.Removing = true
		if strings.TrimSpace(r.PostForm.Get("name")) != v.Name {
			err = web.ErrNotTyped
		} else {
			err = s.Book.Remove(r.Context(), s.actor(r), v.Name)
		}
	default:
		refuse(w, http.StatusUnprocessableEntity, web.Word(language.Of(r, s.Language), "act_unknown"))
		return
	}
	if err != nil {
		s.writeSite(w, r, d, err)
		return
	}
	s.did(w, r, web.SitesPath, action)
}
