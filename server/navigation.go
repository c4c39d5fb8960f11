package server

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/web"
)

// navigation is the head of an owner's page on a site, which may be none. Of the
// page's query it keeps the named parameters.
func (s *Server) navigation(r *http.Request, here web.Part, site string, keep ...string) web.Navigation {
	n := web.Navigation{Here: here, Site: site, Query: url.Values{}}
	for _, v := range s.sites {
		if s.mayAsk(r, v) == nil {
			n.Sites = append(n.Sites, v.Name)
		}
	}
	a := s.asker(r)
	n.Account = a.user != nil
	if _, refused := s.mayJobs(r); refused != nil {
		n.Hide = append(n.Hide, web.PartJobs)
	}
	if !slices.ContainsFunc(n.Sites, func(v string) bool { return a.may(token.JobsRead, v) }) {
		n.Hide = append(n.Hide, web.PartSetup)
	}
	if a.user == nil && a.token == nil && !a.machine { // by a share link
		n.Hide = append(n.Hide, web.PartWidgets)
	}
	given := r.URL.Query()
	for _, name := range keep {
		if of, ok := given[name]; ok {
			n.Query[name] = of
		}
	}
	return n
}

func (s *Server) jobsNavigation(r *http.Request) web.Navigation {
	return s.navigation(r, web.PartJobs, "", "q", "after", "trigger", "history")
}
