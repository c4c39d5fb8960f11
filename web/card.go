package web

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// cardView is what the templates of a card see.
type cardView struct {
	*dashView
	Card Card
}

func (v *dashView) For(c Card) cardView { return cardView{v, c} }

// Report and IsLive let a card tell how old it is as other pages do.
func (c cardView) Report() Report { return c.Card.State }
func (c cardView) IsLive() bool   { return false }

// Heading is the card's name.
func (c cardView) Heading() string { return c.dimension(c.Card.Name) }

// dimension is what something can be told apart by, in words.
func (v pen) dimension(name string) string {
	word := map[string]string{
		"page": "dim_page", "entry": "dim_entry", "referrer": "dim_referrer", "referrer_page": "dim_referrer_page",
		"campaign": "dim_campaign", "campaign_source": "dim_campaign_source", "campaign_medium": "dim_campaign_medium",
		"browser": "dim_browser", "system": "dim_system", "device": "dim_device", "country": "dim_country", "language": "dim_language",
		"bot": "dim_bot", "source": "dim_source", "hot": "hot_heading", "rising": "dim_rising",
		"hour": "unit_hour", "day": "unit_day", "week": "unit_week", "month": "unit_month", "year": "unit_year",
	}[name]
	return cmp.Or(v.words[word], name)
}

// key is a value of a dimension for people.
func (v pen) key(d pageview.Dimension, value string) string {
	if value == "" {
		switch d {
		case pageview.ByReferrer, pageview.ByReferrerPage:
			return v.words["key_direct"]
		case pageview.ByCampaign, pageview.ByCampaignSource, pageview.ByCampaignMedium:
			return v.words["key_none"]
		}
		return v.words["key_unknown"]
	}
	tag := language.English
	if v.words["lang"] != english["lang"] {
		tag = language.SimplifiedChinese
	}
	switch d {
	case pageview.ByCountry:
		if region, err := language.ParseRegion(value); err == nil {
			return cmp.Or(display.Regions(tag).Name(region), value)
		}
	case pageview.ByLanguage:
		if of, err := language.Parse(value); err == nil {
			return cmp.Or(display.Tags(tag).Name(of), value)
		}
	case pageview.ByDevice:
		return cmp.Or(v.words[map[string]string{"desktop": "device_desktop", "mobile": "device_mobile", "tablet": "device_tablet"}[value]], value)
	case pageview.ByBot:
		return cmp.Or(v.words[map[string]string{
			"no_agent": "bot_no_agent", "feed_reader": "bot_feed_reader", "headless": "bot_headless", "known_bot": "bot_known",
			"data_centre": "bot_data_centre", "referrer_spam": "bot_referrer_spam", "not_a_browser": "bot_not_a_browser",
		}[value]], value)
	}
	return value
}

// splitFilter reads a filter as the API takes it.
func splitFilter(filter string) (d pageview.Dimension, value string, not bool) {
	name, value, _ := strings.Cut(filter, ":")
	value, not = strings.CutPrefix(value, "!")
	return pageview.Dimension(name), value, not
}

// line is one row of a card.
type line struct {
	Name, Note, URL string // Note is a second name, URL filters by it
	Values          pageview.Values
	Share           string // of the longest bar, of 100
	Change          *change
}

// Title is all of a row's names.
func (l line) Title() string {
	if l.Note != "" {
		return l.Name + " (" + l.Note + ")"
	}
	return l.Name
}

// change is by how much a number has changed.
type change struct{ Text, Class string }

// changed compares a number with what it was; nil where there is nothing to
// compare with.
func (v *dashView) changed(a *report.Answer, now, was int64) *change {
	switch {
	case a.Compare == "":
		return nil
	case was == 0 && now == 0:
		return &change{"–", "same"}
	case was == 0:
		return &change{v.words["hot_new"], "new"}
	}
	class := "same"
	switch {
	case now > was:
		class = "up"
	case now < was:
		class = "down"
	}
	return &change{number.Change(now, was), class}
}

// Brief tells whether the card is of few values, and shows fewer rows.
func (c cardView) Brief() bool {
	switch c.Card.Name {
	case "browser", "system", "language", "device", "campaign", "bot":
		return !c.One()
	}
	return false
}

// shown is how many of the card's rows are shown.
func (c cardView) shown(rows int) int {
	switch {
	case c.One():
		return rows
	case c.Brief():
		return min(rows, rowsBrief)
	}
	return min(rows, rowsShown)
}

// Rows are the rows to show.
func (c cardView) Rows() []line {
	if c.Card.Hot != nil {
		return c.items()
	}
	return c.lines()
}

func (c cardView) lines() []line {
	a := c.Card.Answer
	former, d := a.FormerRow(), a.By[0]
	var all []line
	for _, r := range a.Now.Rows[:c.shown(len(a.Now.Rows))] {
		value := r.Keys[0]
		l := line{
			Name: c.key(d, value), Values: r.Values, Share: share(float64(r.Pageviews), float64(a.Now.Rows[0].Pageviews)),
			Change: c.changed(a, r.Pageviews, former(r.Keys).Pageviews),
		}
		if d != pageview.ByBot && !strings.HasPrefix(value, "!") {
			l.URL = c.View.withFilter(string(d) + ":" + value).URL()
		}
		if d == pageview.ByPage && c.Titles != nil && c.Titles(value) != "" {
			l.Name, l.Note = c.Titles(value), value
		}
		all = append(all, l)
	}
	return all
}

