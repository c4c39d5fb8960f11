package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/trigger"
	"github.com/beforehand-go/beforehand/web"
)

const (
	// jobsOnPage is how many jobs are on a page.
	jobsOnPage = 100
	// ticksOnPage is how many ticks are on a job's page, allTicks how many
	// where everything is asked for.
	ticksOnPage, allTicks = 30, 1000
	// previewTicks is how many ticks of a trigger are shown before it is
	// changed.
	previewTicks = 10
	// ticksAtChange is how many ticks are looked at after the clock changes.
	ticksAtChange = 3
	// maxTrigger is the longest text of a trigger in bytes, maxForm of a form.
	maxTrigger, maxForm = 2000, 16 << 10
)

// mountJobs adds the pages of jobs.
func (s *Server) mountJobs(mux *router) {
	mux.HandleFunc("GET "+web.JobsPath, s.listJobs)
	mux.HandleFunc("GET "+web.JobsPath+"/{name...}", s.showJob)
	mux.HandleFunc("POST "+web.JobsPath+"/{name...}", s.actOnJob)
}

// looker is who looks at jobs: what they may see and do.
type looker struct {
	language language.Language
	sites    []string // only the jobs of these; none means every job
	writes   bool
}

// jobsFor tells who asks for the pages of jobs. It answers itself where they are
// not to be shown.
func (s *Server) jobsFor(w http.ResponseWriter, r *http.Request) (looker, bool) {
	l, refused := s.mayJobs(r)
	if refused != nil {
		s.turnAway(w, r, refused)
	}
	return l, refused == nil
}

// mayJobs tells who asks for jobs, or why they are not shown.
func (s *Server) mayJobs(r *http.Request) (looker, *statsError) {
	l := looker{language: language.Of(r, s.Language)}
	a, err := s.who(r)
	switch {
	case err != nil:
		return l, s.cannotTell(err)
	case a.machine:
		l.writes = true
		return l, nil
	case a.token != nil && a.token.Has(token.JobsRead):
		l.sites, l.writes = a.token.Sites, a.token.Has(token.JobsWrite)
		return l, nil
	case a.user != nil && a.has(roleFor(token.JobsRead)):
		sites, everywhere := a.user.At(roleFor(token.JobsRead))
		if l.writes = true; !everywhere {
			l.sites = sites
		}
		return l, nil
	case a.token != nil:
		return l, &statsError{status: http.StatusForbidden, Error: "the token is not good for " + string(token.JobsRead)}
	case a.user == nil:
		return l, s.unknown()
	}
	return l, &statsError{status: http.StatusForbidden, Error: "it takes the role of an editor"}
}

// sees tells whether a job is one of those that may be seen.
func (l looker) sees(s *Server, job string) bool {
	if len(l.sites) == 0 {
		return true
	}
	v := s.siteOf(job)
	return v != nil && slices.Contains(l.sites, v.Name)
}

// siteOf is the site that a job belongs to, or nil. Jobs are named SITE/REPORT
// or KIND/SITE/NAME.
func (s *Server) siteOf(job string) *site {
	for part := range strings.SplitSeq(job, "/") {
		if v := s.named(part); part != "" && v != nil {
			return v
		}
	}
	return nil
}

// listJobs is the page of all jobs.
func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) {
	l, ok := s.jobsFor(w, r)
	if !ok {
		return
	}
	all, err := s.Reports.Scheduler().List(r.Context())
	if err != nil {
		s.failJobs(w, r, l, err)
		return
	}
	q := r.URL.Query()
	d := web.Jobs{
		Language: l.language, Now: time.Now(), Zone: s.sites[0].Zone, Self: s.Reports.Scheduler().Holder(),
		Nav:    s.jobsNavigation(r),
		Health: s.Reports.Scheduler().Health().Reasons, Search: q.Get("q"),
	}
	if d.Replicas, err = s.replicas(r.Context(), l); err != nil {
		s.failJobs(w, r, l, err)
		return
	}
	for _, st := range all {
		if !l.sees(s, st.Name) {
			continue
		}
		j := web.Job{Status: st}
		d.Count.Add(&j)
		if !strings.Contains(strings.ToLower(st.Name), strings.ToLower(d.Search)) || st.Name <= q.Get("after") {
			continue
		}
		if len(d.Jobs) == jobsOnPage {
			d.Rest = d.Jobs[jobsOnPage-1].Name
			continue
		}
		if d.Rest == "" {
			j.Trigger = s.triggerOf(st)
			d.Jobs = append(d.Jobs, j)
		}
	}
	var b bytes.Buffer
	if err := web.WriteJobs(&b, d); err != nil {
		s.failJobs(w, r, l, err)
		return
	}
	writePage(w, r, http.StatusOK, b.Bytes())
}

