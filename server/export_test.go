package server

import "time"

// Route is a route with what it needs, for tests.
type Route struct {
	Pattern string
	Need    string
	Foreign bool // pages elsewhere may have browsers send it
	Listed  bool // the table, or the list of the ways in, says so
}

// Routes are those of a server's handler.
func (s *Server) Routes() []Route {
	mux := s.routes()
	var all []Route
	for _, r := range *mux.routes {
		_, listed := mux.table[r.pattern]
		all = append(all, Route{r.pattern, r.need.String(), r.foreign, listed || r.foreign})
	}
	return all
}

func (n need) String() string {
	return [...]string{"installation", "owners", "editors", "person", "jobs", "numbers", "editorsHere", "operator", "everybody"}[n]
}

// Next is where a sign-in leads.
func Next(asked string) string { return next(asked) }

// CheckEvery says how long after looking at a site's page the next one may be
// looked at.
func (s *Server) CheckEvery(d time.Duration) { s.checks.every = d }
