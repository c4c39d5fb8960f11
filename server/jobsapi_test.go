package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/server"
	"github.com/beforehand-go/beforehand/token"
	"github.com/beforehand-go/beforehand/trigger"
)

// jobsDescription is as much of the description as the answers of jobs need.
type jobsDescription struct {
	Paths map[string]map[string]struct {
		Parameters []struct{ Name, In string }
		Responses  map[string]struct {
			Content map[string]struct{ Schema map[string]any }
		}
	}
	Components struct {
		Schemas map[string]map[string]any
	}
}

// apiClient asks the API of jobs as a machine's own user does, and holds each
// answer to the description.
type apiClient struct {
	t    *testing.T
	s    *server.Server
	d    jobsDescription
	seen map[string]bool // the statuses that were answered, by method and path
}

func newAPIClient(t *testing.T, s *server.Server) *apiClient {
	c := &apiClient{t: t, s: s, seen: map[string]bool{}}
	if err := json.Unmarshal(get(s.Handler(), "/api/v1/openapi.json").Body.Bytes(), &c.d); err != nil {
		t.Fatal(err)
	}
	return c
}

// ask asks by a path of the description, of which {job} and the like are filled
// in, and returns the answer.
func (c *apiClient) ask(method, path, query, body string, want int, put ...string) map[string]any {
	c.t.Helper()
	target := path
	for i := 0; i < len(put); i += 2 {
		target = strings.ReplaceAll(target, "{"+put[i]+"}", url.PathEscape(put[i+1]))
	}
	r := httptest.NewRequestWithContext(c.t.Context(), method, target+query, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:4711"
	w := httptest.NewRecorder()
	c.s.Handler().ServeHTTP(w, r)
	if w.Code != want {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, target+query, w.Code, want, w.Body)
	}
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		c.t.Fatalf("%s %s: %s", method, target, w.Body)
	}
	c.seen[fmt.Sprintf("%s %s %d", strings.ToLower(method), path, want)] = true
	answer, ok := c.d.Paths[path][strings.ToLower(method)].Responses[fmt.Sprint(want)]
	switch {
	case !ok:
		c.t.Errorf("%s %s: %d is not described", method, path, want)
	case want < 300:
		c.check(method+" "+path, answer.Content["application/json"].Schema, doc)
	case doc["error"] == "" || doc["error"] == nil:
		c.t.Errorf("%s %s: %d without a reason: %s", method, path, want, w.Body)
	}
	return doc
}

// check holds a value to its schema.
func (c *apiClient) check(where string, schema map[string]any, v any) {
	c.t.Helper()
	if name, ok := schema["$ref"].(string); ok {
		schema = c.d.Components.Schemas[strings.TrimPrefix(name, "#/components/schemas/")]
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			c.check(where, schema["items"].(map[string]any), item)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for _, name := range schema["required"].([]any) {
			if _, ok := v[name.(string)]; !ok {
				c.t.Errorf("%s lacks %s", where, name)
			}
		}
		for name, value := range v {
			if properties[name] == nil {
				c.t.Errorf("%s has %s, which is not described", where, name)
				continue
			}
			c.check(where+" "+name, properties[name].(map[string]any), value)
		}
	default:
		if kinds := fmt.Sprint(schema["type"]); !strings.Contains(kinds, kindOf(v)) && (kindOf(v) != "number" || !strings.Contains(kinds, "integer")) {
			c.t.Errorf("%s is %v, described as %v", where, v, kinds)
		}
		if enum, ok := schema["enum"].([]any); ok && v != nil && !slices.Contains(enum, v) {
			c.t.Errorf("%s is %v, which is not among %v", where, v, enum)
		}
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	}
	return "number"
}

const (
	apiJobs  = "/api/v1/jobs"
	apiJob   = "/api/v1/jobs/{job}"
	apiTicks = "/api/v1/jobs/{job}/ticks"
	apiTick  = "/api/v1/jobs/{job}/ticks/{due}"
	apiRun   = "/api/v1/jobs/{job}/run"
	apiAct   = "/api/v1/jobs/{job}/{action}"
	apiSet   = "/api/v1/jobs/{job}/trigger"
	apiLook  = "/api/v1/jobs/{job}/preview"
)

