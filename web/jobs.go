package web

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

// JobsPath is where the pages of jobs are.
const JobsPath = "/jobs"

// Job is a job as its pages show it.
type Job struct {
	scheduler.Status
	Trigger trigger.Trigger // what Definition.Trigger means; nil: it follows other jobs, or is not understood here
}

// Jobs is everything that the page of all jobs shows.
type Jobs struct {
	Language language.Language
	Now      time.Time
	Zone     *time.Location
	Nav      Navigation
	Jobs     []Job    // those to show, in order of name
	Count    Counts   // over all jobs
	Health   []string // what is wrong with the scheduler
	Self     string   // the name of this process among holders
	Replicas []scheduler.Replica
	Search   string // only jobs with this in their name are shown
	Rest     string // the name after which a further page begins; zero: this is the last
}

// Counts are how many jobs there are, and in which state.
type Counts struct{ Jobs, Running, Failing, Paused int }

// JobDetail is everything that the page of one job shows.
type JobDetail struct {
	Job
	Language language.Language
	Now      time.Time
	Zone     *time.Location
	Nav      Navigation
	Self     string            // the name of this process among holders
	History  []*scheduler.Tick // the latest first
	More     bool              // the history goes on
	LogOf    *scheduler.Tick   // whose log is shown; nil: of none
	Logs     []*scheduler.Log  // what its runs have logged
	Edit     *Edit             // nil: its trigger cannot be changed from here
	MayAct   bool              // whoever reads the page may run, pause and change the job
	Did      string            // the action that was done just now; zero: none
	Wrong    string            // why an action was refused; zero: none was
}

// Edit is a trigger that is about to be changed.
type Edit struct {
	Text    string          // what was typed; at first what holds
	Trigger trigger.Trigger // what it means; nil: it means nothing
	Wrong   error           // why not, a *trigger.SyntaxError where it is known where
	Ticks   []trigger.Tick  // the next ones, and what is left out between them
	Changes []trigger.Tick  // those that the next changes of the clock move, leave out or double
	Other   bool            // it is not what holds
}

// JobURL is the page of a job.
func JobURL(name string, l language.Language) string {
	parts := strings.Split(name, "/")
	plain := !slices.ContainsFunc(parts, func(p string) bool { return p == "" || p == "." || p == ".." })
	if !plain {
		parts = []string{name}
	}
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return JobsPath + "/" + strings.Join(parts, "/") + "?lang=" + l.String()
}

// WriteJobs writes the page of all jobs.
func WriteJobs(w io.Writer, d Jobs) error {
	return execute(w, "jobs.html", &jobsView{Jobs: d, jobPen: jobPen{newPen(d.Language, d.Now, d.Zone), d.Self}})
}

// WriteJob writes the page of one job.
func WriteJob(w io.Writer, d JobDetail) error {
	v := &jobView{JobDetail: d, jobPen: jobPen{newPen(d.Language, d.Now, d.Zone), d.Self}}
	return execute(w, "job.html", v)
}

