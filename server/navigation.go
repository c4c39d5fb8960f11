package server

import (
	"net/http"
	"net/url"

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
	if a, err := s.who(r); err == nil {
		n.Account = a.user != nil
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
