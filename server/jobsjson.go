package server

import (
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
	"github.com/beforehand-go/beforehand/web"
)

// The shapes of the API of jobs. Times are RFC 3339 in UTC, null where there is
// none; durations are seconds.

type jobJSON struct {
	Name     string       `json:"name"`
	Trigger  string       `json:"trigger,omitempty"` // empty: it follows other jobs, or has one of its own making
	Declared string       `json:"declared_trigger,omitempty"`
	After    []string     `json:"after,omitempty"`
	Means    string       `json:"means"`
	State    string       `json:"state"`
	Paused   bool         `json:"paused"`
	Here     bool         `json:"here"` // the process that answers can run it
	Next     *time.Time   `json:"next"`
	Last     *time.Time   `json:"last"`
	Outcome  string       `json:"last_outcome,omitempty"`
	Success  *time.Time   `json:"last_success"`
	Failures int          `json:"failures"` // ticks in a row without success
	Took     []float64    `json:"took"`     // the last successful runs, newest first
	Policies policiesJSON `json:"policies"`
	Running  []tickJSON   `json:"running"`
}

type policiesJSON struct {
	Overlap  string   `json:"overlap"`
	Misfire  string   `json:"misfire"`
	Grace    float64  `json:"grace,omitempty"`
	Timeout  float64  `json:"timeout,omitempty"`
	Attempts int      `json:"attempts"`
	Labels   []string `json:"labels,omitempty"`
}

type tickJSON struct {
	Job      string        `json:"job"`
	Due      time.Time     `json:"due"`
	Outcome  string        `json:"outcome"`
	Reason   string        `json:"reason,omitempty"`
	Asked    bool          `json:"asked"`
	Count    int           `json:"count"`
	Until    *time.Time    `json:"until,omitempty"`
	Attempt  int           `json:"attempt"`
	Fence    int64         `json:"fence,omitempty"`
	Holder   string        `json:"holder,omitempty"`
	Started  *time.Time    `json:"started,omitempty"`
	Ended    *time.Time    `json:"ended,omitempty"`
	Stopping string        `json:"stopping,omitempty"` // why the run was asked to stop
	Progress *progressJSON `json:"progress,omitempty"`
	Logged   int           `json:"logged"`
	Earlier  []runJSON     `json:"earlier,omitempty"`
	Logs     []logJSON     `json:"logs,omitempty"`
}

type progressJSON struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total,omitempty"`
	Text  string `json:"text,omitempty"`
}

type runJSON struct {
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason,omitempty"`
	Fence   int64     `json:"fence"`
	Holder  string    `json:"holder"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Logged  int       `json:"logged"`
}

type logJSON struct {
	Fence   int64            `json:"fence"` // of the run
	Dropped int              `json:"dropped"`
	Lines   []scheduler.Line `json:"lines"`
}

type replicaJSON struct {
	Holder  string     `json:"holder"`
	Self    bool       `json:"self"` // it is the one that answers
	Labels  []string   `json:"labels,omitempty"`
	Started *time.Time `json:"started,omitempty"`
	Seen    *time.Time `json:"seen,omitempty"`
	Stopped bool       `json:"stopped"`
	Running []tickJSON `json:"running"`
}

type previewJSON struct {
	Trigger string     `json:"trigger"`
	Means   string     `json:"means"`
	Ticks   []willJSON `json:"ticks"`
	Changes []willJSON `json:"changes"` // what the next changes of the clock move, leave out or double
}

type willJSON struct {
	At   time.Time `json:"at"` // by the clock of the trigger's zone
	Due  bool      `json:"due"`
	Kind string    `json:"kind"`
	Why  string    `json:"why,omitempty"`
}

func (s *Server) jobOf(st scheduler.Status, l language.Language) jobJSON {
	d := st.Definition
	job := web.Job{Status: st, Trigger: s.triggerOf(st)}
	j := jobJSON{
		Name: st.Name, Trigger: d.Trigger, After: d.After, Means: web.When(job, l), State: job.State(), Paused: st.Paused,
		Here: st.Here, Next: instant(st.Due), Took: []float64{}, Running: []tickJSON{},
		Policies: policiesJSON{
			Overlap: d.Overlap.String(), Misfire: d.Misfire.String(), Grace: d.Grace.Seconds(), Timeout: d.Timeout.Seconds(),
			Attempts: max(d.Retry.Attempts, 1), Labels: d.Labels,
		},
	}
	if st.Declared != nil && st.Declared.Trigger != d.Trigger {
		j.Declared = st.Declared.Trigger
	}
	if r := st.Record; r != nil {
		j.Last, j.Outcome, j.Success, j.Failures = instant(r.Due), string(r.Outcome), instant(r.Success), r.Failures
		for _, took := range r.Took {
			j.Took = append(j.Took, took.Seconds())
		}
	}
	for _, t := range st.Running {
		j.Running = append(j.Running, tickOf(t))
	}
	return j
}

func tickOf(t *scheduler.Tick) tickJSON {
	j := tickJSON{
		Job: t.Job, Due: t.Due, Outcome: string(t.Outcome), Reason: t.Reason, Asked: t.Asked, Count: t.Count, Until: instant(t.Until),
		Attempt: t.Attempt, Fence: t.Fence, Holder: t.Holder, Started: instant(t.Started), Ended: instant(t.Ended),
		Stopping: t.Cancel, Logged: t.Progress.Logged,
	}
	if p := t.Progress; p.Done != 0 || p.Total != 0 || p.Line != "" {
		j.Progress = &progressJSON{p.Done, p.Total, p.Line}
	}
	for _, a := range t.Earlier {
		j.Earlier = append(j.Earlier, runJSON{string(a.Outcome), a.Reason, a.Fence, a.Holder, a.Started, a.Ended, a.Logged})
	}
	return j
}

func willOf(ticks []trigger.Tick, l language.Language) []willJSON {
	list := make([]willJSON, len(ticks))
	for i, t := range ticks {
		list[i] = willJSON{t.At, t.Due(), t.Kind.String(), t.Sentence(web.Triggers(l))}
	}
	return list
}

// instant is a time that may be none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