// showJob is the page of one job.
func (s *Server) showJob(w http.ResponseWriter, r *http.Request) {
	l, ok := s.jobsFor(w, r)
	if !ok {
		return
	}
	if r.PathValue("name") == "" {
		http.Redirect(w, r, web.JobsPath, http.StatusMovedPermanently)
		return
	}
	s.writeJob(w, r, l, http.StatusOK, "")
}

// writeJob writes the page of the job that a request names, with why an action
// was refused.
func (s *Server) writeJob(w http.ResponseWriter, r *http.Request, l looker, status int, wrong string) {
	d, err := s.jobDetail(r, l)
	var b bytes.Buffer
	if err == nil {
		d.Wrong = wrong
		err = web.WriteJob(&b, d)
	}
	if err != nil {
		s.failJobs(w, r, l, err)
		return
	}
	writePage(w, r, status, b.Bytes())
}

func (s *Server) jobDetail(r *http.Request, l looker) (web.JobDetail, error) {
	name := r.PathValue("name")
	if !l.sees(s, name) {
		return web.JobDetail{}, scheduler.ErrUnknown
	}
	sched, limit := s.Reports.Scheduler(), ticksOnPage
	if r.FormValue("history") == "all" {
		limit = allTicks
	}
	st, err := sched.Status(r.Context(), name)
	if err != nil {
		return web.JobDetail{}, err
	}
	history, err := sched.History(r.Context(), name, limit+1)
	if err != nil {
		return web.JobDetail{}, err
	}
	d := web.JobDetail{
		Job:      web.Job{Status: st, Trigger: s.triggerOf(st)},
		Language: l.language, Now: time.Now(), Zone: s.zoneOf(name), Self: sched.Holder(),
		Nav: s.jobsNavigation(r), MayAct: l.writes, Did: r.URL.Query().Get("did"),
	}
	d.History, d.More = history[:min(len(history), limit)], len(history) > limit
	if _, known := sched.Job(name); known && st.Definition.Trigger != "" {
		d.Edit = s.edit(st, r.FormValue("trigger"), d.Now)
	}
	if due, ok := logToShow(r, st); ok {
		d.LogOf, d.Logs, err = s.logged(r.Context(), scheduler.Key{Job: name, Due: due})
	}
	return d, err
}

// logToShow is the tick whose log is asked for, else the latest that runs.
func logToShow(r *http.Request, st scheduler.Status) (due time.Time, ok bool) {
	if at, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("log")); err == nil {
		return at.UTC(), true
	}
	for _, t := range st.Running {
		if t.Progress.Logged > 0 && t.Due.After(due) {
			due, ok = t.Due, true
		}
	}
	return due, ok
}

// edit works out what a text would mean as a job's trigger; the empty text is
// the one that holds.
func (s *Server) edit(st scheduler.Status, text string, now time.Time) *web.Edit {
	text = strings.TrimSpace(text)
	if text == "" {
		text = st.Definition.Trigger
	}
	e := &web.Edit{Text: text}
	if e.Trigger, e.Wrong = s.readTrigger(st.Name, text); e.Wrong != nil {
		return e
	}
	e.Other = textOf(e.Trigger) != st.Definition.Trigger
	bound := trigger.Bind(e.Trigger, factsOf(st))
	e.Ticks = trigger.Explain(bound, now, previewTicks)
	if len(e.Ticks) > 0 {
		e.Changes = clockChanges(bound, e.Ticks[0].At.Location(), now)
	}
	return e
}

// clockChanges are what becomes of a trigger's ticks at the next two changes of
// a zone's clock, as far as they are not plain.
func clockChanges(t trigger.Trigger, zone *time.Location, now time.Time) []trigger.Tick {
	var odd []trigger.Tick
	at := now.In(zone)
	for range 2 {
		if _, at = at.ZoneBounds(); at.IsZero() {
			break
		}
		for _, tick := range trigger.Explain(t, at.Add(-time.Second), ticksAtChange) {
			if tick.Kind == trigger.Moved || tick.Kind == trigger.Doubled || tick.Kind == trigger.Skipped {
				odd = append(odd, tick)
			}
		}
	}
	return odd
}

// factsOf is what a trigger may have to know of its job.
func factsOf(st scheduler.Status) trigger.Facts {
	f := trigger.Facts{Job: st.Name, Count: st.Count}
	if st.Record != nil {
		f.LastEnd, f.Took = st.Record.Ended, st.Record.Took
	}
	return f
}

// readTrigger reads a trigger that goes by the clock of the job's site where it
// names no zone.
func (s *Server) readTrigger(job, text string) (trigger.Trigger, error) {
	if len(text) > maxTrigger {
		return nil, errors.New("a trigger has at most " + strconv.Itoa(maxTrigger) + " bytes")
	}
	p := s.Triggers
	p.Zone = s.zoneOf(job)
	return p.Parse(text)
}

