package web

import (
	"net/url"
	"slices"

	"github.com/beforehand-go/beforehand/internal/language"
)

// DashboardURL is where the dashboard of a site is.
func DashboardURL(site string) string { return "/d/" + url.PathEscape(site) }

// The values of a View.
const (
	DefaultPeriod  = "30d"
	DefaultCompare = "previous"
	CompareNothing = "none"
)

// Periods are those that a dashboard offers beside days that are typed.
func Periods() []string {
	return []string{"today", "yesterday", "7d", "30d", "month", "year", "12m", "all"}
}

// Comparisons are what numbers can be compared with.
func Comparisons() []string { return []string{DefaultCompare, "year", CompareNothing} }

// View is what a dashboard shows, as its URL says: the same URL shows the same to
// whoever may see it.
type View struct {
	Site     string
	Language *language.Language // nil: the URL names none
	Period   string             // one of Periods; zero where From and To are given
	From, To string             // days as 2026-01-31
	Compare  string             // one of Comparisons
	Unit     string             // of the chart: hour, day, week, month or year; zero: what suits the period
	Filters  []string           // as the API takes them: browser:Firefox, page:!/about
	Search   string             // a part of the paths of pages
	Card     string             // the only card that is shown, with more rows; zero: all are
}

// query is the view as parameters. What is not said is left out.
func (v View) query() url.Values {
	q := url.Values{}
	set := func(name, value, otherwise string) {
		if value != otherwise {
			q.Set(name, value)
		}
	}
	if v.Period == "" {
		q.Set("from", v.From)
		q.Set("to", v.To)
	} else {
		set("period", v.Period, DefaultPeriod)
	}
	set("compare", v.Compare, DefaultCompare)
	set("unit", v.Unit, "")
	set("q", v.Search, "")
	set("card", v.Card, "")
	if len(v.Filters) > 0 {
		q["filter"] = v.Filters
	}
	if v.Language != nil {
		q.Set("lang", v.Language.String())
	}
	return q
}

// URL is where the view is.
func (v View) URL() string { return v.at(DashboardURL(v.Site)) }

// File is where a card of the view is in a format.
func (v View) File(card, format string) string {
	v.Search, v.Card, v.Language = "", "", nil
	return v.at(DashboardURL(v.Site) + "/" + card + "." + format)
}

func (v View) at(path string) string {
	if q := v.query().Encode(); q != "" {
		return path + "?" + q
	}
	return path
}

func (v View) withPeriod(period string) View {
	v.Period, v.From, v.To, v.Unit = period, "", "", ""
	return v
}

func (v View) withCompare(compare string) View {
	v.Compare = compare
	return v
}

func (v View) withUnit(unit string) View {
	v.Unit = unit
	return v
}

func (v View) withCard(card string) View {
	v.Card = card
	return v
}

// withFilter has one filter more.
func (v View) withFilter(filter string) View {
	v.Card = ""
	if !slices.Contains(v.Filters, filter) {
		v.Filters = append(slices.Clone(v.Filters), filter)
	}
	return v
}

// without has one filter less; of the empty text, none at all.
func (v View) without(filter string) View {
	v.Filters = slices.DeleteFunc(slices.Clone(v.Filters), func(f string) bool { return filter == "" || f == filter })
	return v
}

// field is what a form says besides what its reader types.
type field struct{ Name, Value string }

// fields are the parameters of the view but for some.
func (v View) fields(but ...string) []field {
	var all []field
	q := v.query()
	for _, name := range []string{"period", "from", "to", "compare", "unit", "filter", "q", "card", "lang"} {
		if slices.Contains(but, name) {
			continue
		}
		for _, value := range q[name] {
			all = append(all, field{name, value})
		}
	}
	return all
}
