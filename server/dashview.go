package server

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/web"
)

// maxSearch is how long a text that is searched for can be, in bytes.
const maxSearch = 200

// view is a dashboard's view with what its parts mean.
type view struct {
	web.View
	site    *site
	period  report.Period
	compare report.Comparison // empty for none
	filters []pageview.Filter
	from    pageview.Day // the days that the period has today; zero is no bound
	to      pageview.Day
	large   bool // the days have very many pageviews
}

// parseView reads what a dashboard is asked to show. What is wrong with it names
// the parameter.
func parseView(r *http.Request, v *site, now time.Time) (*view, *statsError) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, wrong("", nil, "the query string cannot be read: %v", err)
	}
	w := &view{site: v, View: web.View{
		Site: v.Name, Unit: values.Get("unit"), Search: values.Get("q"), Card: values.Get("card"), Filters: values["filter"],
		Compare: cmp.Or(values.Get("compare"), web.DefaultCompare),
	}}
	if lang := values.Get("lang"); lang != "" {
		l := language.Of(r, v.server.Language)
		w.Language = &l
	}
	var q statsQuery
	if wrongly := q.parseFilters(values); wrongly != nil {
		return nil, wrongly
	}
	w.filters = q.Filters
	switch {
	case len(w.Search) > maxSearch:
		return nil, wrong("q", nil, "a search can have %d bytes at most", maxSearch)
	case !slices.Contains(web.Comparisons(), w.Compare):
		return nil, wrong("compare", web.Comparisons(), "compare cannot be %q", w.Compare)
	case w.Card != "" && !slices.Contains(cardNames(), w.Card):
		return nil, wrong("card", cardNames(), "there is no card %q", w.Card)
	}
	if wrongly := w.parsePeriod(values, pageview.DayOf(now.In(v.Zone))); wrongly != nil {
		return nil, wrongly
	}
	if units := w.units(); w.Unit != "" && !slices.Contains(units, w.Unit) {
		return nil, wrong("unit", units, "unit cannot be %q for these days", w.Unit)
	}
	return w, nil
}

// periodTexts are the periods that a dashboard offers, as package report has them.
func periodTexts() map[string]string {
	return map[string]string{
		"today": "today", "yesterday": "yesterday", "7d": "last 7 days", "30d": "last 30 days",
		"month": "this month", "year": "this year", "12m": "last 12 months", "all": "all",
	}
}

// parsePeriod reads the days: a period by its name, or two days of which one that
// is missing is the other.
func (w *view) parsePeriod(values url.Values, today pageview.Day) (wrongly *statsError) {
	from, to := values.Get("from"), values.Get("to")
	text := cmp.Or(from, to) + " to " + cmp.Or(to, from)
	if from == "" && to == "" {
		w.Period = cmp.Or(values.Get("period"), web.DefaultPeriod)
		text = periodTexts()[w.Period]
		if text == "" {
			return wrong("period", web.Periods(), "period cannot be %q", w.Period)
		}
	} else {
		w.From, w.To = cmp.Or(from, to), cmp.Or(to, from)
	}
	var err error
	if w.period, err = report.ParsePeriod(text); err != nil {
		return wrong("from", nil, "from and to must be days like 2026-01-31, the first before the last, not %q", text)
	}
	var q report.Question
	w.period.Ask(&q, today)
	w.from, w.to = q.From, q.To
	if w.Compare != web.CompareNothing && !w.period.All() && w.days() <= maxCompared {
		w.compare = report.Comparison(w.Compare)
	}
	return nil
}

// days is how many days the view is of; zero means that nobody said.
func (w *view) days() int {
	if w.from == 0 {
		return 0
	}
	return int(w.to-w.from) + 1
}

// units are the lengths of time that the days can be drawn by: so that there are
// not too many points, nor only one.
func (w *view) units() []string {
	days := w.days()
	var all []string
	for _, u := range []struct {
		unit        pageview.Dimension
		least, most int // days
	}{
		{pageview.ByHour, 1, 14},
		{pageview.ByDay, 2, 400},
		{pageview.ByWeek, 8, 2800},
		{pageview.ByMonth, 32, 12_000},
		{pageview.ByYear, 366, 1 << 30},
	} {
		unsaid := days == 0 && (u.unit == pageview.ByMonth || u.unit == pageview.ByYear)
		if unsaid || days >= u.least && days <= u.most {
			all = append(all, string(u.unit))
		}
	}
	return all
}

// unit is what the chart is drawn by.
func (w *view) unit() string {
	switch days := w.days(); {
	case w.Unit != "":
		return w.Unit
	case days == 0:
		return string(pageview.ByMonth)
	case days <= 2:
		return string(pageview.ByHour)
	case days <= 92:
		return string(pageview.ByDay)
	case days <= 400:
		return string(pageview.ByWeek)
	case days <= 12_000:
		return string(pageview.ByMonth)
	}
	return string(pageview.ByYear)
}

// key is the name of a card's snapshot.
func (w *view) key(card string) cardKey {
	k := cardKey{Card: card, Period: w.period.String(), Compare: w.compare}
	switch card {
	case risingCard:
		return cardKey{Card: card}
	case chartCard:
		k.Unit = w.unit()
	}
	return k
}

// adds tells whether what the view filters by leaves numbers that are added up:
// one value of one dimension.
func (w *view) adds() bool {
	if len(w.filters) != 1 || w.Search != "" {
		return false
	}
	f := w.filters[0]
	return !f.Not && len(f.Values) == 1 && !strings.Contains(f.Values[0], "*") && !f.Dimension.Time() && f.Dimension != pageview.ByBot
}

// dimension is the one that a view filters by, where what is left of it is added
// up.
func (w *view) dimension() string {
	if !w.adds() {
		return ""
	}
	return string(w.filters[0].Dimension)
}

// shown are the names of the cards of a view.
func (w *view) shown() []string {
	if w.Card != "" {
		return []string{w.Card}
	}
	names := []string{totalCard, chartCard}
	for _, name := range cardNames() {
		if len(w.filters) == 0 || name != hotCard && name != risingCard && name != botCard && name != string(pageview.ByEntry) {
			names = append(names, name)
		}
	}
	return names
}

// asked tells whether nobody could know beforehand what a card shows.
func (w *view) asked(card string) bool {
	return len(w.filters) > 0 || w.Search != "" && card == string(pageview.ByPage)
}

// question is what a card asks that nobody could know beforehand.
func (w *view) question(card string) report.Question {
	q, err := w.key(card).question(w.site, w.to)
	if err != nil {
		panic(err) // the period was read before
	}
	q.From, q.To = w.from, w.to
	q.Filters = w.filters
	if card == string(pageview.ByPage) && w.Search != "" {
		q.Filters = append(q.Filters[:len(q.Filters):len(q.Filters)], pageview.Filter{Dimension: pageview.ByPage, Values: []string{"*" + w.Search + "*"}})
		if len(w.filters) == 0 { // pageviews alone can be told from what is added up
			q.Metrics = q.Metrics[:1]
		}
	}
	switch {
	case w.adds() && q.Limit == 0 || card == w.dimension(): // what is added up tells everything
	case w.large && card == chartCard:
		q.Metrics = q.Metrics[:1]
	case w.large && q.Limit > 0:
		q.Metrics, q.Compare, q.FormerFrom, q.FormerTo = q.Metrics[:1], "", 0, 0
	case len(q.Metrics) == 3: // visits are dear to find in single pageviews
		q.Metrics = []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisitors}
	}
	return q
}
