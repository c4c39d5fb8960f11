package server

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/web"
)

// maxBase is the longest address of a server that is written into snippets.
const maxBase = 300

// gallery is the page of a site's widgets.
func (s *Server) gallery(w http.ResponseWriter, r *http.Request) {
	v, l := s.named(r.PathValue("site")), language.Of(r, s.Language)
	g := web.Gallery{
		Language: l, Nav: s.navigation(r, web.PartWidgets, v.Name, "list", "limit", "theme", "words", "picture", "base"),
		Site: v.Name, Title: v.Title, Counts: s.Receiver != nil && s.Receiver.Counts != nil, Frames: v.Frames, Limits: widgetLimits[:],
	}
	g.Base, g.BadBase, g.Guessed = s.baseOf(r)
	for _, list := range v.lists {
		one := web.GalleryList{Name: list.Name, Query: list.Query, Items: items(list.Current().Value)}
		if list.named {
			one.Title = list.Title
		}
		g.Lists = append(g.Lists, one)
	}
	if len(g.Lists[0].Items) > 0 {
		g.Page = g.Lists[0].Items[0].Path
	}
	g.Pictures = v.pictures(r.Context())
	g.Choice = choose(r.URL.Query(), &g)
	var b bytes.Buffer
	if err := web.WriteGallery(&b, g); err != nil {
		s.Logger.Error("show widgets", "site", v.Name, "error", err)
		refuse(w, http.StatusInternalServerError, web.Word(l, "page_failed"))
		return
	}
	w.Header().Set("Content-Security-Policy", web.GalleryPolicy)
	writePage(w, r, http.StatusOK, b.Bytes())
}

// choose is what a query chooses. What it does not say, or says wrongly, is what
// is there at first.
func choose(q url.Values, g *web.Gallery) web.Choice {
	c := web.Choice{List: g.Lists[0].Name, Limit: 5, Theme: chart.Auto, Words: g.Language}
	if name := q.Get("list"); slices.ContainsFunc(g.Lists, func(l web.GalleryList) bool { return l.Name == name }) {
		c.List = name
	}
	if len(g.Pictures) > 0 {
		c.Picture = g.Pictures[0].Name
	}
	if name := q.Get("picture"); slices.ContainsFunc(g.Pictures, func(p web.Picture) bool { return p.Name == name }) {
		c.Picture = name
	}
	if q.Has("limit") {
		if n, err := strconv.Atoi(q.Get("limit")); err == nil && slices.Contains(g.Limits, n) {
			c.Limit = n
		} else if q.Get("limit") == "" {
			c.Limit = 0
		}
	}
	if t := chart.Theme(q.Get("theme")); t.Known() {
		c.Theme = t
	}
	if c.Words.UnmarshalText([]byte(q.Get("words"))) != nil {
		c.Words = g.Language
	}
	return c
}

// pictures are the reports of a site that have one of ours, pageviews first.
func (v *site) pictures(ctx context.Context) []web.Picture {
	var all []web.Picture
	for _, name := range v.names() {
		width, height := v.widgets[name].size(ctx)
		if width == 0 {
			continue
		}
		p := web.Picture{Name: name, Width: width, Height: height, Spark: height < maxSpark}
		if l := v.list(name); l != nil {
			p.Title = l.Title
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b web.Picture) int {
		return strings.Compare(pictureOrder(a), pictureOrder(b))
	})
	return all
}

func pictureOrder(p web.Picture) string {
	switch {
	case p.Name == "pageviews":
		return "0"
	case p.Spark:
		return "2" + p.Name
	}
	return "1" + p.Name
}

// maxSpark is the height in dots below which a picture is a line in a text.
const maxSpark = 100

// pictureSize finds the size that a picture of ours says it has.
var pictureSize = regexp.MustCompile(`^<svg [^>]*?width="(\d+)[^"]*" height="(\d+)`)

// size is the size of the picture in dots; zero where there is none of ours.
func (w *widget) size(ctx context.Context) (width, height int) {
	svg, err := w.paint(ctx, chart.Auto)
	if err != nil {
		return 0, 0 // it is being computed anew at this moment
	}
	m := pictureSize.FindSubmatch(svg)
	if m == nil {
		return 0, 0
	}
	width, _ = strconv.Atoi(string(m[1])) // they are digits
	height, _ = strconv.Atoi(string(m[2]))
	return width, height
}

// baseOf is where pages elsewhere reach the server: as a query says, else as the
// request did. What is no address of a server is told.
func (s *Server) baseOf(r *http.Request) (base, wrong string, guessed bool) {
	given := strings.TrimSpace(r.FormValue("base"))
	u, err := url.Parse(given)
	switch {
	case given == "":
	case err != nil || len(given) > maxBase || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		wrong = given[:min(len(given), maxBase)]
	default:
		return u.Scheme + "://" + u.Host, "", false
	}
	return s.origin(r), wrong, s.URL == "" // whoever lies about the host sees it alone
}
