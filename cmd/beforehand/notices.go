package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/courier"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/notice"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// What the jobs of messages are called, beside weekly/SITE.
const (
	outboxJob = "outbox"
	alertsJob = "alerts"
)

const (
	carryEvery = time.Minute     // how often messages that are due are sent
	lookEvery  = 5 * time.Minute // how often it is looked for what goes wrong
)

// Where the configuration says nothing of its own.
const (
	weeklyTrigger = "weekly mon 08:00"
	alertFailures = 3
	alertStale    = 24 * time.Hour
	alertDisk     = 10 // percent
)

// addNotices adds the jobs that tell people something, where the configuration
// says that anybody is told anything.
func (a *app) addNotices(ctx context.Context, file *config.File) error {
	c, err := a.courier, error(nil)
	if c == nil { // else it is that of the generation before
		c, err = a.openCourier(file)
	}
	if err != nil || c == nil {
		return err
	}
	a.courier = c
	desk := &notice.Desk{From: mail.Address(file.Mail.From), ReplyTo: file.Mail.ReplyTo.Address, URL: string(file.URL)}
	jobs := []scheduler.Job{{
		Name: outboxJob, Trigger: trigger.Every(carryEvery), Timeout: time.Hour,
		Run: func(ctx context.Context, r *scheduler.Run) error { return c.Carry(ctx, r) },
	}}
	if w := a.watch(file, desk); w != nil {
		jobs = append(jobs, alertsOf(w))
	}
	for i := range file.Sites {
		if v := file.Sites[i].Weekly; v == nil || v.Nobody() {
			continue
		}
		job, err := a.weekly(file, i, desk)
		if err != nil {
			return err
		}
		jobs = append(jobs, job)
	}
	return a.site.Scheduler().Add(ctx, jobs...)
}

// openCourier makes what brings messages, or nil where nobody is told anything.
func (a *app) openCourier(file *config.File) (*courier.Courier, error) {
	if file.Mail.Server == "" && len(file.Webhooks) == 0 {
		return nil, nil
	}
	c := &courier.Courier{Outbox: a.state.Outbox(), Hooks: map[string]*courier.Hook{}}
	var err error
	if c.Mailer, err = file.Mail.Mailer(); err != nil {
		return nil, err
	}
	for name, w := range file.Webhooks {
		h, err := w.Hook(name)
		if err != nil {
			return nil, err
		}
		c.Hooks[name] = h
	}
	return c, nil
}

// weekly is the job that tells of a site's week.
func (a *app) weekly(file *config.File, i int, desk *notice.Desk) (scheduler.Job, error) {
	v, site := &file.Sites[i], a.sites[i]
	when, err := a.trigger(site.Site, cmp.Or(v.Weekly.Trigger, weeklyTrigger))
	if err != nil {
		return scheduler.Job{}, fmt.Errorf("weekly of site %s: %w", v.Name, err)
	}
	w := &notice.Weekly{
		Desk: desk, To: told(&v.Weekly.Tell, file.Language), Site: v.Name, Title: v.Title, Zone: site.Zone,
		Store: a.store, Hot: v.HotLists()[0].Query(v),
	}
	return scheduler.Job{
		Name: collect.JobName(collect.JobWeekly, v.Name), Trigger: when, Timeout: 30 * time.Minute,
		Retry: scheduler.Retry{Attempts: 3, Backoff: time.Minute},
		Run: func(ctx context.Context, r *scheduler.Run) error {
			messages, err := w.Messages(ctx, r.Key(), r.Due)
			for _, m := range messages {
				r.Commit(m)
			}
			return err
		},
	}, nil
}

// watch is what looks for what goes wrong, or nil where nobody is to know.
func (a *app) watch(file *config.File, desk *notice.Desk) *notice.Watch {
	w := &notice.Watch{Desk: desk, Store: a.store, Jobs: a.site.Scheduler(), Outbox: a.state.Outbox()}
	w.Server = watched(&file.Alerts.Alerts, file.Language)
	nobody := w.Server.To.Nobody()
	for i := range file.Sites {
		v := &file.Sites[i]
		s := watched(cmp.Or(v.Alerts, &file.Alerts.Alerts), file.Language)
		s.Name, s.Title, s.Zone = v.Name, v.Title, a.sites[i].Zone
		nobody = nobody && s.To.Nobody()
		w.Sites = append(w.Sites, s)
	}
	if nobody {
		return nil
	}
	w.Disk = notice.Disk{Path: a.dir.Path, Least: alertDisk / 100.0, Free: func() (free, total uint64, err error) { return a.space(a.dir.Path) }}
	if p := file.Alerts.Disk; p != nil {
		w.Disk.Least = float64(*p) / 100
	}
	if a.certificates != nil {
		w.Expires = a.certificates.Expires
	}
	return w
}

// watched is what the configuration says of alerts.
func watched(v *config.Alerts, otherwise language.Language) notice.Site {
	s := notice.Site{To: told(&v.Tell, otherwise), Rules: notice.Rules{Failures: alertFailures, Stale: alertStale}, Traffic: true}
	if v.Failures != nil {
		s.Rules.Failures = *v.Failures
	}
	if v.Stale != nil {
		s.Rules.Stale = time.Duration(*v.Stale)
	}
	if v.Traffic != nil {
		s.Traffic = *v.Traffic
	}
	return s
}

// told is what the configuration says of who is told.
func told(v *config.Tell, otherwise language.Language) notice.To {
	to := notice.To{Hooks: v.Hooks, Language: otherwise}
	if v.Language != nil {
		to.Language = *v.Language
	}
	for _, m := range v.Mail {
		to.Mails = append(to.Mails, m.Address)
	}
	return to
}

// alertsOf is the job that looks for what goes wrong.
func alertsOf(w *notice.Watch) scheduler.Job {
	return scheduler.Job{
		Name: alertsJob, Trigger: trigger.Every(lookEvery), Timeout: lookEvery,
		Run: func(ctx context.Context, r *scheduler.Run) error {
			messages, err := w.Look(ctx, time.Now())
			for _, m := range messages {
				r.Commit(m)
			}
			if len(messages) == 0 || ctx.Err() != nil {
				return errors.Join(err, ctx.Err())
			}
			if err != nil {
				// What was found is told, and only a run that succeeds tells.
				r.Logger().Warn("not everything could be looked at", "error", err)
			}
			return nil
		},
	}
}