// TestTheAPIOfJobs goes through everything that can be done, and finds every
// answer as it is described, and every answer that is described but those of a
// store that is away and of who may not.
func TestTheAPIOfJobs(t *testing.T) {
	s := start(t)
	half, begun := make(chan struct{}), make(chan struct{}, 10)
	err := s.Reports.Scheduler().Add(t.Context(), scheduler.Job{
		Name: "job/blog/ten%/ü", Trigger: trigger.Every(time.Hour), Timeout: time.Minute, Grace: time.Second,
		Retry: scheduler.Retry{Attempts: 2, Backoff: time.Nanosecond},
		Run: func(ctx context.Context, run *scheduler.Run) error {
			run.Progress(3, 10, "<b>posts")
			run.Logger().Warn("attempt", "n", run.Attempt)
			begun <- struct{}{}
			select {
			case <-half:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			if run.Attempt == 1 {
				return errors.New("not yet")
			}
			return nil
		},
	})
	if err == nil {
		err = s.Reports.Scheduler().Add(t.Context(), scheduler.Job{Name: "then", After: []string{"blog/hot"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	c := newAPIClient(t, s)
	job := []string{"job", "job/blog/ten%/ü"}
	do := func(method, path, query, body string, want int, more ...string) map[string]any {
		t.Helper()
		return c.ask(method, path, query, body, want, append(slices.Clone(job), more...)...)
	}

	first := do("GET", apiJobs, "?limit=1", "", 200)
	if list := first["jobs"].([]any); len(list) != 1 || first["next"] != list[0].(map[string]any)["name"] {
		t.Errorf("the first page: %v", first)
	}
	rest := do("GET", apiJobs, "?after=blog/hot&q=TEN%25&lang=zh", "", 200)["jobs"].([]any)
	if one := rest[0].(map[string]any); len(rest) != 1 || one["name"] != job[1] || one["means"] != "每小时" || one["state"] != "fresh" {
		t.Errorf("%v", rest)
	}
	for _, query := range []string{"?nonsense=1", "?limit=0", "?limit=1&limit=2", "?%zz"} {
		do("GET", apiJobs, query, "", 400)
	}

	tick := do("POST", apiRun, "", "", 202)
	<-begun
	now := do("GET", apiJob, "", "", 200)
	running := now["running"].([]any)[0].(map[string]any)
	if now["state"] != "running" || running["progress"].(map[string]any)["done"] != 3.0 || running["logged"] != 1.0 {
		t.Errorf("while it runs: %v", now)
	}
	replicas := do("GET", "/api/v1/replicas", "", "", 200)["replicas"].([]any)
	if one := replicas[0].(map[string]any); one["self"] != true || !strings.Contains(fmt.Sprint(one["running"]), job[1]) {
		t.Errorf("replicas %v", replicas)
	}
	close(half)
	done := do("POST", apiRun, "?wait=60", "", 200)
	logs := fmt.Sprint(done["logs"])
	if done["due"] != tick["due"] || done["outcome"] != "succeeded" || len(done["earlier"].([]any)) != 1 ||
		!strings.Contains(logs, "attempt n=1") || !strings.Contains(logs, "attempt n=2") || !strings.Contains(logs, "level:WARN") {
		t.Errorf("after it: %v", done)
	}
	if one := do("GET", apiTick, "", "", 200, "due", done["due"].(string)); fmt.Sprint(one) != fmt.Sprint(done) {
		t.Errorf("got  %v\nwant %v", one, done)
	}
	do("GET", apiTick, "", "", 404, "due", "2001-01-01T00:00:00Z")
	do("GET", apiTick, "", "", 404, "due", "yesterday")
	do("GET", apiTick, "?x=1", "", 400, "due", done["due"].(string))
	if again := do("POST", apiRun, "?wait=60&fresh=true", "", 200); again["due"] == done["due"] {
		t.Error("a fresh run is the old one")
	}
	do("POST", apiRun, "?wait=1000", "", 400)
	do("POST", apiRun, "?fresh=maybe", "", 400)

	page := do("GET", apiTicks, "?limit=1", "", 200)
	before := url.QueryEscape(page["next"].(string))
	if older := do("GET", apiTicks, "?outcome=succeeded&before="+before, "", 200); len(older["ticks"].([]any)) != 1 || older["next"] != nil {
		t.Errorf("the second page: %v", older)
	}
	do("GET", apiTicks, "?before=soon", "", 400)

	look := do("GET", apiLook, "?trigger="+url.QueryEscape("daily 01:30 in Europe/London"), "", 200)
	if len(look["ticks"].([]any)) < 10 || len(look["changes"].([]any)) == 0 {
		t.Errorf("preview %v", look)
	}
	do("GET", apiLook, "?x=1", "", 400)
	if mistake := do("GET", apiLook, "?trigger=dayly", "", 422); mistake["parameter"] != "trigger" {
		t.Errorf("%v", mistake)
	}
	set := do("PUT", apiSet, "?lang=zh", `{"trigger":" daily 03:00 "}`, 200)
	if set["trigger"] != "daily 03:00 in UTC" || set["declared_trigger"] != "every 1h" {
		t.Errorf("%v", set)
	}
	do("PUT", apiSet, "", `{"trigger":"dayly"}`, 422)
	for _, body := range []string{``, `{"triger":"daily 03:00"}`, `{"trigger":"daily 03:00"} {}`, `{"trigger":"` + strings.Repeat("x", 20<<10) + `"}`} {
		do("PUT", apiSet, "", body, 400)
	}
	c.ask("PUT", apiSet, "", `{"trigger":"daily 03:00"}`, 422, "job", "then")

	for action, state := range map[string]string{"pause": "paused", "resume": "ready", "cancel": "ready"} {
		if action == "resume" {
			do("POST", apiAct, "", "", 200, "action", "pause")
		}
		got := do("POST", apiAct, "", "", 200, "action", action)
		if action != "cancel" && got["state"] != state {
			t.Errorf("%s: %v", action, got["state"])
		}
	}
	do("POST", apiAct, "", "", 404, "action", "explode")
	do("POST", apiAct, "?x=1", "", 400, "action", "pause")
	do("GET", apiJob, "?x=1", "", 400)
	do("PUT", apiSet, "?x=1", `{}`, 400)
	do("GET", "/api/v1/replicas", "?x=1", "", 400)
	for _, path := range []string{apiJob, apiTicks, apiLook} {
		c.ask("GET", path, "", "", 404, "job", "none")
	}
	c.ask("PUT", apiSet, "", `{"trigger":"never"}`, 404, "job", "none")
	c.ask("POST", apiRun, "", "", 404, "job", "none")

	for path, methods := range c.d.Paths {
		if !strings.HasPrefix(path, apiJobs) && path != "/api/v1/replicas" {
			continue
		}
		for method, of := range methods {
			for status := range of.Responses {
				if status != "401" && status != "403" && status != "503" && !c.seen[method+" "+path+" "+status] {
					t.Errorf("%s %s: %s is described and never answered", method, path, status)
				}
			}
		}
	}
}

// TestTheAPIOfJobsAsksWho holds the API to the scopes and sites of tokens.
func TestTheAPIOfJobsAsksWho(t *testing.T) {
	s := startSites(t, sites("blog", "shop"))
	tokens := map[string]token.Token{
		"reads":  {Scopes: []token.Scope{token.JobsRead}},
		"writes": {Scopes: []token.Scope{token.JobsRead, token.JobsWrite}, Sites: []string{"blog"}},
		"stats":  {Scopes: []token.Scope{token.StatsRead}},
	}
	store, secrets := memory.New().Tokens(), map[string]string{"unheard": "beforehand_no"}
	for name, scopes := range tokens {
		scopes.Name, secrets[name] = name, token.NewSecret()
		if err := store.Create(t.Context(), scopes, token.HashOf(secrets[name])); err != nil {
			t.Fatal(err)
		}
	}
	s.Tokens = token.NewGuard(store)
	for _, c := range []struct {
		method, path, token string
		want                int
	}{
		{"GET", "/api/v1/jobs", "", 401},
		{"GET", "/api/v1/jobs", "unheard", 401},
		{"GET", "/api/v1/jobs", "stats", 403},
		{"GET", "/api/v1/jobs", "reads", 200},
		{"GET", "/api/v1/jobs/blog%2Fhot", "reads", 200},
		{"GET", "/api/v1/jobs/blog%2Fhot/ticks", "reads", 200},
		{"GET", "/api/v1/replicas", "reads", 200},
		{"POST", "/api/v1/jobs/blog%2Fhot/pause", "reads", 403},
		{"PUT", "/api/v1/jobs/blog%2Fhot/trigger", "reads", 403},
		{"POST", "/api/v1/jobs/blog%2Fhot/run", "reads", 403},
		{"POST", "/api/v1/jobs/blog%2Fhot/pause", "writes", 200},
		{"POST", "/api/v1/jobs/shop%2Fhot/pause", "writes", 404},
		{"GET", "/api/v1/jobs/shop%2Fhot", "writes", 404},
		{"GET", "/api/v1/jobs/shop%2Fhot/ticks/2026-01-01T00:00:00Z", "writes", 404},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(`{"trigger":"never"}`))
		r.RemoteAddr = "203.0.113.9:1"
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+secrets[c.token])
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != c.want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s with %q: %d %s, want %d", c.method, c.path, c.token, w.Code, w.Body, c.want)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/jobs/blog%2Fhot/pause", http.NoBody)
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1"
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("a page elsewhere: %d", w.Code)
	}
}
