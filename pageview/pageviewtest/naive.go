package pageviewtest

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/pageview"
)

// seen is a pageview with its place in the visits, found by looking.
type seen struct {
	*pageview.Pageview
	visit *pageview.Pageview // the first of its visit; nil for one without a visitor
}

// naive answers in the plainest way, sharing no code with a store.
func (w *world) naive(kept []pageview.Pageview, stays []pageview.Stay, q pageview.Query) pageview.Answer {
	var left []seen
	for _, v := range w.visits(w.counted(kept, q)) {
		if w.passes(q.Filters, v) {
			left = append(left, v)
		}
	}
	rows := map[string][]seen{}
	for _, v := range left {
		var keys []string
		for _, d := range q.By {
			keys = append(keys, w.keyOf(d, v.Pageview, v.visit))
		}
		rows[strings.Join(keys, "\x00")] = append(rows[strings.Join(keys, "\x00")], v)
	}
	a := pageview.Answer{Total: values(left, q.Metrics), Uncounted: uncounted(naiveSources(kept, w.precedence), q)}
	stays = w.staysOf(kept, stays, q)
	timing(&a.Total, stays)
	if len(q.By) == 0 {
		return a
	}
	for key, views := range rows {
		r := pageview.Row{Keys: strings.Split(key, "\x00"), Values: values(views, q.Metrics)}
		timing(&r.Values, slices.DeleteFunc(slices.Clone(stays), func(s pageview.Stay) bool {
			var keys []string
			for _, d := range q.By {
				keys = append(keys, w.stayKey(d, s))
			}
			return !slices.Equal(keys, r.Keys)
		}))
		a.Rows = append(a.Rows, r)
	}
	sort.Slice(a.Rows, func(i, j int) bool { return before(q, a.Rows[i], a.Rows[j]) })
	if q.Limit > 0 && len(a.Rows) > q.Limit {
		for _, r := range a.Rows[q.Limit:] {
			a.Other.Pageviews += r.Pageviews
			a.Other.Visits += r.Visits
			a.Other.Visitors += r.Visitors
			a.Other.Timed += r.Timed
			a.Other.Seconds += r.Seconds
			a.Beyond++
		}
		a.Rows = a.Rows[:q.Limit]
	}
	return a
}

// before tells whether row x comes before row y.
func before(q pageview.Query, x, y pageview.Row) bool {
	times := map[pageview.Dimension]bool{"hour": true, "day": true, "week": true, "month": true, "year": true}
	for i, d := range q.By {
		if times[d] && x.Keys[i] != y.Keys[i] {
			if d == "hour" { // a local time comes twice when clocks are set back
				a, _ := time.Parse(time.RFC3339, x.Keys[i])
				b, _ := time.Parse(time.RFC3339, y.Keys[i])
				return a.Before(b)
			}
			return x.Keys[i] < y.Keys[i]
		}
	}
	a, b := x.Pageviews, y.Pageviews
	if len(q.Metrics) > 0 && q.Metrics[0] == "visits" {
		a, b = x.Visits, y.Visits
	}
	if len(q.Metrics) > 0 && q.Metrics[0] == "visitors" {
		a, b = x.Visitors, y.Visitors
	}
	if len(q.Metrics) > 0 && q.Metrics[0] == "timed" {
		a, b = x.Timed, y.Timed
	}
	if len(q.Metrics) > 0 && q.Metrics[0] == "time_on_page" {
		mean := func(v pageview.Values) int64 {
			return int64(math.Floor(float64(v.Seconds)/float64(max(v.Timed, 1)) + 0.5))
		}
		a, b = mean(x.Values), mean(y.Values)
	}
	if a != b {
		return a > b
	}
	return strings.Join(x.Keys, "\x00") < strings.Join(y.Keys, "\x00")
}

// counted are the pageviews that the query's days and bots take in.
func (w *world) counted(kept []pageview.Pageview, q pageview.Query) []*pageview.Pageview {
	var counted []*pageview.Pageview
	kept = tooFast(counting(kept, w.precedence), w.rate)
	for i := range kept {
		v := &kept[i]
		day := w.keyOf("day", v, nil)
		switch {
		case q.From != 0 && day < q.From.String(), q.To != 0 && day > q.To.String():
		case v.Bot != "" && (q.Bots == "" || q.Bots == "exclude"), v.Bot == "" && q.Bots == "only":
		default:
			counted = append(counted, v)
		}
	}
	return counted
}

// tooFast gives the pageviews of visitors who are no persons their verdict.
func tooFast(views []pageview.Pageview, rate pageview.Rate) []pageview.Pageview {
	if rate.Pageviews == 0 {
		return views
	}
	judged := slices.Clone(views)
	for _, first := range views {
		var of []int // the pageviews of the same visitor
		n := 0
		for j, v := range views {
			if v.Bot != "" || v.Visitor == 0 || v.Visitor != first.Visitor || v.Day != first.Day || v.Source != first.Source {
				continue
			}
			of = append(of, j)
			if d := v.At.Sub(first.At); d >= 0 && d < rate.Within {
				n++
			}
		}
		if first.Bot == "" && n > rate.Pageviews {
			for _, j := range of {
				judged[j].Bot = "rate"
			}
		}
	}
	return judged
}

