package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/trigger"
	"github.com/beforehand-go/beforehand/web"
)

// jobsAPI is where the API of jobs is. The name of a job is one element of the
// path, its slashes written %2F.
const jobsAPI = "/api/v1/jobs"

// maxWait is how long a request waits at most for a run, in seconds.
const maxWait = 240

// mountJobsAPI adds the API of jobs.
func (s *Server) mountJobsAPI(mux *router) {
	for pattern, h := range map[string]func(*http.Request, looker) (int, any, error){
		"GET " + jobsAPI:                        s.apiJobs,
		"GET " + jobsAPI + "/{job}":             s.apiJob,
		"GET " + jobsAPI + "/{job}/ticks":       s.apiTicks,
		"GET " + jobsAPI + "/{job}/ticks/{due}": s.apiTick,
		"GET " + jobsAPI + "/{job}/preview":     s.apiPreview,
		"PUT " + jobsAPI + "/{job}/trigger":     s.apiTrigger,
		"POST " + jobsAPI + "/{job}/run":        s.apiRun,
		"POST " + jobsAPI + "/{job}/{action}":   s.apiAct,
		"GET /api/v1/replicas":                  s.apiReplicas,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.answerJobs(w, r, h) })
	}
}

// answerJobs answers a request of the API of jobs with what h makes of it.
func (s *Server) answerJobs(w http.ResponseWriter, r *http.Request, h func(*http.Request, looker) (int, any, error)) {
	l, refused := s.mayJobs(r)
	var status int
	var answer any
	var err error
	name := r.PathValue("job")
	switch {
	case refused != nil:
	case name != "" && !l.sees(s, name):
		err = scheduler.ErrUnknown
	case r.Method != http.MethodGet && !l.writes:
		refused = &statsError{status: http.StatusForbidden, Error: "the token is not good for " + string(token.JobsWrite)}
	default:
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		status, answer, err = h(r, l)
	}
	if err != nil {
		refused = s.jobsError(r, err)
	}
	if refused != nil {
		if r.Context().Err() == nil {
			refused.write(w)
		}
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		s.jobsError(r, err).write(w)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Content-Length", strconv.Itoa(len(body)+1))
	head.Set("Cache-Control", "no-store")
	head.Set("Vary", "Accept-Language, Authorization")
	head.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// toldError is an error that says itself how it is told.
type toldError struct{ *statsError }

func (e *toldError) Error() string { return e.statsError.Error }

func told(e *statsError) error { return &toldError{e} }

// jobsError is an error as it is told to who asked.
func (s *Server) jobsError(r *http.Request, err error) *statsError {
	var known *toldError
	var mistake *wrongTrigger
	switch {
	case errors.As(err, &known):
		return known.statsError
	case errors.As(err, &mistake):
		return &statsError{status: http.StatusUnprocessableEntity, Error: mistake.Error(), Parameter: "trigger"}
	case errors.Is(err, errFixed):
		return &statsError{status: http.StatusUnprocessableEntity, Error: err.Error()}
	case errors.Is(err, scheduler.ErrUnknown):
		return &statsError{status: http.StatusNotFound, Error: "there is no such job: its name is one element of the path, with its slashes as %2F"}
	}
	if r.Context().Err() == nil {
		s.Logger.Error("answer for jobs", "path", r.URL.Path, "error", err)
	}
	return &statsError{status: http.StatusServiceUnavailable, Error: "the jobs could not be read or changed; the server's log says why"}
}

// asking reads the parameters of a request, of which there are some, each once.
func asking(r *http.Request, names ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, told(wrong("", nil, "the query string cannot be read: %v", err))
	}
	for name, of := range q {
		if !slices.Contains(names, name) {
			return nil, told(wrong(name, names, "there is no parameter %q", name))
		}
		if len(of) > 1 {
			return nil, told(wrong(name, nil, "%s is given %d times", name, len(of)))
		}
	}
	return q, nil
}

// numberOf reads a parameter that is a number; otherwise where it is not given.
func numberOf(q url.Values, name string, least, most, otherwise int) (int, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < least || n > most {
		return 0, told(wrong(name, nil, "%s is %q; allowed are %d to %d", name, q.Get(name), least, most))
	}
	return n, nil
}

// apiJobs lists jobs.
func (s *Server) apiJobs(r *http.Request, l looker) (int, any, error) {
	q, err := asking(r, "q", "after", "limit", "lang")
	if err != nil {
		return 0, nil, err
	}
	limit, err := numberOf(q, "limit", 1, allTicks, jobsOnPage)
	if err != nil {
		return 0, nil, err
	}
	all, err := s.Reports.Scheduler().List(r.Context())
	answer := struct {
		Jobs []jobJSON `json:"jobs"`
		Next *string   `json:"next"` // what after is for those that follow
	}{Jobs: []jobJSON{}}
	for _, st := range all {
		switch {
		case !l.sees(s, st.Name) || st.Name <= q.Get("after"):
		case !strings.Contains(strings.ToLower(st.Name), strings.ToLower(q.Get("q"))):
		case len(answer.Jobs) == limit:
			answer.Next = &answer.Jobs[limit-1].Name
			return http.StatusOK, answer, err
		default:
			answer.Jobs = append(answer.Jobs, s.jobOf(st, l.language))
		}
	}
	return http.StatusOK, answer, err
}

// apiJob tells of one job.
func (s *Server) apiJob(r *http.Request, l looker) (int, any, error) {
	if _, err := asking(r, "lang"); err != nil {
		return 0, nil, err
	}
	return s.tellJob(r, l)
}

func (s *Server) tellJob(r *http.Request, l looker) (int, any, error) {
	st, err := s.Reports.Scheduler().Status(r.Context(), r.PathValue("job"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.jobOf(st, l.language), nil
}

// apiTicks lists what became of a job's ticks, the latest first.
func (s *Server) apiTicks(r *http.Request, _ looker) (int, any, error) {
	q, err := asking(r, "before", "outcome", "limit")
	if err != nil {
		return 0, nil, err
	}
	sched, query := s.Reports.Scheduler(), scheduler.Query{Job: r.PathValue("job"), Outcome: scheduler.Outcome(q.Get("outcome"))}
	if query.Limit, err = numberOf(q, "limit", 1, allTicks, jobsOnPage); err != nil {
		return 0, nil, err
	}
	if text := q.Get("before"); text != "" {
		if query.Before, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return 0, nil, told(wrong("before", nil, "before is %q, which is no RFC 3339 time", text))
		}
	}
	if _, err := sched.Status(r.Context(), query.Job); err != nil {
		return 0, nil, err
	}
	query.Limit++
	list, err := sched.Ticks(r.Context(), query)
	answer := struct {
		Ticks []tickJSON `json:"ticks"`
		Next  *time.Time `json:"next"` // what before is for those that follow
	}{Ticks: []tickJSON{}}
	for i, t := range list {
		if i == query.Limit-1 {
			answer.Next = &answer.Ticks[i-1].Due
			break
		}
		answer.Ticks = append(answer.Ticks, tickOf(t))
	}
	return http.StatusOK, answer, err
}

// apiTick tells of one tick, with what its runs have logged.
func (s *Server) apiTick(r *http.Request, _ looker) (int, any, error) {
	if _, err := asking(r); err != nil {
		return 0, nil, err
	}
	due, err := time.Parse(time.RFC3339Nano, r.PathValue("due"))
	if err != nil {
		return 0, nil, told(&statsError{status: http.StatusNotFound, Error: fmt.Sprintf("%q is no RFC 3339 time", r.PathValue("due"))})
	}
	return s.tellTick(r.Context(), http.StatusOK, scheduler.Key{Job: r.PathValue("job"), Due: due.UTC()})
}

func (s *Server) tellTick(ctx context.Context, status int, k scheduler.Key) (int, any, error) {
	t, logs, err := s.logged(ctx, k)
	switch {
	case err != nil:
		return 0, nil, err
	case t == nil:
		return 0, nil, told(&statsError{status: http.StatusNotFound, Error: "there is no such tick, or no longer"})
	}
	answer := tickOf(t)
	for _, l := range logs {
		answer.Logs = append(answer.Logs, logJSON{l.Fence, l.Dropped, l.Lines})
	}
	return status, answer, nil
}

// logged is a tick, nil if there is none, with what its runs have logged.
func (s *Server) logged(ctx context.Context, k scheduler.Key) (*scheduler.Tick, []*scheduler.Log, error) {
	sched := s.Reports.Scheduler()
	list, err := sched.Ticks(ctx, scheduler.Query{Keys: []scheduler.Key{k}})
	if err != nil || len(list) == 0 {
		return nil, nil, err
	}
	logs, err := sched.Logs(ctx, k)
	return list[0], logs, err
}

// apiRun has a job run, and waits for the end if it is asked to.
func (s *Server) apiRun(r *http.Request, _ looker) (int, any, error) {
	q, err := asking(r, "wait", "fresh")
	if err != nil {
		return 0, nil, err
	}
	wait, err := numberOf(q, "wait", 0, maxWait, 0)
	if err != nil {
		return 0, nil, err
	}
	sched, run := s.Reports.Scheduler(), s.Reports.Scheduler().RunNow
	switch q.Get("fresh") {
	case "", "false":
	case "true":
		run = sched.RunAfresh
	default:
		return 0, nil, told(wrong("fresh", []string{"true", "false"}, "fresh is %q", q.Get("fresh")))
	}
	k, err := run(r.Context(), r.PathValue("job"))
	if err != nil {
		return 0, nil, err
	}
	s.acted(r, k.Job, "run")
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(wait)*time.Second)
	defer cancel()
	if t, err := sched.Wait(ctx, k); err == nil && !t.Outcome.Open() {
		return s.tellTick(r.Context(), http.StatusOK, k)
	} else if err != nil && ctx.Err() == nil {
		return 0, nil, err
	}
	return s.tellTick(r.Context(), http.StatusAccepted, k)
}

// apiAct pauses a job, resumes it, or cancels its runs.
func (s *Server) apiAct(r *http.Request, l looker) (int, any, error) {
	if _, err := asking(r, "lang"); err != nil {
		return 0, nil, err
	}
	sched, name, action := s.Reports.Scheduler(), r.PathValue("job"), r.PathValue("action")
	act := map[string]func(context.Context, string) error{"pause": sched.Pause, "resume": sched.Resume, "cancel": sched.Cancel}[action]
	if act == nil {
		return 0, nil, told(&statsError{status: http.StatusNotFound, Error: "there is no such action; there are run, pause, resume, cancel"})
	}
	if err := act(r.Context(), name); err != nil {
		return 0, nil, err
	}
	s.acted(r, name, action)
	return s.tellJob(r, l)
}

// apiPreview tells what a trigger would mean for a job.
func (s *Server) apiPreview(r *http.Request, l looker) (int, any, error) {
	q, err := asking(r, "trigger", "lang")
	if err != nil {
		return 0, nil, err
	}
	st, err := s.Reports.Scheduler().Status(r.Context(), r.PathValue("job"))
	if err != nil {
		return 0, nil, err
	}
	e := s.edit(st, q.Get("trigger"), time.Now())
	if e.Wrong != nil {
		return 0, nil, &wrongTrigger{e.Wrong}
	}
	return http.StatusOK, previewJSON{
		textOf(e.Trigger), trigger.Describe(e.Trigger, web.Triggers(l.language)), willOf(e.Ticks, l.language), willOf(e.Changes, l.language),
	}, nil
}

// apiTrigger gives a job another trigger.
func (s *Server) apiTrigger(r *http.Request, l looker) (int, any, error) {
	if _, err := asking(r, "lang"); err != nil {
		return 0, nil, err
	}
	var body struct {
		Trigger string `json:"trigger"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil || d.More() {
		return 0, nil, told(wrong("", nil, `the body is not like {"trigger": "daily 03:00"}`))
	}
	if err := s.retrigger(r.Context(), r.PathValue("job"), body.Trigger); err != nil {
		return 0, nil, err
	}
	s.acted(r, r.PathValue("job"), "trigger")
	return s.tellJob(r, l)
}

// apiReplicas lists the processes that share the state.
func (s *Server) apiReplicas(r *http.Request, l looker) (int, any, error) {
	if _, err := asking(r); err != nil {
		return 0, nil, err
	}
	list, err := s.replicas(r.Context(), l)
	answer := struct {
		Replicas []replicaJSON `json:"replicas"`
	}{[]replicaJSON{}}
	for _, v := range list {
		j := replicaJSON{
			Holder: v.Holder, Self: v.Holder == s.Reports.Scheduler().Holder(), Labels: v.Labels,
			Started: instant(v.Started), Seen: instant(v.Seen), Stopped: v.Stopped, Running: []tickJSON{},
		}
		for _, t := range v.Running {
			j.Running = append(j.Running, tickOf(t))
		}
		answer.Replicas = append(answer.Replicas, j)
	}
	return http.StatusOK, answer, err
}

// replicas are the processes that share the state, with those of their runs that
// may be seen.
func (s *Server) replicas(ctx context.Context, l looker) ([]scheduler.Replica, error) {
	list, err := s.Reports.Scheduler().Replicas(ctx)
	for i := range list {
		list[i].Running = slices.DeleteFunc(list[i].Running, func(t *scheduler.Tick) bool { return !l.sees(s, t.Job) })
	}
	return list, err
}
