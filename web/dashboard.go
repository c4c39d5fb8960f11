package web

import (
	"io"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/snapshot"
)

// Dashboard is everything that the dashboard of a site shows.
type Dashboard struct {
	View     View
	Language language.Language
	Now      time.Time
	Zone     *time.Location
	Nav      Navigation
	Title    string    // of the site
	Units    []string  // that the chart of the period can be drawn by
	Unit     string    // that it is drawn by
	Visiting *Visiting // nil: not counted yet
	Never    bool      // no pageview has ever come
	Young    bool      // nor long before now, so that each one is news
	Total    Card
	Chart    Card
	Cards    []Card // the others, in their order
	Waiting  snapshot.Waiting
	Since    time.Time // when counting how long readers wait began
	Titles   func(path string) string
}

// Visiting is who is on a site.
type Visiting struct {
	Visitors int64 // of the last minutes
	AsOf     time.Time
}

// Card is one answer on a dashboard.
type Card struct {
	Name     string // its dimension, or "total", "chart", "hot" or "rising"
	State    Report
	Answer   *report.Answer // nil: not counted yet
	Hot      *report.Hot    // of a list
	Filtered bool           // counted when somebody asked for it
	Failed   bool           // counting failed, or took too long
	Files    []Link         // the same numbers
}

// Pending tells whether the card's numbers are still to come.
func (c Card) Pending() bool { return c.Answer == nil && c.Hot == nil && !c.Failed }

// rowsShown is how many rows a card among others has, and rowsBrief how many one of
// few values; dashboard.css keeps the room for them.
const (
	rowsShown = 10
	rowsBrief = 5
)

// WriteDashboard writes the dashboard.
func WriteDashboard(w io.Writer, d Dashboard) error {
	return execute(w, "dashboard.html", &dashView{Dashboard: d, pen: newPen(d.Language, d.Now, d.Zone)})
}

// dashView is what the template sees.
type dashView struct {
	Dashboard
	pen
}

// Top is the head of the page.
func (v *dashView) Top() top { return top{v.pen, v.Nav} }

// One is whether a single card is shown.
func (v *dashView) One() bool { return v.View.Card != "" }

// Every is after how many seconds the page is looked at again.
func (v *dashView) Every() int {
	pending := v.Total.Pending() || v.Chart.Pending() || v.Visiting == nil
	for _, c := range v.Cards {
		pending = pending || c.Pending()
	}
	switch {
	case pending:
		return 1
	case v.Never || v.Young:
		return 3
	}
	return 15
}

// SetupURL is the page that tells how the site is counted; empty where it is not
// for the reader.
func (v *dashView) SetupURL() string {
	if slices.Contains(v.Nav.Hide, PartSetup) {
		return ""
	}
	return SetupURL(v.View.Site, v.Lang)
}

// pick is a choice by link.
type pick struct {
	Name, URL string
	Here      bool
}

// PeriodPicks are the periods to choose from.
func (v *dashView) PeriodPicks() []pick {
	names := map[string]string{
		"today": v.words["period_today"], "yesterday": v.words["period_yesterday"], "7d": v.words["period_seven"], "30d": v.words["period_thirty"],
		"month": v.words["period_month"], "year": v.words["period_year"], "12m": v.words["period_twelve"], "all": v.words["period_all"],
	}
	var all []pick
	for _, p := range Periods() {
		all = append(all, pick{names[p], v.View.withPeriod(p).URL(), p == v.View.Period})
	}
	return all
}

// ComparePicks are what numbers can be compared with: nothing where there is no
// choice.
func (v *dashView) ComparePicks() []pick {
	if v.View.Period == "all" {
		return nil
	}
	names := map[string]string{DefaultCompare: v.words["compare_previous"], "year": v.words["compare_year"], CompareNothing: v.words["compare_nothing"]}
	var all []pick
	for _, c := range Comparisons() {
		all = append(all, pick{names[c], v.View.withCompare(c).URL(), c == v.View.Compare})
	}
	return all
}

// UnitPicks are what the chart can be drawn by.
func (v *dashView) UnitPicks() []pick {
	names := map[string]string{
		"hour": v.words["unit_hour"], "day": v.words["unit_day"], "week": v.words["unit_week"], "month": v.words["unit_month"], "year": v.words["unit_year"],
	}
	var all []pick
	for _, u := range v.Units {
		all = append(all, pick{names[u], v.View.withUnit(u).URL(), u == v.Unit})
	}
	return all
}

// chip is a filter that can be taken away.
type chip struct {
	Dimension, Value, URL string
	Not                   bool
}

// Chips are the filters.
func (v *dashView) Chips() []chip {
	var all []chip
	for _, f := range v.View.Filters {
		d, value, not := splitFilter(f)
		all = append(all, chip{v.dimension(string(d)), v.key(d, value), v.View.without(f).URL(), not})
	}
	return all
}

// AllURL is the view without filters, PlainURL that without a search, and
// WholeURL that with every card.
func (v *dashView) AllURL() string { return v.View.without("").URL() }

func (v *dashView) PlainURL() string {
	view := v.View
	view.Search = ""
	return view.URL()
}

func (v *dashView) WholeURL() string { return v.View.withCard("").URL() }

// Path is where forms lead, and the fields are what they say besides.
func (v *dashView) Path() string          { return DashboardURL(v.View.Site) }
func (v *dashView) DayFields() []field    { return v.View.fields("period", "from", "to", "unit") }
func (v *dashView) SearchFields() []field { return v.View.fields("q") }

// FromDay and ToDay are the first and the last day that are shown.
func (v *dashView) FromDay() string {
	return v.dayField(v.View.From, func(a *report.Answer) pageview.Day { return a.From })
}

func (v *dashView) ToDay() string {
	return v.dayField(v.View.To, func(a *report.Answer) pageview.Day { return a.To })
}

func (v *dashView) dayField(typed string, of func(*report.Answer) pageview.Day) string {
	if typed == "" && v.Total.Answer != nil && of(v.Total.Answer) != 0 {
		return of(v.Total.Answer).String()
	}
	return typed
}

// Today is the last day that can be chosen.
func (v *dashView) Today() string { return v.Now.In(v.clock.zone).Format(time.DateOnly) }
