package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/web"
)

const (
	// firstWait is how long a page waits for cards that were never computed;
	// filteredWait is that for those that nobody could compute beforehand. What
	// is not there by then comes later.
	firstWait    = 300 * time.Millisecond
	filteredWait = 1500 * time.Millisecond
	// largeFrom is from how many pageviews on the days of a view are large.
	largeFrom = 1_000_000
	// visitingWait is how long a page waits for how many are visiting.
	visitingWait = 50 * time.Millisecond
)

// mountDashboards adds the dashboards of sites.
func (s *Server) mountDashboards(mux *router) {
	mux.HandleFunc("GET /d/{site}", s.dashboard)
	mux.HandleFunc("GET /d/{site}/{file}", s.cardFile)
}

// dashboard is the page.
func (s *Server) dashboard(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	v := s.named(r.PathValue("site"))
	seen, wrongly := parseView(r, v, began)
	if wrongly != nil {
		refuse(w, wrongly.status, wrongly.Error)
		return
	}
	d := v.dashboard(r, seen, began)
	var b bytes.Buffer
	if err := web.WriteDashboard(&b, d); err != nil {
		s.Logger.Error("show dashboard", "site", v.Name, "error", err)
		refuse(w, http.StatusInternalServerError, web.Word(d.Language, "page_failed"))
		return
	}
	writePage(w, r, http.StatusOK, b.Bytes())
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode == "" || mode == "navigate" { // not a page that keeps itself up to date
		v.warm(seen)
		s.Reports.Tally(v.cardsJob()).Count(took(&d), time.Since(began))
	}
}

// took is how long what a dashboard shows took to compute beforehand.
func took(d *web.Dashboard) time.Duration {
	sum := time.Duration(0)
	for _, c := range append([]web.Card{d.Total, d.Chart}, d.Cards...) {
		if !c.Filtered {
			sum += c.State.Took
		}
	}
	return sum
}

// dashboard is what a dashboard shows.
func (v *site) dashboard(r *http.Request, seen *view, now time.Time) web.Dashboard {
	v.looked(dashboardLook)
	d := web.Dashboard{
		View: seen.View, Language: language.Of(r, v.server.Language), Now: now, Zone: v.Zone, Title: v.Title,
		Nav:   v.server.navigation(r, web.PartDashboard, v.Name, "period", "from", "to", "compare", "unit", "q", "card", "filter"),
		Units: seen.units(), Unit: seen.unit(), Titles: v.titleOf(),
	}
	looked := v.visiting.look(v)
	d.Waiting, d.Since = v.server.Reports.Waiting(func(report string) bool { return strings.HasPrefix(report, v.Name+"/") })
	for _, c := range v.show(r.Context(), seen) {
		switch c.Name {
		case totalCard:
			d.Total = c
		case chartCard:
			d.Chart = c
		default:
			d.Cards = append(d.Cards, c)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), visitingWait)
	defer cancel()
	d.Visiting = v.visiting.after(ctx, looked)
	d.Never, d.Young = v.never(&d), v.young(now)
	return d
}

// never tells whether no pageview has ever come to the site, as far as is known.
func (v *site) never(d *web.Dashboard) bool {
	all := v.pageviews.Current()
	if all.Version == 0 || all.Value.Total > 0 || d.Total.Answer == nil || d.Total.Answer.Now.Total.Pageviews > 0 || d.Visiting == nil || d.Visiting.Visitors > 0 {
		return false
	}
	v.looked(pageviewsLook) // which is to know of the first one soon
	return true
}

// titleOf tells the title of a page; empty where it is not known.
func (v *site) titleOf() func(path string) string {
	book := v.known()
	return func(path string) string {
		title, _ := book.Articles[path].Title()
		return title
	}
}