// items are the rows of a list, as other pages show them.
func (c cardView) items() []line {
	items := c.Card.Hot.Items
	items = items[:c.shown(len(items))]
	most := 0.0
	for _, i := range items {
		most = max(most, i.Score)
	}
	var all []line
	for _, i := range items {
		l := line{
			Name: cmp.Or(i.Title, i.Path), URL: c.View.withFilter("page:" + i.Path).URL(), Share: share(i.Score, most),
			Values: pageview.Values{Pageviews: i.Pageviews, Visitors: i.Visitors},
		}
		if l.Name != i.Path {
			l.Note = i.Path
		}
		switch {
		case i.Change == nil:
			l.Change = &change{c.words["hot_new"], "new"}
		case *i.Change > 0:
			l.Change = &change{fmt.Sprintf("▲ %d", *i.Change), "up"}
		case *i.Change < 0:
			l.Change = &change{fmt.Sprintf("▼ %d", -*i.Change), "down"}
		}
		all = append(all, l)
	}
	return all
}

// NothingText is what a card without rows says.
func (c cardView) NothingText() string {
	switch {
	case c.Card.Hot != nil:
		return c.words["hot_empty"]
	case c.Card.Filtered:
		return c.words["card_no_match"]
	}
	return c.words["card_empty"]
}

// More tells how many further rows there are, and MoreURL where.
func (c cardView) More() int {
	if c.Card.Hot != nil {
		return 0
	}
	rows := len(c.Card.Answer.Now.Rows)
	return rows - c.shown(rows) + c.Card.Answer.Now.Beyond
}

func (c cardView) MoreURL() string {
	if rows := len(c.Card.Answer.Now.Rows); c.shown(rows) == rows {
		return ""
	}
	return c.View.withCard(c.Card.Name).URL()
}

// Visitors tells whether the card counts visitors.
func (c cardView) Visitors() bool {
	return c.Card.Hot != nil || slices.Contains(c.Card.Answer.Metrics, pageview.MetricVisitors)
}

// DeltaName is what the last column tells: how many ranks something rose, or by
// how much it changed; nothing where that is not known.
func (c cardView) DeltaName() string {
	switch {
	case c.Card.Hot != nil:
		return c.words["col_rank"]
	case c.Compared():
		return c.words["col_change"]
	}
	return ""
}

// FileLabel is what a link to the card's numbers says to who does not see where
// it stands.
func (c cardView) FileLabel(format string) string {
	name := c.Heading()
	switch c.Card.Name {
	case "total":
		name = c.words["total_heading"]
	case "chart":
		name = c.words["dash_chart"]
	}
	return name + ": " + format
}

// Searched tells whether the card is what was searched for.
func (c cardView) Searched() bool { return c.Card.Name == "page" }

// figure is one of the totals.
type figure struct {
	Name   string
	Value  int64
	Was    int64
	Change *change
}

// Figures are the totals that were counted.
func (c cardView) Figures() []figure {
	a := c.Card.Answer
	names := map[pageview.Metric]string{
		pageview.MetricPageviews: c.words["total_pageviews"], pageview.MetricVisits: c.words["total_visits"], pageview.MetricVisitors: c.words["total_visitors"],
	}
	var all []figure
	for _, m := range a.Metrics {
		now, was := a.Now.Total.Of(m), a.Former.Total.Of(m)
		all = append(all, figure{names[m], now, was, c.changed(a, now, was)})
	}
	return all
}

// Compared tells whether the card's numbers are compared.
func (c cardView) Compared() bool { return c.Card.Answer.Compare != "" }

// Days is the days of an answer in words, FormerDays those that it is compared
// with.
func (c cardView) Days() template.HTML { return c.span(c.Card.Answer.From, c.Card.Answer.To) }

func (c cardView) FormerDays() template.HTML {
	return c.span(c.Card.Answer.FormerFrom, c.Card.Answer.FormerTo)
}

func (c cardView) span(from, to pageview.Day) template.HTML {
	day := func(d pageview.Day) template.HTML {
		at := d.Date(time.UTC)
		return element(at.Format(time.DateOnly), at.Format(c.words["date"]))
	}
	switch {
	case from == 0 || to == 0:
		return template.HTML(template.HTMLEscapeString(c.words["period_all"]))
	case from == to:
		return day(from)
	}
	return day(from) + " – " + day(to)
}

// Notes are what is to be known of the numbers: what is not in them, and what
// may be too high.
func (c cardView) Notes() []string {
	a := c.Card.Answer
	var all []string
	for _, u := range a.Now.Uncounted {
		all = append(all, fmt.Sprintf(c.words["note_uncounted"], u.Source, number.Grouped(int64(u.Days)), u.First, u.Last))
	}
	if first, last, days := a.Over(); days > 0 {
		all = append(all, fmt.Sprintf(c.words["note_over"], number.Grouped(int64(days)), first, last))
	}
	return all
}

// Saved is how long readers would have waited beyond what they did.
func (v *dashView) Saved() time.Duration { return max(v.Waiting.WouldHave()-v.Waiting.Waited(), 0) }

// lineView is a row with its card.
type lineView struct {
	cardView
	Of line
}

func (c cardView) Line(l line) lineView { return lineView{c, l} }
