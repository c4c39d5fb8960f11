package server

import (
	"net/http"
	"strings"

	"github.com/beforehand-go/beforehand/web"
)

// need is what a route wants of who asks.
type need int

// The needs. What is not said of a route is that it is for owners of the
// installation only.
const (
	installation need = iota // an owner of the installation
	owners                   // an owner of any site; what else they may is judged by what they do
	editors                  // an editor of any site, or an owner
	person                   // somebody who is signed in
	jobs                     // who may see jobs, of any site
	numbers                  // who may see the numbers of the site in the path
	editorsHere              // an editor of the site in the path, or an owner
	operator                 // this machine, and who may see the jobs of every site
	everybody
)

// access is who gets an answer of a route.
type access struct {
	need    need
	foreign bool // pages elsewhere may have browsers send it, though it changes something
}

// accesses is the table of all routes but the ways in, which are for everybody,
// and judge for themselves who may send what.
func accesses() map[string]access {
	return map[string]access{
		// What readers see.
		"GET /{$}":                           {need: everybody},
		"GET /s/{site}/{$}":                  {need: everybody},
		"GET " + web.AssetsPath:              {need: everybody},
		"GET " + web.ElementsPath:            {need: everybody},
		"GET /s/{site}/{file}":               {need: everybody},
		"GET /s/{site}/{report}/status.json": {need: everybody},
		"GET /s/{site}/{report}/events":      {need: everybody},
		"GET /w/{site}/{report}/{file}":      {need: everybody},
		"GET /live/{$}":                      {need: everybody}, // only the demo has it
		"GET /live/s/{site}/{file}":          {need: everybody},
		"GET /api/v1/openapi.json":           {need: everybody},

		// What programs see.
		"GET /healthz": {need: everybody},
		"GET /readyz":  {need: everybody},
		"GET /metrics": {need: operator},

		// Where somebody says who they are.
		"GET " + web.SignInPath:              {need: everybody},
		"POST " + web.SignInPath:             {need: everybody},
		"GET " + web.CodePath:                {need: everybody},
		"POST " + web.CodePath:               {need: everybody},
		"POST " + web.SignOutPath:            {need: everybody},
		"GET " + web.JoinPath + "{secret}":   {need: everybody},
		"POST " + web.JoinPath + "{secret}":  {need: everybody},
		"GET " + web.SharePath + "{secret}":  {need: everybody},
		"POST " + web.SharePath + "{secret}": {need: everybody},

		// Accounts.
		"GET " + web.AccountPath:        {need: person},
		"POST " + web.AccountPath:       {need: person},
		"GET " + web.AuthenticatorPath:  {need: person},
		"POST " + web.AuthenticatorPath: {need: person},
		"GET " + web.UsersPath:          {need: owners},
		"POST " + web.UsersPath:         {need: owners},
		"GET " + web.SharesPath:         {need: editors},
		"POST " + web.SharesPath:        {need: editors},
		"GET " + web.TokensPath:         {need: owners},
		"POST " + web.TokensPath:        {need: owners},
		"GET " + web.LogPath:            {need: installation},

		"GET " + web.MessagesPath:           {need: owners},
		"POST " + web.MessagesPath:          {need: owners},
		"GET " + web.SitesPath:              {need: owners},
		"POST " + web.SitesPath:             {need: owners},
		"GET " + web.SitesPath + "/{site}":  {need: owners},
		"POST " + web.SitesPath + "/{site}": {need: owners},

		// What is behind.
		"GET " + web.WidgetsPath + "/{site}":  {need: numbers},
		"GET /d/{site}":                       {need: numbers},
		"GET /d/{site}/{file}":                {need: numbers},
		"GET /api/v1/sites/{site}/stats":      {need: numbers},
		"GET /api/v1/sites/{site}/stats.csv":  {need: numbers},
		"GET " + web.SetupPath + "/{site}":    {need: editorsHere},
		"POST " + web.SetupPath + "/{site}":   {need: editorsHere},
		"GET " + web.JobsPath:                 {need: jobs},
		"GET " + web.JobsPath + "/{name...}":  {need: jobs},
		"POST " + web.JobsPath + "/{name...}": {need: jobs},

		"GET " + jobsAPI:                        {need: jobs},
		"GET " + jobsAPI + "/{job}":             {need: jobs},
		"GET " + jobsAPI + "/{job}/ticks":       {need: jobs},
		"GET " + jobsAPI + "/{job}/ticks/{due}": {need: jobs},
		"GET " + jobsAPI + "/{job}/preview":     {need: jobs},
		"PUT " + jobsAPI + "/{job}/trigger":     {need: jobs},
		"POST " + jobsAPI + "/{job}/run":        {need: jobs},
		"POST " + jobsAPI + "/{job}/{action}":   {need: jobs},
		"GET /api/v1/replicas":                  {need: jobs},
	}
}

// route is a pattern of [http.ServeMux] and who gets an answer.
type route struct {
	pattern string
	access
}

// router is a mux that holds each route to what the table says of it.
type router struct {
	server *Server
	mux    *http.ServeMux
	table  map[string]access
	ways   bool // what is added is a way in
	routes *[]route
}

func (s *Server) newRouter() *router {
	return &router{server: s, mux: http.NewServeMux(), table: accesses(), routes: new([]route)}
}

// waysIn is where the ways in are added.
func (m *router) waysIn() *router {
	ways := *m
	ways.ways = true
	return &ways
}

// Handle adds a route.
func (m *router) Handle(pattern string, h http.Handler) {
	a := m.table[pattern]
	if m.ways {
		a = access{need: everybody, foreign: true}
	}
	*m.routes = append(*m.routes, route{pattern, a})
	if a.need != everybody {
		h = m.server.gate(a.need, h)
	}
	if method, _, _ := strings.Cut(pattern, " "); method != http.MethodGet && !a.foreign {
		// A browser elsewhere must not be made to send what a session allows.
		h = http.NewCrossOriginProtection().Handler(h)
	}
	m.mux.Handle(pattern, h)
}

// HandleFunc adds a route.
func (m *router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(h))
}
