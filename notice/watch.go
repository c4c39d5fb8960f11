package notice

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/web"
)

// Site is what is watched of a site.
type Site struct {
	Name    string
	Title   string // for people; empty means its name
	Zone    *time.Location
	To      To
	Rules   Rules
	Traffic bool // tell of hours that stand out
}

// Rules says when jobs are told of.
type Rules struct {
	Failures int           // so many ticks in a row without success; zero means never
	Stale    time.Duration // so long without success, while some were due; zero means never
}

// Disk is a file system that may become full.
type Disk struct {
	Path  string
	Least float64 // share of it that must be free, of one; zero means that it is not watched
	Free  func() (free, total uint64, err error)
}

// expiresSoon is how long before its end a certificate is told of. Those of an
// authority are renewed long before.
const expiresSoon = 7 * 24 * time.Hour

// Watch looks for what goes wrong.
type Watch struct {
	Desk    *Desk
	Store   pageview.Store
	Jobs    *scheduler.Scheduler
	Outbox  outbox.Store
	Sites   []Site
	Server  Site // whom to tell of what belongs to no site, and of jobs of none
	Disk    Disk
	Expires func() map[string]time.Time // when certificates expire; nil means that there are none
}

// found is a trouble.
type found struct {
	kind, tick string
	alert      web.Alert
	facts      fact
}

// Look finds what goes wrong at an instant. A trouble that goes on makes the
// same messages each time. What cannot be looked at is in nobody's way.
func (w *Watch) Look(ctx context.Context, at time.Time) ([]outbox.Message, error) {
	var list []outbox.Message
	var errs []string
	for _, look := range []func(context.Context, time.Time, func(*Site, found) error) error{
		w.jobs, w.traffic, w.disk, w.certificates, w.undelivered,
	} {
		err := look(ctx, at, func(s *Site, f found) error {
			messages, err := w.tell(s, f, at)
			list = append(list, messages...)
			return err
		})
		if err != nil {
			errs = append(errs, err.Error())
		}
	}
	if len(errs) > 0 {
		return list, fmt.Errorf("look for what goes wrong: %s", strings.Join(errs, "; "))
	}
	return list, nil
}

// tell writes the messages about a trouble.
func (w *Watch) tell(s *Site, f found, at time.Time) ([]outbox.Message, error) {
	f.alert.Language = s.To.Language
	l, err := f.alert.Letter()
	if err != nil {
		return nil, err
	}
	if f.facts == nil {
		f.facts = fact{}
	}
	f.facts["detail"], f.facts["url"] = f.alert.Detail, f.alert.Link
	return w.Desk.messages(s.To, about{f.kind, f.tick, s.Name, at, false}, l, f.facts)
}

// jobs finds jobs that fail, and those that have not succeeded for long.
func (w *Watch) jobs(ctx context.Context, at time.Time, report func(*Site, found) error) error {
	all, err := w.Jobs.List(ctx)
	if err != nil {
		return err
	}
	for _, st := range all {
		s, r := w.siteOf(st.Name), st.Record
		if s.To.Nobody() || r == nil || st.Paused {
			continue
		}
		since := "never"
		if !r.Success.IsZero() {
			since = r.Success.UTC().Format(time.RFC3339)
		}
		f := found{tick: st.Name + "@" + since, facts: fact{"job": st.Name}}
		f.alert.Link = w.Desk.link(web.JobURL(st.Name, s.To.Language))
		title := cmp.Or(s.Title, s.Name, "beforehand")
		switch {
		case s.Rules.Failures > 0 && r.Failures >= s.Rules.Failures:
			f.kind, f.alert.Alarm = "failed", web.AlarmFailed
			f.alert.Values = []any{title, st.Name, number.Grouped(int64(r.Failures))}
		case s.Rules.Stale > 0 && r.Failures > 0 && !r.Success.IsZero() && at.Sub(r.Success) >= s.Rules.Stale:
			f.kind, f.alert.Alarm = "stale", web.AlarmStale
			f.alert.Values = []any{title, st.Name, r.Success.In(w.zone(s)).Format(time.DateTime)}
		default:
			continue
		}
		if f.alert.Detail, err = w.lastReason(ctx, st.Name); err != nil {
			return err
		}
		if err := report(s, f); err != nil {
			return err
		}
	}
	return nil
}

// maxDetail is how much of what a run said is told, in bytes.
const maxDetail = 4 << 10

// lastReason is why a job's last tick ended as it did.
func (w *Watch) lastReason(ctx context.Context, job string) (string, error) {
	ticks, err := w.Jobs.History(ctx, job, 5)
	if err != nil {
		return "", err
	}
	for _, t := range ticks {
		if t.Reason != "" {
			return strings.ToValidUTF8(t.Reason[:min(len(t.Reason), maxDetail)], ""), nil
		}
	}
	return "", nil
}

