package web_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
	"github.com/beforehand-go/beforehand/web"
)

var jobsNow = time.Date(2026, 3, 28, 14, 20, 0, 0, time.UTC)

// someJobs are jobs in every state.
func someJobs() []web.Job {
	hourly := trigger.Every(time.Hour)
	job := func(name string, change func(*web.Job)) web.Job {
		j := web.Job{Trigger: hourly, Status: scheduler.Status{Here: true, State: &scheduler.State{
			Name: name, Definition: &scheduler.Definition{Trigger: "every 1h"}, Declared: &scheduler.Definition{Trigger: "every 1h"},
			Due: jobsNow.Add(40 * time.Minute),
			Record: &scheduler.Record{
				Due: jobsNow.Add(-20 * time.Minute), Outcome: scheduler.Succeeded, Success: jobsNow.Add(-19 * time.Minute),
				Took: []time.Duration{1812 * time.Millisecond, 2 * time.Second, 900 * time.Millisecond},
			},
		}}}
		change(&j)
		return j
	}
	return []web.Job{
		job("blog/hot", func(*web.Job) {}),
		job("blog/new", func(j *web.Job) { j.Record = nil }),
		job("blog/<b>", func(j *web.Job) {
			j.Record.Outcome, j.Record.Failures, j.Record.Took = scheduler.TimedOut, 3, nil
			j.Paused, j.Due = true, time.Time{}
		}),
		job("job/blog/mail", func(j *web.Job) { j.Record.Failures, j.Record.Outcome = 1, scheduler.Failed }),
		job("job/blog/import", func(j *web.Job) {
			j.Open = []scheduler.OpenTick{{Due: jobsNow, Running: true}}
			j.Running = []*scheduler.Tick{
				{Job: j.Name, Due: jobsNow, Started: jobsNow, Holder: "a/1/X", Attempt: 2, Progress: scheduler.Progress{Done: 1234, Total: 5000, Line: "<i>posts"}, Cancel: "stop"},
				{Job: j.Name, Due: jobsNow, Holder: "b/2/Y", Attempt: 1, Progress: scheduler.Progress{Done: 7}},
			}
		}),
		job("job/blog/then", func(j *web.Job) {
			j.Trigger, j.Here = nil, false
			j.Definition = &scheduler.Definition{After: []string{"blog/hot", "blog/new"}}
			j.Open = []scheduler.OpenTick{{Due: jobsNow}}
		}),
	}
}

func someJob(l language.Language) web.JobDetail {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err)
	}
	daily := trigger.Daily(trigger.Clock{Hour: 1, Minute: 30}).In(london)
	d := web.JobDetail{Job: someJobs()[3], Language: l, Now: jobsNow, Zone: london, Self: "a/1/X", MayAct: true, Did: "run", More: true}
	d.Definition = &scheduler.Definition{
		Trigger: "every 2h", Timeout: time.Minute, Overlap: scheduler.Allow(3), Misfire: scheduler.RunAll(5),
		Retry: scheduler.Retry{Attempts: 4}, Labels: []string{"gpu", "eu"},
	}
	d.Edit = &web.Edit{Text: "daily 01:30", Trigger: daily, Other: true, Ticks: trigger.Explain(daily, jobsNow, 3)}
	d.Edit.Changes = trigger.Explain(daily, time.Date(2026, 10, 25, 0, 59, 59, 0, time.UTC), 1)
	for i, o := range []scheduler.Outcome{
		scheduler.Running, scheduler.Waiting, scheduler.Succeeded, scheduler.Failed, scheduler.TimedOut,
		scheduler.Cancelled, scheduler.Missed, scheduler.Coalesced, scheduler.Skipped, "unheard of",
	} {
		t := &scheduler.Tick{Job: d.Name, Due: jobsNow.Add(-time.Duration(i) * time.Hour), Outcome: o, Count: 1}
		if i < 6 && o != scheduler.Waiting {
			t.Attempt, t.Holder, t.Started = 1, "a/1/X", t.Due.Add(2*time.Second)
			t.Ended = t.Started.Add(time.Duration(i) * time.Second)
		}
		d.History = append(d.History, t)
	}
	d.History[3].Reason = "panic: <b>\n\ngoroutine 1:\nmain.go:5"
	d.History[3].Attempt, d.History[3].Progress.Line = 2, "half & half"
	d.History[3].Earlier = []scheduler.Attempt{{Outcome: scheduler.Lost, Reason: "b/2/Y is gone", Holder: "b/2/Y", Started: jobsNow}}
	d.History[3].Progress.Logged, d.History[3].Earlier[0].Logged = 1200, 1
	d.LogOf, d.Logs = d.History[3], []*scheduler.Log{
		{Lines: []scheduler.Line{{At: jobsNow, Level: slog.LevelInfo, Text: "reading"}}},
		{Fence: 1, Dropped: 1198, Lines: []scheduler.Line{
			{At: jobsNow, Level: slog.LevelWarn, Text: "a <b>\n  second line"}, {At: jobsNow, Level: slog.LevelError, Text: "no more"},
		}},
	}
	d.History[7].Count, d.History[7].Until = 12, jobsNow.Add(-6*time.Hour)
	d.History[7].Reason = "12 or more passed unrun; the one after them stands for them"
	d.History[8].Reason = "the tick of 2026-03-28T05:20:00Z is still running"
	d.History[9].Asked = true
	return d
}

