package web

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/internal/number"
)

// Letter is a mail in one language, as text and as HTML.
type Letter struct{ Subject, Text, HTML string }

// Week is what the weekly mail about a site says.
type Week struct {
	Language language.Language
	Title    string    // of the site, for people
	From, To time.Time // first and last day, in the site's zone
	Totals   [3]Figure // pageviews, visits and visitors; without names
	Pages    []Figure
	Hot      []Figure
	Referrer []Figure
	Link     string // the site's dashboard; empty means that nobody knows where it is
}

// Figure is a number beside what it was a week before.
type Figure struct {
	Name        string
	Now, Before int64
}

// Change is how much a number has changed, in percent: +12 %, −5 %.
func (f Figure) Change() string { return number.Change(f.Now, f.Before) }

// table is a part of the weekly mail.
type table struct {
	Name string
	Rows []Figure
}

// tables are the parts that have anything.
func (w *Week) tables() (list []table) {
	totals := w.Totals
	for i, name := range []string{"total_pageviews", "total_visits", "total_visitors"} {
		totals[i].Name = Word(w.Language, name)
	}
	list = append(list, table{Rows: totals[:]})
	for _, t := range []table{
		{Word(w.Language, "mail_pages"), w.Pages}, {Word(w.Language, "hot_heading"), w.Hot}, {Word(w.Language, "mail_referrers"), w.Referrer},
	} {
		if len(t.Rows) > 0 {
			list = append(list, t)
		}
	}
	return list
}

// Letter writes the mail.
func (w *Week) Letter() (Letter, error) {
	c := catalogues[w.Language]
	l := Letter{Subject: fmt.Sprintf(c["mail_week_subject"], w.Title, number.Grouped(w.Totals[0].Now), withChange(w.Totals[0].Change()))}
	days := fmt.Sprintf(c["mail_week_days"], w.From.Format(c["date"]), w.To.Format(c["date"]))
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", w.Title, days)
	for _, t := range w.tables() {
		b.WriteByte('\n')
		if t.Name != "" {
			fmt.Fprintf(&b, "%s\n", t.Name)
		}
		for _, f := range t.Rows {
			fmt.Fprintf(&b, "%12s %7s  %s\n", number.Grouped(f.Now), f.Change(), f.Name)
		}
	}
	l.Text = end(&b, c, w.Link)
	var err error
	l.HTML, err = letterHTML("weekly.html", w.Language, struct {
		*letterView
		Title, Days string
		Tables      []table
	}{newLetterView(w.Language, w.Link), w.Title, days, w.tables()})
	return l, err
}

// withChange puts a change into brackets.
func withChange(change string) string {
	if change == "" {
		return ""
	}
	return " (" + change + ")"
}

// Alarm names what an alert is about.
type Alarm string

// The alarms, with what their Values are.
const (
	AlarmFailed      Alarm = "alarm_failed"      // site, job, how many times in a row
	AlarmStale       Alarm = "alarm_stale"       // site, job, since when
	AlarmSpike       Alarm = "alarm_spike"       // site, pageviews, hour, usual pageviews
	AlarmDrop        Alarm = "alarm_drop"        // the same
	AlarmDisk        Alarm = "alarm_disk"        // directory, free, of how much
	AlarmUndelivered Alarm = "alarm_undelivered" // subject of the message, recipient
	AlarmCertificate Alarm = "alarm_certificate" // host or file, when it expires
)

// Alert is what the mail about something that went wrong says.
type Alert struct {
	Language language.Language
	Alarm    Alarm
	Values   []any
	Detail   string // such as what a run said; may be empty
	Link     string // where to look; may be empty
}

// Letter writes the mail.
func (a *Alert) Letter() (Letter, error) {
	c := catalogues[a.Language]
	l := Letter{Subject: fmt.Sprintf(c[string(a.Alarm)], a.Values...)}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", l.Subject)
	if a.Detail != "" {
		fmt.Fprintf(&b, "\n%s\n", a.Detail)
	}
	l.Text = end(&b, c, a.Link)
	var err error
	l.HTML, err = letterHTML("alert.html", a.Language, struct {
		*letterView
		Subject, Detail string
	}{newLetterView(a.Language, a.Link), l.Subject, a.Detail})
	return l, err
}

// end writes where to look and why the mail came.
func end(b *strings.Builder, c words, link string) string {
	if link != "" {
		fmt.Fprintf(b, "\n%s\n", link)
	}
	fmt.Fprintf(b, "\n-- \n%s\n", c["mail_why"])
	return b.String()
}

// letterView is what the template of a mail sees.
type letterView struct {
	pen
	Link string
}

func newLetterView(l language.Language, link string) *letterView {
	return &letterView{newPen(l, time.Time{}, nil), link}
}

func letterHTML(name string, l language.Language, v any) (string, error) {
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, name, v); err != nil {
		return "", fmt.Errorf("write mail %s in %s: %w", name, l, err)
	}
	return b.String(), nil
}

// Style is how a mail looks: most programs that show mails know styles of single
// elements alone.
func (v *letterView) Style(of string) template.CSS {
	return map[string]template.CSS{
		"body":   "margin:0;padding:24px 16px;font:15px/1.5 system-ui,sans-serif;max-width:36em",
		"table":  "border-collapse:collapse;width:100%",
		"number": "text-align:right;padding:2px 8px 2px 0;white-space:nowrap;font-variant-numeric:tabular-nums",
		"name":   "text-align:left;padding:2px 0 2px 8px;font-weight:normal;word-break:break-word;width:100%",
		"why":    "margin-top:32px;font-size:13px;opacity:.75",
		"detail": "white-space:pre-wrap;word-break:break-word",
	}[of]
}