// show is the cards of a view. What is not held begins to be computed, all at the
// same time, and is waited for only so long.
func (v *site) show(ctx context.Context, w *view) []web.Card {
	names := w.shown()
	wait := firstWait
	if slices.ContainsFunc(names, w.asked) {
		wait = filteredWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	w.large = len(w.filters) > 0 && v.large(ctx, w)
	cards := make([]web.Card, len(names))
	counts := map[int]*count{}
	for n := range names {
		i := (n + 1) % len(names) // the totals come last, as they may be the dearest
		name := names[i]
		cards[i] = web.Card{Name: name, Filtered: w.asked(name)}
		if cards[i].Filtered {
			n, err := v.server.counting.begin(w.question(name))
			cards[i].Failed, counts[i] = err != nil, n
		} else if name != hotCard {
			v.cards.Current(w.key(name))
		}
	}
	for i := range cards {
		c := &cards[i]
		switch {
		case c.Failed:
		case c.Filtered:
			v.fillCounted(ctx, w, c, counts[i])
		case c.Name == hotCard:
			v.fillHot(c)
		default:
			v.fill(ctx, w, c)
		}
	}
	return cards
}

// large tells whether the days of a view have so many pageviews that to count
// visitors among them takes longer than somebody likes to wait. What is not known
// soon is taken to be large.
func (v *site) large(ctx context.Context, w *view) bool {
	ctx, cancel := context.WithTimeout(ctx, firstWait)
	defer cancel()
	k := w.key(totalCard)
	q, err := k.question(v, w.to)
	if err != nil {
		return true
	}
	a, err := report.ReadAnswer(q, v.cards.Await(ctx, k).Value["json"])
	return err != nil || a.Now.Total.Pageviews > largeFrom
}

// fill puts a snapshot into a card.
func (v *site) fill(ctx context.Context, w *view, c *web.Card) {
	k := w.key(c.Name)
	now := v.cards.Await(ctx, k)
	c.State = about(c.Name, now.Status)
	text, ok := now.Value["json"]
	if !ok {
		c.Failed = now.Failures > 0
		return
	}
	var err error
	if c.Name == risingCard {
		c.Hot = &report.Hot{}
		err = json.Unmarshal(text, c.Hot)
	} else {
		var q report.Question
		if q, err = k.question(v, w.to); err == nil {
			c.Answer, err = report.ReadAnswer(q, text)
		}
	}
	if err != nil {
		v.server.Logger.Error("read card", "site", v.Name, "card", c.Name, "error", err)
		c.Answer, c.Hot, c.Failed = nil, nil, true
		return
	}
	c.Files = []web.Link{{Title: "CSV", URL: w.File(c.Name, "csv")}, {Title: "JSON", URL: w.File(c.Name, "json")}}
}

// fillHot puts the site's hot list into a card.
func (v *site) fillHot(c *web.Card) {
	now := v.hot.Current()
	c.State = about(c.Name, now.Status)
	if now.Version > 0 {
		c.Hot = &now.Value
	}
	path := "/s/" + url.PathEscape(v.Name) + "/" + HotList
	c.Files = []web.Link{{Title: "CSV", URL: path + ".csv"}, {Title: "JSON", URL: path + ".json"}, {Title: "RSS", URL: path + ".rss"}}
}

// fillCounted puts an answer into a card that was counted for it.
func (v *site) fillCounted(ctx context.Context, w *view, c *web.Card, n *count) {
	got := v.server.counting.await(ctx, n)
	switch {
	case got == nil:
		return
	case got.err != nil:
		c.Failed = true
		return
	}
	c.Answer = got.answer
	c.State = web.Report{Name: c.Name, AsOf: got.asOf, Took: got.took}
	path := "/api/v1/sites/" + url.PathEscape(v.Name) + "/stats"
	query := "?" + statsParametersOf(got.answer.Question).Encode()
	c.Files = []web.Link{{Title: "CSV", URL: path + ".csv" + query}, {Title: "JSON", URL: path + query}}
}

// cardFile serves a card as a file.
func (s *Server) cardFile(w http.ResponseWriter, r *http.Request) {
	v := s.named(r.PathValue("site"))
	v.looked(dashboardLook)
	v.cards.ServeHTTP(w, r)
}