// triggerOf is the trigger of a job, or nil.
func (s *Server) triggerOf(st scheduler.Status) trigger.Trigger {
	if st.Definition.Trigger == "" {
		return nil
	}
	t, err := s.readTrigger(st.Name, st.Definition.Trigger)
	if err != nil {
		return nil
	}
	return t
}

// zoneOf is the zone of a job's site; of a job of none, that of the first.
func (s *Server) zoneOf(job string) *time.Location {
	if v := s.siteOf(job); v != nil {
		return v.Zone
	}
	return s.sites[0].Zone
}

func textOf(t trigger.Trigger) string {
	if text, ok := t.(interface{ String() string }); ok {
		return text.String()
	}
	return ""
}

// actOnJob carries out an action and leads back to the job's page.
func (s *Server) actOnJob(w http.ResponseWriter, r *http.Request) {
	l, ok := s.jobsFor(w, r)
	if !ok || !readForm(w, r) {
		return
	}
	name := r.PathValue("name")
	switch {
	case !l.writes:
		refuse(w, http.StatusForbidden, web.Word(l.language, "act_no_write"))
		return
	case !l.sees(s, name):
		s.failJobs(w, r, l, scheduler.ErrUnknown)
		return
	}
	action := r.PostFormValue("action")
	err := s.act(r.Context(), action, name, r.PostFormValue("trigger"))
	switch wrong := l.whyNot(err); {
	case wrong != "":
		s.writeJob(w, r, l, http.StatusUnprocessableEntity, wrong)
	case err != nil:
		s.failJobs(w, r, l, err)
	default:
		s.acted(r, name, action)
		http.Redirect(w, r, web.JobURL(name, l.language)+"&did="+action, http.StatusSeeOther)
	}
}

// Why an action cannot be carried out.
var (
	errNoAction = errors.New("there is no such action")
	errFixed    = errors.New("the job's trigger cannot be changed from here")
)

// wrongTrigger is what is wrong with the text of a trigger.
type wrongTrigger struct{ error }

// whyNot says of an action that cannot be carried out why; empty for what is the
// server's own failure.
func (l looker) whyNot(err error) string {
	switch {
	case errors.Is(err, errNoAction):
		return web.Word(l.language, "act_unknown")
	case errors.Is(err, errFixed):
		return web.Word(l.language, "edit_fixed")
	case errors.As(err, new(*wrongTrigger)):
		return web.Word(l.language, "edit_wrong")
	}
	return ""
}

// act carries out an action.
func (s *Server) act(ctx context.Context, action, name, text string) error {
	sched := s.Reports.Scheduler()
	switch action {
	case "run":
		_, err := sched.RunNow(ctx, name)
		return err
	case "pause":
		return sched.Pause(ctx, name)
	case "resume":
		return sched.Resume(ctx, name)
	case "cancel":
		return sched.Cancel(ctx, name)
	case "trigger":
		return s.retrigger(ctx, name, text)
	}
	return errNoAction
}

// retrigger gives a job another trigger.
func (s *Server) retrigger(ctx context.Context, name, text string) error {
	sched := s.Reports.Scheduler()
	st, err := sched.Status(ctx, name)
	if err != nil {
		return err
	}
	job, known := sched.Job(name)
	if !known || st.Definition.Trigger == "" {
		return errFixed
	}
	if job.Trigger, err = s.readTrigger(name, strings.TrimSpace(text)); err != nil {
		return &wrongTrigger{err}
	}
	return sched.Replace(ctx, job)
}

// acted writes down what somebody did to a job.
func (s *Server) acted(r *http.Request, job, action string) {
	s.Logger.Info("job acted on", "job", job, "action", action)
	e := account.Entry{What: account.JobActed, About: job, Detail: action}
	if v := s.siteOf(job); v != nil {
		e.Site = v.Name
	}
	if err := s.note(r, e); err != nil {
		s.Logger.Error("write down what was done", "error", err)
	}
}

// failJobs answers an error.
func (s *Server) failJobs(w http.ResponseWriter, r *http.Request, l looker, err error) {
	switch {
	case errors.Is(err, scheduler.ErrUnknown):
		refuse(w, http.StatusNotFound, web.Word(l.language, "jobs_unknown"))
	case r.Context().Err() != nil: // nobody waits any more
	default:
		s.Logger.Error("show jobs", "path", r.URL.Path, "error", err)
		refuse(w, http.StatusServiceUnavailable, web.Word(l.language, "jobs_failed"))
	}
}

// refuse answers with a sentence.
func refuse(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language")
	http.Error(w, text, status)
}