// siteOf is the site that a job belongs to, or the server. Jobs are named
// SITE/REPORT or KIND/SITE/NAME.
func (w *Watch) siteOf(job string) *Site {
	for part := range strings.SplitSeq(job, "/") {
		if i := slices.IndexFunc(w.Sites, func(s Site) bool { return s.Name == part }); i >= 0 {
			return &w.Sites[i]
		}
	}
	return &w.Server
}

func (w *Watch) zone(s *Site) *time.Location {
	if s.Zone != nil {
		return s.Zone
	}
	return time.UTC
}

// traffic finds hours that stand out, and tells of one a day.
func (w *Watch) traffic(ctx context.Context, at time.Time, report func(*Site, found) error) error {
	for i := range w.Sites {
		s := &w.Sites[i]
		if !s.Traffic || s.To.Nobody() {
			continue
		}
		h, err := lastHour(ctx, w.Store, s.Name, s.Zone, at)
		if err != nil {
			return err
		}
		way, expected := standsOut(h.now, h.before)
		if way == 0 {
			continue
		}
		f := found{
			kind: "spike", tick: s.Name + "@" + pageview.DayOf(h.began).String(),
			facts: fact{"pageviews": h.now, "expected": math.Round(expected), "hour": h.began.Format(time.RFC3339)},
		}
		f.alert.Alarm, f.alert.Link = web.AlarmSpike, w.Desk.link(web.DashboardURL(s.Name))
		if way < 0 {
			f.kind, f.alert.Alarm = "drop", web.AlarmDrop
		}
		f.alert.Values = []any{cmp.Or(s.Title, s.Name), number.Grouped(h.now), h.began.Format("2006-01-02 15:04"), number.Grouped(int64(math.Round(expected)))}
		if err := report(s, f); err != nil {
			return err
		}
	}
	return nil
}

// disk tells once a day of a disk that is nearly full.
func (w *Watch) disk(_ context.Context, at time.Time, report func(*Site, found) error) error {
	if w.Disk.Least == 0 || w.Server.To.Nobody() {
		return nil
	}
	free, total, err := w.Disk.Free()
	if err != nil || total == 0 || float64(free) >= w.Disk.Least*float64(total) {
		return err
	}
	f := found{
		kind: "disk", tick: w.Disk.Path + "@" + at.UTC().Format(time.DateOnly), facts: fact{"free": free, "total": total},
		alert: web.Alert{Alarm: web.AlarmDisk, Values: []any{w.Disk.Path, size(free), size(total)}},
	}
	return report(&w.Server, f)
}

// size writes a number of bytes.
func size(n uint64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// certificates tells of certificates that expire soon.
func (w *Watch) certificates(_ context.Context, at time.Time, report func(*Site, found) error) error {
	if w.Expires == nil || w.Server.To.Nobody() {
		return nil
	}
	for name, end := range w.Expires() {
		if end.Sub(at) > expiresSoon {
			continue
		}
		f := found{
			kind: "certificate", tick: name + "@" + end.UTC().Format(time.RFC3339), facts: fact{"certificate": name, "expires": end.UTC().Format(time.RFC3339)},
			alert: web.Alert{Alarm: web.AlarmCertificate, Values: []any{name, end.UTC().Format(time.RFC1123)}},
		}
		if err := report(&w.Server, f); err != nil {
			return err
		}
	}
	return nil
}

// undelivered tells the others of messages that were given up.
func (w *Watch) undelivered(ctx context.Context, _ time.Time, report func(*Site, found) error) error {
	if w.Server.To.Nobody() {
		return nil
	}
	list, err := w.Outbox.List(ctx, outbox.Query{State: outbox.GivenUp, Limit: 20})
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.Kind == "undelivered" {
			continue
		}
		others := w.Server
		others.To.Mails = without(others.To.Mails, m.Way == outbox.Mail, m.Recipient)
		others.To.Hooks = without(others.To.Hooks, m.Way == outbox.Webhook, m.Recipient)
		f := found{
			kind: "undelivered", tick: m.ID(), facts: fact{"message": m.ID(), "recipient": m.Recipient},
			alert: web.Alert{Alarm: web.AlarmUndelivered, Values: []any{m.Subject, m.Recipient}, Detail: m.Error},
		}
		if err := report(&others, f); err != nil {
			return err
		}
	}
	return nil
}

// without leaves a recipient out.
func without(list []string, applies bool, name string) []string {
	if !applies {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == name })
}
