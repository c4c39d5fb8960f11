package server_test

import (
	"context"
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

// visit is a request for pages of jobs. The zero value of what is left out is
// somebody who sits at the machine.
type visit struct {
	method, path, addr, host, header, value string
	form                                    url.Values
}

func (v visit) do(s *server.Server) *httptest.ResponseRecorder {
	if v.method == "" {
		v.method = http.MethodGet
	}
	r := httptest.NewRequest(v.method, v.path, strings.NewReader(v.form.Encode()))
	r.RemoteAddr, r.Host = "127.0.0.1:9", "localhost:8080"
	if v.addr != "" {
		r.RemoteAddr = v.addr
	}
	if v.host != "" {
		r.Host = v.host
	}
	if v.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.header != "" {
		r.Header.Set(v.header, v.value)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// action is a visit that does something to a job.
func action(job, name string) visit {
	return visit{method: http.MethodPost, path: "/jobs/" + job, form: url.Values{"action": {name}}}
}

// addJob adds a job that is never due by itself.
func addJob(t *testing.T, s *server.Server, name string, run func(context.Context, *scheduler.Run) error) {
	t.Helper()
	if run == nil {
		run = func(context.Context, *scheduler.Run) error { return nil }
	}
	err := s.Reports.Scheduler().Add(t.Context(), scheduler.Job{Name: name, Trigger: trigger.Never{}, Run: run})
	if err != nil {
		t.Fatal(err)
	}
}

func TestJobsAreTheOwners(t *testing.T) {
	s := start(t, "shop")
	addJob(t, s, "job/blog/mine", nil)
	addJob(t, s, "housekeeping", nil)
	tokens := memory.New().Tokens()
	bearer := func(name string, sites []string, scopes ...token.Scope) string {
		secret := token.NewSecret()
		if err := tokens.Create(t.Context(), token.Token{Name: name, Scopes: scopes, Sites: sites}, token.HashOf(secret)); err != nil {
			t.Fatal(err)
		}
		return "Bearer " + secret
	}
	reads := bearer("reads", nil, token.JobsRead)
	writes := bearer("writes", nil, token.JobsRead, token.JobsWrite)
	onlyWrites := bearer("only-writes", nil, token.JobsWrite)
	stats := bearer("stats", nil, token.StatsRead, token.PageviewsWrite)
	blog := bearer("blog", []string{"blog"}, token.JobsRead, token.JobsWrite)
	const elsewhere, auth = "203.0.113.7:9", "Authorization"
	run := action("job/blog/mine", "run")
	from := func(v visit, addr, host, header, value string) visit {
		v.addr, v.host, v.header, v.value = addr, host, header, value
		return v
	}
	list, detail := visit{path: "/jobs"}, visit{path: "/jobs/job/blog/mine"}
	if w := from(list, elsewhere, "", "", "").do(s); w.Code != http.StatusForbidden {
		t.Errorf("without tokens: %d", w.Code)
	}
	s.Tokens = token.NewGuard(tokens)
	for _, c := range []struct {
		who                      string
		addr, host, header, with string
		see, do                  int
	}{
		{"who sits at the machine", "127.0.0.1:9", "127.0.0.1:8080", "", "", 200, 303},
		{"by IPv6", "[::1]:9", "[::1]:8080", "", "", 200, 303},
		{"through a proxy", "127.0.0.1:9", "localhost", "X-Forwarded-For", "127.0.0.1", 401, 401},
		{"a name that was made to lead here", "127.0.0.1:9", "evil.example:8080", "", "", 401, 401},
		{"a name that looks like it", "127.0.0.1:9", "localhost.evil.example", "", "", 401, 401},
		{"nobody", elsewhere, "", "", "", 401, 401},
		{"an unknown token", elsewhere, "", auth, "Bearer beforehand_no", 401, 401},
		{"a token of other scopes", elsewhere, "", auth, stats, 403, 403},
		{"a token that only writes", elsewhere, "", auth, onlyWrites, 403, 403},
		{"a token that reads", elsewhere, "", auth, reads, 200, 403},
		{"a token that writes", elsewhere, "", auth, writes, 200, 303},
		{"a token of the site", elsewhere, "", auth, blog, 200, 303},
	} {
		for _, got := range []struct {
			what string
			code int
			want int
		}{
			{"list", from(list, c.addr, c.host, c.header, c.with).do(s).Code, c.see},
			{"page", from(detail, c.addr, c.host, c.header, c.with).do(s).Code, c.see},
			{"run", from(run, c.addr, c.host, c.header, c.with).do(s).Code, c.do},
		} {
			if got.code != got.want {
				t.Errorf("%s, %s: %d, want %d", c.who, got.what, got.code, got.want)
			}
		}
	}
	ofSite := from(list, elsewhere, "", auth, blog).do(s).Body.String()
	for name, want := range map[string]bool{"blog/hot": true, "job/blog/mine": true, "shop/hot": false, "housekeeping": false} {
		if got := strings.Contains(ofSite, ">"+name+"<"); got != want {
			t.Errorf("a token of the site blog sees %s: %v", name, got)
		}
	}
	for _, v := range []visit{{path: "/jobs/shop/hot"}, action("shop/hot", "pause"), action("housekeeping", "run")} {
		if w := from(v, elsewhere, "", auth, blog).do(s); w.Code != http.StatusNotFound {
			t.Errorf("a token of the site blog at %s: %d", v.path, w.Code)
		}
	}
}

func TestOtherSitesCannotActOnJobs(t *testing.T) {
	s := start(t)
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		v := action("blog/hot", "pause")
		v.header, v.value = header, value
		if w := v.do(s); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", header, w.Code)
		}
	}
	if st, err := s.Reports.Scheduler().Status(t.Context(), "blog/hot"); err != nil || st.Paused {
		t.Errorf("paused %v, %v", st.Paused, err)
	}
	v := action("blog/hot", "pause")
	v.header, v.value = "Origin", "http://localhost:8080"
	if w := v.do(s); w.Code != http.StatusSeeOther {
		t.Errorf("its own page: %d", w.Code)
	}
}

func TestJobsAreActedOn(t *testing.T) {
	s := start(t)
	sched := s.Reports.Scheduler()
	begun := make(chan struct{})
	addJob(t, s, "job/blog/long", func(ctx context.Context, r *scheduler.Run) error {
		r.Progress(25, 100, "a quarter <b>")
		close(begun)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	status := func() scheduler.Status {
		t.Helper()
		st, err := sched.Status(t.Context(), "job/blog/long")
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	do := func(v visit, want int) *httptest.ResponseRecorder {
		t.Helper()
		w := v.do(s)
		if w.Code != want {
			t.Fatalf("%s %s: %d %s", v.path, v.form, w.Code, w.Body)
		}
		return w
	}
	w := do(action("job/blog/long", "run"), http.StatusSeeOther)
	if to := w.Header().Get("Location"); to != "/jobs/job/blog/long?lang=en&did=run" {
		t.Errorf("leads to %s", to)
	}
	<-begun
	for _, path := range []string{"/jobs", "/jobs/job/blog/long?did=run"} {
		body := do(visit{path: path}, http.StatusOK).Body.String()
		for _, part := range []string{`value="25"`, "25 of 100", "a quarter &lt;b&gt;", sched.Holder(), `data-every="1"`} {
			if !strings.Contains(body, part) {
				t.Errorf("%s does not say %q", path, part)
			}
		}
	}
	do(action("job/blog/long", "pause"), http.StatusSeeOther)
	if !status().Paused {
		t.Error("not paused")
	}
	do(action("job/blog/long", "resume"), http.StatusSeeOther)
	if status().Paused {
		t.Error("not resumed")
	}
	do(action("job/blog/long", "cancel"), http.StatusSeeOther)
	for status().Open != nil && len(status().Open) > 0 {
		time.Sleep(5 * time.Millisecond)
	}
	body := do(visit{path: "/jobs/job/blog/long?lang=zh"}, http.StatusOK).Body.String()
	for _, part := range []string{"已取消", "应要求取消", "a quarter &lt;b&gt;"} {
		if !strings.Contains(body, part) {
			t.Errorf("the page does not say %q", part)
		}
	}
	do(action("job/blog/long", "explode"), http.StatusUnprocessableEntity)
	do(action("job/blog/none", "run"), http.StatusNotFound)
	do(visit{path: "/jobs/none"}, http.StatusNotFound)
	big := action("job/blog/long", "run")
	big.form.Set("trigger", strings.Repeat("x", 20<<10))
	do(big, http.StatusRequestEntityTooLarge)
}

func TestTriggersAreChangedAfterALook(t *testing.T) {
	all := sites("blog")
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	all[0].Zone = zone
	s := startSites(t, all)
	job, _ := s.Reports.Scheduler().Job("blog/hot")
	if job.Run == nil {
		t.Fatal("the report has no job")
	}
	change := func(text string, want int) string {
		t.Helper()
		v := action("blog/hot", "trigger")
		v.form.Set("trigger", text)
		w := v.do(s)
		if w.Code != want {
			t.Fatalf("%s: %d %s", text, w.Code, w.Body)
		}
		return w.Body.String()
	}
	look := visit{path: "/jobs/blog/hot?trigger=" + url.QueryEscape("daily 01:30")}.do(s).Body.String()
	for _, part := range []string{
		"every day at 01:30 in Europe/London", "Not changed yet", "moved from 01:30: in Europe/London the clock goes forward from 01:00 to 02:00",
		"not repeated", "<s>",
	} {
		if !strings.Contains(look, part) {
			t.Errorf("the preview does not say %q", part)
		}
	}
	if st, err := s.Reports.Scheduler().Status(t.Context(), "blog/hot"); err != nil || st.Definition.Trigger != "every 1h" {
		t.Errorf("a look changed it to %q, %v", st.Definition.Trigger, err)
	}
	body := change("daily 25:00 <b>", http.StatusUnprocessableEntity)
	if !strings.Contains(body, "daily 25:00 &lt;b&gt;\n      ^^^^^") {
		t.Errorf("the mistake is not marked: %s", body)
	}
	change(strings.Repeat("x", 3000), http.StatusUnprocessableEntity)
	change("daily 01:30", http.StatusSeeOther)
	st, err := s.Reports.Scheduler().Status(t.Context(), "blog/hot")
	if err != nil || st.Definition.Trigger != "daily 01:30 in Europe/London" || st.Declared.Trigger != "every 1h" {
		t.Errorf("it holds %q, declared %q, %v", st.Definition.Trigger, st.Declared.Trigger, err)
	}
	if after := (visit{path: "/jobs/blog/hot"}).do(s).Body.String(); !strings.Contains(after, "The program itself declares: every 1h") {
		t.Error("the page does not tell what the program declares")
	}
	if now, _ := s.Reports.Scheduler().Job("blog/hot"); now.Run == nil || now.Timeout != job.Timeout {
		t.Errorf("the job lost what it had: %+v", now)
	}
}

func TestManyJobsAreSearchedAndTurned(t *testing.T) {
	s := start(t)
	for i := range 230 {
		addJob(t, s, fmt.Sprintf("many/%03d", i), nil)
	}
	seen, path := []string{}, "/jobs?q=MANY"
	for range 3 {
		body := visit{path: path}.do(s).Body.String()
		for i := range 230 {
			if name := fmt.Sprintf("many/%03d", i); strings.Contains(body, ">"+name+"<") {
				seen = append(seen, name)
			}
		}
		if strings.Contains(body, ">blog/hot<") {
			t.Error("what was not searched for is there")
		}
		_, next, _ := strings.Cut(body, `<a class="go" href="`)
		path, _, _ = strings.Cut(strings.ReplaceAll(next, "&amp;", "&"), `"`)
	}
	if len(seen) != 230 || !slices.IsSorted(seen) || path != "" {
		t.Errorf("%d jobs on three pages, then %q", len(seen), path)
	}
	if body := (visit{path: "/jobs?q=<none>"}).do(s).Body.String(); !strings.Contains(body, "&lt;none&gt;") || strings.Contains(body, "<none>") {
		t.Error("the search is not told, or not escaped")
	}
}

func TestStrangeJobsHavePages(t *testing.T) {
	s := start(t)
	for _, name := range []string{"a//b", "..", "a/../b", "<script>alert(1)</script>", "作业/一?x=1#2%2F", "with space"} {
		addJob(t, s, name, func(context.Context, *scheduler.Run) error { return errors.New("<img src=x onerror=alert(1)>\nmore") })
		if err := s.Reports.Scheduler().Refresh(t.Context(), name); err == nil {
			t.Error("it did not fail")
		}
	}
	list := visit{path: "/jobs"}.do(s).Body.String()
	if strings.Contains(list, "<script>alert") {
		t.Error("a name is not escaped")
	}
	for part := range strings.SplitSeq(list, `<a href="`) {
		path, _, ok := strings.Cut(part, `"`)
		if !ok || !strings.HasPrefix(path, "/jobs/") || path == "/jobs/..?lang=en" { // a name that no URL can have
			continue
		}
		w := visit{path: strings.ReplaceAll(path, "&amp;", "&")}.do(s)
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "<img") || strings.Contains(w.Body.String(), "<script>alert") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestAPageOfJobsThatDidNotChangeIsNotSentAgain(t *testing.T) {
	s := start(t)
	first := visit{path: "/jobs"}.do(s)
	again := visit{path: "/jobs", header: "If-None-Match", value: first.Header().Get("ETag")}.do(s)
	if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("%d, %d bytes", again.Code, again.Body.Len())
	}
	if c := first.Header().Get("Content-Security-Policy"); !strings.Contains(c, "default-src 'none'") {
		t.Errorf("policy %q", c)
	}
}