// jobPages are the pages of jobs in the states they can be in.
func jobPages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	list := web.Jobs{Now: jobsNow, Jobs: someJobs(), Count: web.Counts{Jobs: 6, Running: 1, Failing: 2, Paused: 1}, Self: "a/1/X"}
	list.Replicas = []scheduler.Replica{
		{Holder: "a/1/X", Labels: []string{"gpu", "<eu>"}, Started: jobsNow.Add(-time.Hour), Seen: jobsNow, Running: list.Jobs[4].Running[:1]},
		{Holder: "b/2/Y", Started: jobsNow.Add(-2 * time.Hour), Seen: jobsNow.Add(-time.Minute), Running: list.Jobs[4].Running[1:]},
		{Holder: "c/3/<Z>", Started: jobsNow.Add(-3 * time.Hour), Seen: jobsNow.Add(-time.Hour)},
		{Holder: "d/4/V", Seen: jobsNow.Add(-2 * time.Hour), Stopped: true},
	}
	list.Health, list.Search, list.Rest = []string{"the store <x> does not answer"}, `"><b>`, "job/blog/then"
	put := func(name string, write func(b *bytes.Buffer) error) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		all[name] = b.String()
	}
	for _, l := range language.All() {
		list.Language = l
		put("jobs-"+l.String(), func(b *bytes.Buffer) error { return web.WriteJobs(b, list) })
		put("job-"+l.String(), func(b *bytes.Buffer) error { return web.WriteJob(b, someJob(l)) })
	}
	put("jobs-none", func(b *bytes.Buffer) error { return web.WriteJobs(b, web.Jobs{Now: jobsNow}) })
	put("job-looked-at", func(b *bytes.Buffer) error {
		d := someJob(language.English)
		d.History, d.Record, d.Edit, d.MayAct, d.Did, d.Wrong = nil, nil, nil, false, "", "<i>no"
		return web.WriteJob(b, d)
	})
	put("job-mistyped", func(b *bytes.Buffer) error {
		d := someJob(language.English)
		_, wrong := trigger.Parse("daily <b>")
		d.Edit = &web.Edit{Text: "daily <b>", Wrong: wrong}
		return web.WriteJob(b, d)
	})
	put("job-too-long", func(b *bytes.Buffer) error {
		d := someJob(language.English)
		d.Edit = &web.Edit{Text: "x", Wrong: errors.New("a trigger has at most 2000 bytes")}
		return web.WriteJob(b, d)
	})
	return all
}

func TestPagesOfJobs(t *testing.T) {
	for name, html := range jobPages(t) {
		keepsPolicy(t, name, html)
		isWellFormed(t, name, html)
		for _, raw := range []string{"<b>", "<i>", "<x>"} {
			if strings.Contains(html, raw) {
				t.Errorf("%s: %s is not escaped", name, raw)
			}
		}
		file := "testdata/" + name + ".html"
		if *update {
			if err := os.WriteFile(file, []byte(html), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || html != string(want) {
			t.Errorf("differs from %s (%v); look at it and run go test -update", file, err)
		}
	}
}

func TestPagesOfJobsSayWhatIsKnown(t *testing.T) {
	all := jobPages(t)
	for name, parts := range map[string][]string{
		"jobs-en": {
			"every hour", "not run yet", "paused", "failing", "running", "waiting", "3 in a row without success", "after blog/hot, blog/new",
			`value="24"`, "1,234 of 5,000", "7 done", "asked to stop", "attempt 2", "This process cannot run it.", "this process", "after=job%2Fblog%2Fthen",
		},
		"jobs-zh": {"每小时", "尚未运行", "连续 3 次没有成功", "已要求停止", "本进程", "在 blog/hot、blog/new 之后", "不会自行到期"},
		"job-en": {
			"A run is under way.", "Not changed yet.", "moved from 01:30", "not repeated", "up to 3 run at once", "each is run, the latest 5 at most",
			"gpu, eu", "panic: &lt;b&gt;</bdi>", "goroutine 1:", "It said last:", "half &amp; half", "b/2/Y is gone", "12 ticks, up to", "at least 12 passed unrun",
			"the tick of 05:20 was still running", "unheard of", "asked for", "began 2 s late", "Everything that is kept", "The program itself declares: every 1h",
		},
		"job-zh":        {"已开始运行。", "至少 12 次未能运行", "05:20 的一次仍在运行", "超时", "用时 3 秒", "2026年3月29日 周日 02:00 (UTC+01:00)"},
		"jobs-none":     {"There is no job yet.", "Which process runs what"},
		"job-looked-at": {"It has had no tick yet.", "&lt;i&gt;no", "never"},
		"job-mistyped":  {"That is no trigger", "^"},
		"job-too-long":  {"a trigger has at most 2000 bytes"},
	} {
		for _, part := range parts {
			if !strings.Contains(all[name], part) {
				t.Errorf("%s does not say %q", name, part)
			}
		}
	}
	if strings.Contains(all["job-looked-at"], "<button") {
		t.Error("who may only look is shown a button")
	}
}

func TestJobURLs(t *testing.T) {
	for name, want := range map[string]string{
		"blog/hot": "/jobs/blog/hot?lang=en", "a//b": "/jobs/a%2F%2Fb?lang=en", "a/../b": "/jobs/a%2F..%2Fb?lang=en", "一 ?": "/jobs/%E4%B8%80%20%3F?lang=en",
	} {
		if got := web.JobURL(name, language.English); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