// visits finds the first pageview of each one's visit.
func (w *world) visits(counted []*pageview.Pageview) []seen {
	byPerson := map[string][]*pageview.Pageview{}
	var all []seen
	for _, v := range counted {
		if v.Visitor == 0 {
			all = append(all, seen{v, nil})
			continue
		}
		person := fmt.Sprint(w.keyOf("day", v, nil), v.Visitor)
		byPerson[person] = append(byPerson[person], v)
	}
	for _, views := range byPerson {
		sort.Slice(views, func(i, j int) bool {
			if views[i].At.Equal(views[j].At) {
				return views[i].Path < views[j].Path
			}
			return views[i].At.Before(views[j].At)
		})
		first := views[0]
		for i, v := range views {
			if i > 0 && v.At.Sub(views[i-1].At) >= 30*time.Minute {
				first = v
			}
			all = append(all, seen{v, first})
		}
	}
	return all
}

func (w *world) passes(filters []pageview.Filter, v seen) bool {
	for _, f := range filters {
		one := false
		for _, value := range f.Values {
			one = one || matches(value, w.keyOf(f.Dimension, v.Pageview, v.visit))
		}
		if one == f.Not {
			return false
		}
	}
	return true
}

// matches tells whether text is the value, in which a * stands for any text.
func matches(value, text string) bool {
	begin, rest, found := strings.Cut(value, "*")
	if !found {
		return text == value
	}
	if !strings.HasPrefix(text, begin) {
		return false
	}
	for i := len(begin); i <= len(text); i++ {
		if matches(rest, text[i:]) {
			return true
		}
	}
	return false
}

// values counts in the plainest way.
func values(views []seen, metrics []pageview.Metric) pageview.Values {
	visits := map[*pageview.Pageview]bool{}
	visitors := map[string]bool{}
	for _, v := range views {
		if v.visit != nil {
			visits[v.visit] = true
			visitors[fmt.Sprint(v.Day, v.Visitor)] = true
		}
	}
	n := pageview.Values{Pageviews: int64(len(views))}
	if slices.Contains(metrics, "visits") {
		n.Visits = int64(len(visits))
	}
	if slices.Contains(metrics, "visitors") {
		n.Visitors = int64(len(visitors))
	}
	return n
}

// staysOf are the stays that the query takes in: none where no metric is of
// stays, and none of days on which the script does not count.
func (w *world) staysOf(kept []pageview.Pageview, stays []pageview.Stay, q pageview.Query) (left []pageview.Stay) {
	if !slices.Contains(q.Metrics, "time_on_page") && !slices.Contains(q.Metrics, "timed") || q.Bots == "only" {
		return nil
	}
	days := naiveSources(kept, w.precedence)
	for _, s := range stays {
		passes := !slices.ContainsFunc(days, func(d pageview.SourceDay) bool {
			return d.Day == s.Day && d.Source == pageview.SourceScript && !d.Counts
		})
		if q.From != 0 && s.Day < q.From || q.To != 0 && s.Day > q.To {
			passes = false
		}
		for _, f := range q.Filters {
			one := slices.ContainsFunc(f.Values, func(value string) bool { return matches(value, w.stayKey(f.Dimension, s)) })
			passes = passes && one != f.Not
		}
		if passes {
			left = append(left, s)
		}
	}
	return left
}

// stayKey is the value of a stay in a dimension.
func (w *world) stayKey(d pageview.Dimension, s pageview.Stay) string {
	return w.keyOf(d, &pageview.Pageview{At: s.At, Path: s.Path}, nil)
}

// timing adds up stays, each to the second.
func timing(v *pageview.Values, stays []pageview.Stay) {
	for _, s := range stays {
		v.Timed++
		v.Seconds += int64(math.Round(s.For.Seconds()))
	}
}

// keyOf is the value of a pageview in a dimension. First is the first of its
// visit.
func (w *world) keyOf(d pageview.Dimension, v, first *pageview.Pageview) string {
	local := v.At.In(w.zone)
	switch d {
	case "hour":
		return hourOf(local)
	case "day":
		return local.Format("2006-01-02")
	case "week":
		for local.Weekday() != time.Monday {
			local = time.Date(local.Year(), local.Month(), local.Day()-1, 12, 0, 0, 0, w.zone)
		}
		return local.Format("2006-01-02")
	case "month":
		return local.Format("2006-01")
	case "year":
		return local.Format("2006")
	case "page":
		return v.Path
	case "entry":
		if first == nil {
			return ""
		}
		return first.Path
	case "source":
		return v.Source.String()
	}
	return map[pageview.Dimension]string{
		"referrer": v.Referrer, "referrer_page": v.ReferrerPage, "campaign": v.Campaign.Name,
		"campaign_source": v.Campaign.Source, "campaign_medium": v.Campaign.Medium,
		"browser": v.Browser, "system": v.System, "device": v.Device,
		"country": v.Country, "language": v.Language, "bot": v.Bot,
	}[d]
}

// hourOf goes back minute by minute to where the local hour began.
func hourOf(local time.Time) string {
	at := local.Truncate(time.Minute)
	for at.Minute() != 0 {
		earlier := at.Add(-time.Minute)
		_, now := at.Zone()
		if _, then := earlier.Zone(); then != now {
			break
		}
		at = earlier
	}
	return at.Format(time.RFC3339)
}