func execute(w io.Writer, name string, data any) error {
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// State is what a job is doing, as a style class, a part of a word's name, and for
// programs: running, paused, waiting, failing, fresh or ready.
func (j *Job) State() string {
	switch {
	case len(j.Running) > 0:
		return "running"
	case j.Paused:
		return "paused"
	case len(j.Open) > 0:
		return "waiting"
	case j.Record != nil && j.Record.Failures > 0:
		return "failing"
	case j.Record == nil:
		return "fresh"
	}
	return "ready"
}

// Add counts a job.
func (c *Counts) Add(j *Job) {
	c.Jobs++
	switch {
	case len(j.Running) > 0:
		c.Running++
	case j.Record != nil && j.Record.Failures > 0:
		c.Failing++
	}
	if j.Paused {
		c.Paused++
	}
}

// jobPen writes of jobs.
type jobPen struct {
	pen
	self string
}

// State is the state of a job, for its style, and StateWord its word.
func (p jobPen) State(j Job) string { return j.State() }

func (p jobPen) StateWord(j Job) string {
	switch j.State() {
	case "running":
		return p.words["state_running"]
	case "paused":
		return p.words["state_paused"]
	case "waiting":
		return p.words["state_waiting"]
	case "failing":
		return p.words["state_failing"]
	case "fresh":
		return p.words["state_fresh"]
	}
	return p.words["state_ready"]
}

// When is a job's trigger in words.
func When(j Job, l language.Language) string {
	return jobPen{pen: newPen(l, time.Time{}, nil)}.When(j)
}

// When is a job's trigger in words.
func (p jobPen) When(j Job) string {
	switch {
	case len(j.Definition.After) > 0:
		return fmt.Sprintf(p.words["job_after"], strings.Join(j.Definition.After, p.words["and"]))
	case j.Trigger != nil:
		return trigger.Describe(j.Trigger, Triggers(p.Lang))
	case j.Definition.Trigger == "":
		return p.words["job_own_trigger"]
	}
	return j.Definition.Trigger
}

// URL is the page of a job, AllURL that of all.
func (p jobPen) URL(name string) string { return JobURL(name, p.Lang) }
func (p jobPen) AllURL() string         { return JobsPath + "?lang=" + p.Lang.String() }

// IsSelf tells whether a holder is this process.
func (p jobPen) IsSelf(holder string) bool { return holder == p.self }

// OutcomeWord is an outcome in words, outcomeClass its style.
func (p jobPen) OutcomeWord(o scheduler.Outcome) string { return p.outcome(o) }

func (p jobPen) outcomeClass(o scheduler.Outcome) string {
	switch o {
	case scheduler.Succeeded:
		return "good"
	case scheduler.Failed, scheduler.TimedOut, scheduler.Missed, scheduler.Lost:
		return "bad"
	case scheduler.Running, scheduler.Waiting:
		return "open"
	}
	return "none"
}

// badge is an outcome with its style.
type badge struct{ Word, Class string }

func (p jobPen) Badge(o scheduler.Outcome) badge { return badge{p.OutcomeWord(o), p.outcomeClass(o)} }

// Took is how long the last attempt of a tick took; zero without one.
func (p jobPen) Took(t *scheduler.Tick) time.Duration {
	if t.Attempt == 0 || t.Started.IsZero() || t.Ended.Before(t.Started) {
		return 0
	}
	return t.Ended.Sub(t.Started)
}

// Late is how long after its due instant a tick began, where that is worth
// telling.
func (p jobPen) Late(t *scheduler.Tick) time.Duration {
	if late := t.Started.Sub(t.Due); t.Attempt == 1 && !t.Asked && late >= time.Second {
		return late
	}
	return 0
}

func (p jobPen) SelfName() string             { return p.self }
func (p jobPen) ExactText(t time.Time) string { return p.clock.exact(t) }

// Percent is how far a run is; -1 where that is not known.
func (p jobPen) Percent(g scheduler.Progress) int64 {
	if g.Total <= 0 || g.Done < 0 {
		return -1
	}
	return int64(100 * (float64(min(g.Done, g.Total)) / float64(g.Total)))
}

// jobsView is what the template of all jobs sees.
type jobsView struct {
	Jobs
	jobPen
}

// Top is the head of the page.
func (v *jobsView) Top() top { return top{v.pen, v.Nav} }

// Busy tells whether something is under way, which is worth a look each second.
func (v *jobsView) Busy() bool { return v.Count.Running > 0 }

// RestURL is the further page.
func (v *jobsView) RestURL() string {
	q := url.Values{"lang": {v.Lang.String()}, "after": {v.Rest}}
	if v.Search != "" {
		q.Set("q", v.Search)
	}
	return JobsPath + "?" + q.Encode()
}

// silent is how long a process has told nothing that is called silent: it tells
// each minute that it is there.
const silent = 3 * time.Minute

// ReplicaWord says of a process that is not there any more; empty for one that is.
func (v *jobsView) ReplicaWord(r scheduler.Replica) string {
	switch {
	case r.Stopped:
		return v.words["replica_stopped"]
	case !r.Seen.IsZero() && v.Now.Sub(r.Seen) >= silent:
		return v.words["replica_silent"]
	}
	return ""
}

// Joined lists words.
func (p jobPen) Joined(list []string) string { return strings.Join(list, p.words["and"]) }

// oneJob is a job for the parts that both pages have.
type oneJob struct {
	jobPen
	Job Job
}

func (v *jobsView) One(j Job) oneJob { return oneJob{v.jobPen, j} }
func (v *jobView) One(j Job) oneJob  { return oneJob{v.jobPen, j} }
