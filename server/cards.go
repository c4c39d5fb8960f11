package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/web"
)

// Cards that are not of a dimension.
const (
	totalCard  = "total"
	chartCard  = "chart"
	hotCard    = "hot"
	risingCard = "rising"
	botCard    = string(pageview.ByBot)
)

const (
	// cardRows is how many rows a card keeps.
	cardRows = 100
	// cardsHeld is how many cards of a site are held for readers.
	cardsHeld = 500
	// cardsBytes is how much memory they take at most.
	cardsBytes = 32 << 20
)

// cardNames are the cards that have rows, in the order in which they are shown.
func cardNames() []string {
	return []string{
		string(pageview.ByPage), hotCard, risingCard, string(pageview.ByEntry), string(pageview.ByReferrer), string(pageview.ByCountry),
		string(pageview.ByBrowser), string(pageview.BySystem), string(pageview.ByLanguage), string(pageview.ByDevice), string(pageview.ByCampaign), botCard,
	}
}

// cardKey names the snapshot of a card: what it shows, and of which days.
type cardKey struct {
	Card    string            `json:"card"`
	Period  string            `json:"period,omitempty"` // as report.Period has it
	Compare report.Comparison `json:"compare,omitempty"`
	Unit    string            `json:"unit,omitempty"` // of the chart
}

// cards are the snapshots of a site's dashboard.
type cards = beforehand.Family[cardKey, beforehand.Files]

// newCards makes the site's cards. Those of the days that are shown first are
// always there; others are computed when somebody looks, and kept up to date while
// somebody does.
func (v *site) newCards() {
	first := &view{View: web.View{Period: web.DefaultPeriod}, compare: report.Comparison(web.DefaultCompare), site: v}
	var err error
	if first.period, err = report.ParsePeriod(periodTexts()[web.DefaultPeriod]); err != nil {
		panic(err) // it is a period
	}
	first.Unit = string(pageview.ByDay)
	policy := beforehand.FamilyPolicy[cardKey]{Max: cardsHeld, MaxBytes: cardsBytes, Policy: beforehand.Policy{
		Trigger: v.Trigger, Timeout: 30 * time.Minute, Formats: []string{"json", "csv"}, Definition: "1",
		Rules: snapshot.Rules{Private: true, MaxAge: v.Fresh},
	}}
	for _, name := range append([]string{totalCard, chartCard}, cardNames()...) {
		if name != hotCard {
			policy.Always = append(policy.Always, first.key(name))
		}
	}
	v.cards = beforehand.NewFamily(v.server.Reports, v.cardsJob(), v.parseCard, v.countCard, policy)
	v.watch(dashboardLook, &watchedCards{v.cards, policy.Always})
}

// cardsJob is the name of the job that computes the cards.
func (v *site) cardsJob() string { return v.Name + "/dashboard" }

// leaveCards asks for the cards where somebody reads. Where nobody has read yet,
// they are computed at the start.
func (v *site) leaveCards(ctx context.Context) error {
	_, err := v.server.Reports.Scheduler().RunAfresh(ctx, v.cardsJob())
	if errors.Is(err, scheduler.ErrUnknown) {
		return nil
	}
	return err
}

// dashboardLook is the name under which somebody looks at a dashboard.
const dashboardLook = "dashboard"

// watchedCards lets cards be kept fresh as a report is, by those that are always
// there. Others that somebody looks at are computed whenever those are.
type watchedCards struct {
	*cards
	keys []cardKey
}

// Status is that of the first card, with the pageviews that each has counted: those
// that come while cards are computed, one after the other, are counted by some only.
func (w *watchedCards) Status() beforehand.Status {
	first := w.Current(w.keys[0]).Status
	for _, k := range w.keys[1:] {
		st := w.Current(k).Status
		if st.Version > 0 && st.Failures == 0 {
			first.Pageviews.Through = min(first.Pageviews.Through, st.Pageviews.Through)
		}
	}
	return first
}

// parseCard reads which card a request is for.
func (v *site) parseCard(r *http.Request) (cardKey, error) {
	name, _, _ := strings.Cut(r.PathValue("file"), ".")
	w, wrongly := parseView(r, v, time.Now())
	switch {
	case wrongly != nil:
		return cardKey{}, fmt.Errorf("%s", wrongly.Error)
	case name == hotCard || name != totalCard && name != chartCard && !slices.Contains(cardNames(), name):
		return cardKey{}, fmt.Errorf("there is no card %q", name)
	case len(w.Filters) > 0:
		return cardKey{}, fmt.Errorf("numbers by filters are given under /api/v1/sites/%s/stats", v.Name)
	}
	return w.key(name), nil
}

// question is what a card asks on a day.
func (k cardKey) question(v *site, today pageview.Day) (report.Question, error) {
	period, err := report.ParsePeriod(k.Period)
	if err != nil {
		return report.Question{}, err
	}
	q := report.Question{Zone: v.Zone, Compare: k.Compare}
	q.Site = v.Name
	q.Metrics = []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisits, pageview.MetricVisitors}
	switch k.Card {
	case totalCard:
	case chartCard:
		q.By = []pageview.Dimension{pageview.Dimension(k.Unit)}
	default:
		q.By, q.Limit = []pageview.Dimension{pageview.Dimension(k.Card)}, cardRows
		q.Metrics = []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisitors}
	}
	if k.Card == botCard {
		q.Bots, q.Metrics = pageview.BotsOnly, q.Metrics[:1]
	}
	period.Ask(&q, today)
	return q, nil
}

// countCard computes a card.
func (v *site) countCard(ctx context.Context, k cardKey) (beforehand.Files, error) {
	if k.Card == risingCard {
		return v.countRising(ctx)
	}
	q, err := k.question(v, pageview.DayOf(time.Now().In(v.Zone)))
	if err != nil {
		return nil, err
	}
	a, err := v.server.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	beforehand.Counted(ctx, snapshot.Pageviews{Through: int64(a.Now.Through)})
	a.AsOf = time.Time{} // the snapshot tells, and is the same while the numbers are
	return beforehand.Files{"json": a.JSON(), "csv": a.CSV()}, nil
}

// warm has the cards of the periods computed that are a click away from a view, one
// after another, so that whoever looks at other days meanwhile comes between.
func (v *site) warm(w *view) {
	if !v.warming.CompareAndSwap(false, true) {
		return
	}
	begun := v.server.background.do(func(ctx context.Context) {
		defer v.warming.Store(false)
		for _, period := range web.Periods() {
			next := &view{View: web.View{Compare: w.Compare}, site: v}
			if next.parsePeriod(url.Values{"period": {period}}, pageview.DayOf(time.Now().In(v.Zone))) != nil {
				continue
			}
			for _, name := range next.shown() {
				if name != hotCard && ctx.Err() == nil {
					v.cards.Await(ctx, next.key(name))
				}
			}
		}
	})
	if !begun {
		v.warming.Store(false)
	}
}

// countRising ranks the pages that rise.
func (v *site) countRising(ctx context.Context) (beforehand.Files, error) {
	l := List{Query: report.HotQuery{Site: v.Name, Method: report.HotRising, Pages: v.hot.Query.Pages, Except: v.hot.Query.Except}}
	h, err := v.rankHot(ctx, l, false)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(h)
	return beforehand.Files{"json": text}, err
}
