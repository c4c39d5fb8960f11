package notice

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/web"
)

// Weekly is the mail about a site's week.
type Weekly struct {
	Desk  *Desk
	To    To
	Site  string
	Title string // for people; empty means the site's name
	Zone  *time.Location
	Store pageview.Store
	Hot   report.HotQuery // of the site's hot list
}

// In a weekly mail are so many lines of each kind.
const (
	weeklyPages     = 10
	weeklyHot       = 5
	weeklyReferrers = 5
)

// Messages writes the mail about the seven days before the day of an instant.
// The same tick makes the same messages.
func (w *Weekly) Messages(ctx context.Context, tick string, at time.Time) ([]outbox.Message, error) {
	last := pageview.DayOf(at.In(w.Zone)) - 1
	week := web.Week{Language: w.To.Language, Title: cmp.Or(w.Title, w.Site), From: (last - 6).Date(w.Zone), To: last.Date(w.Zone), Link: w.Desk.link(web.DashboardURL(w.Site))}
	if err := w.count(ctx, &week, last); err != nil {
		return nil, fmt.Errorf("count the week of site %s: %w", w.Site, err)
	}
	l, err := week.Letter()
	if err != nil {
		return nil, err
	}
	return w.Desk.messages(w.To, about{"weekly", tick, w.Site, at, true}, l, fact{
		"title": week.Title, "url": week.Link, "from": (last - 6).String(), "to": last.String(),
		"totals": fact{"pageviews": told(week.Totals[0]), "visits": told(week.Totals[1]), "visitors": told(week.Totals[2])},
		"pages":  toldAll(week.Pages), "hot": toldAll(week.Hot), "referrers": toldAll(week.Referrer),
	})
}

func told(f web.Figure) fact { return fact{"now": f.Now, "before": f.Before} }

func toldAll(list []web.Figure) []fact {
	all := []fact{}
	for _, f := range list {
		one := told(f)
		one["name"] = f.Name
		all = append(all, one)
	}
	return all
}

func (w *Weekly) count(ctx context.Context, week *web.Week, last pageview.Day) error {
	total, err := w.ask(ctx, last, 0)
	if err != nil {
		return err
	}
	now, before := total.Now.Total, total.Former.Total
	week.Totals = [3]web.Figure{
		{Now: now.Pageviews, Before: before.Pageviews}, {Now: now.Visits, Before: before.Visits}, {Now: now.Visitors, Before: before.Visitors},
	}
	pages, err := w.ask(ctx, last, weeklyPages, pageview.ByPage)
	if err != nil {
		return err
	}
	// One more, since those of whom nobody knows where they came from are left out.
	referrers, err := w.ask(ctx, last, weeklyReferrers+1, pageview.ByReferrer)
	if err != nil {
		return err
	}
	week.Pages, week.Referrer = figures(pages, weeklyPages), figures(referrers, weeklyReferrers)
	q := w.Hot
	q.Site, q.Limit = w.Site, weeklyHot
	hot, _, err := report.RankHot(ctx, w.Store, q)
	for _, i := range hot.Items {
		week.Hot = append(week.Hot, web.Figure{Name: i.Title, Now: i.Pageviews})
	}
	return err
}

func (w *Weekly) ask(ctx context.Context, last pageview.Day, limit int, by ...pageview.Dimension) (*report.Answer, error) {
	return report.Ask(ctx, w.Store, report.Question{
		Query: pageview.Query{
			Site: w.Site, From: last - 6, To: last, By: by, Limit: limit,
			Metrics: []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisits, pageview.MetricVisitors},
		},
		Compare: report.ComparePrevious, Zone: w.Zone,
	})
}

// figures are the rows of an answer that have a name, with what they were.
func figures(a *report.Answer, most int) (list []web.Figure) {
	before := map[string]int64{}
	for _, r := range a.Former.Rows {
		before[r.Keys[0]] = r.Pageviews
	}
	for _, r := range a.Now.Rows {
		if name := r.Keys[0]; name != "" && len(list) < most {
			list = append(list, web.Figure{Name: name, Now: r.Pageviews, Before: before[name]})
		}
	}
	return list
}
