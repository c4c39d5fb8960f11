package notice_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/duckdb"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/notice"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/trigger"
)

var desk = &notice.Desk{From: mail.Address{Name: "Statistics", Address: "stats@example.org"}, URL: "https://stats.example.org/"}

// openStore opens a store with a site "blog" in a zone.
func openStore(t *testing.T, zone string) (*duckdb.Store, *time.Location) {
	t.Helper()
	s, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "p.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Site(t.Context(), pageview.Site{Name: "blog", Zone: zone}); err != nil {
		t.Fatal(err)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return s, loc
}

// seen appends n pageviews of a page at a time, each by a visitor of its own.
func seen(t *testing.T, s pageview.Store, at time.Time, n int, path, referrer string) {
	t.Helper()
	var b pageview.Batch
	for i := range n {
		b.Pageviews = append(b.Pageviews, pageview.Pageview{
			Site: "blog", At: at.Add(time.Duration(i) * time.Millisecond), Day: pageview.DayOf(at), Hour: pageview.HourOf(at), Path: path, Referrer: referrer, Visitor: uint64(at.Unix())<<20 + uint64(i+1), Source: pageview.SourceScript,
		})
	}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// text is the part of a mail that has no HTML, and html the other one.
func bodies(t *testing.T, m outbox.Message) (subject, text, html string) {
	t.Helper()
	letter, err := mail.ReadMessage(bytes.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	if subject, err = new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(letter.Body, params["boundary"])
	for _, to := range []*string{&text, &html} {
		p, err := r.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		*to = strings.ReplaceAll(string(all), "\r\n", "\n")
	}
	return subject, text, html
}

func TestWeekly(t *testing.T) {
	s, zone := openStore(t, "Asia/Shanghai")
	monday := time.Date(2026, 3, 2, 8, 0, 0, 0, zone)
	at := func(days, hour int) time.Time { return time.Date(2026, 3, 2+days, hour, 30, 0, 0, zone) }
	seen(t, s, at(-1, 23), 30, "/posts/a", "search.example")
	seen(t, s, at(-7, 0), 12, "/posts/<b>", "")
	seen(t, s, at(0, 0), 99, "/today", "") // of the next week
	seen(t, s, at(-8, 23), 20, "/posts/a", "")
	seen(t, s, at(-15, 23), 7, "/old", "")
	w := &notice.Weekly{
		Desk: desk, To: notice.To{Mails: []string{"owner@example.org"}, Hooks: []string{"ops"}}, Site: "blog", Title: "My blog", Zone: zone, Store: s,
		Hot: report.HotQuery{Method: report.HotPageviews, Window: report.AllTime},
	}
	messages, err := w.Messages(t.Context(), "weekly/blog@x", monday)
	if err != nil || len(messages) != 2 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	subject, text, html := bodies(t, messages[0])
	if subject != "My blog: 42 pageviews in a week (+110 %)" || messages[0].Subject != subject {
		t.Errorf("subject %q", subject)
	}
	for _, want := range []string{
		"23 February 2026 to 1 March 2026, compared with the week before\n", "          42  +110 %  pageviews\n",
		"          30   +50 %  /posts/a\n", "          12          /posts/<b>\n", "30          search.example\n",
		"Hot articles\n          99          /today\n", "https://stats.example.org/d/blog\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if !strings.Contains(html, "<bdi>/posts/&lt;b&gt;</bdi>") || strings.Contains(html, "<b>") {
		t.Error(html)
	}
	var f struct {
		ID, Kind, Site, From, To, Text, URL string
		Totals                              map[string]struct{ Now, Before int64 }
		Pages                               []struct {
			Name string
			Now  int64
		}
	}
	if err := json.Unmarshal(messages[1].Body, &f); err != nil {
		t.Fatal(err)
	}
	if f.ID != messages[1].ID() || f.Kind != "weekly" || f.From != "2026-02-23" || f.To != "2026-03-01" || f.Totals["pageviews"].Before != 20 || f.Pages[0].Name != "/posts/a" {
		t.Errorf("%+v", f)
	}
	again, err := w.Messages(t.Context(), "weekly/blog@x", monday)
	if err != nil || !bytes.Equal(again[0].Body, messages[0].Body) {
		t.Errorf("the same tick made another mail: %v", err)
	}
	w.To.Language = language.Chinese
	messages, err = w.Messages(t.Context(), "weekly/blog@x", monday)
	if err != nil {
		t.Fatal(err)
	}
	if subject, text, _ := bodies(t, messages[0]); subject != "My blog：一周内有 42 次浏览 (+110 %)" || !strings.Contains(text, "2026年2月23日 至 2026年3月1日") {
		t.Errorf("%q\n%s", subject, text)
	}
}

func TestTrafficThatStandsOut(t *testing.T) {
	s, zone := openStore(t, "Europe/Berlin")
	// The hour from 10 o'clock on a Monday after the clocks went forward.
	now := time.Date(2026, 3, 30, 11, 7, 0, 0, zone)
	for week := range 4 {
		seen(t, s, time.Date(2026, 3, 30-7*(week+1), 9, 30, 0, 0, zone), 1, "/a", "")
		seen(t, s, time.Date(2026, 3, 30-7*(week+1), 10, 30, 0, 0, zone), 90+10*week, "/a", "")
		seen(t, s, time.Date(2026, 3, 30-7*(week+1), 14, 30, 0, 0, zone), 90+10*week, "/a", "")
	}
	seen(t, s, time.Date(2026, 3, 30, 10, 30, 0, 0, zone), 500, "/a", "")
	w := &notice.Watch{
		Desk: desk, Store: s, Jobs: idle(t), Outbox: memory.New().Outbox(),
		Sites: []notice.Site{{Name: "blog", Zone: zone, Traffic: true, To: notice.To{Mails: []string{"owner@example.org"}}}},
	}
	look := func(at time.Time) []outbox.Message {
		t.Helper()
		list, err := w.Look(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	list := look(now)
	if len(list) != 1 || list[0].Kind != "spike" || list[0].Subject != "blog: 500 pageviews in the hour from 2026-03-30 10:00, where 105 are usual" {
		t.Errorf("%+v", list)
	}
	again := look(now.Add(20 * time.Minute))
	if len(again) != 1 || again[0].ID() != list[0].ID() {
		t.Errorf("the same hour is another message: %+v", again)
	}
	if list := look(time.Date(2026, 3, 30, 11, 4, 0, 0, zone)); len(list) != 0 {
		t.Errorf("the hour was judged before it was whole: %+v", list)
	}
	if list := look(time.Date(2026, 3, 30, 15, 7, 0, 0, zone)); len(list) != 1 || list[0].Kind != "drop" {
		t.Errorf("%+v", list)
	}
}

// idle is a scheduler without jobs.
func idle(t *testing.T) *scheduler.Scheduler {
	t.Helper()
	s, err := scheduler.New(scheduler.Config{Store: memory.New().Jobs()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// In a bubble of time: a job that fails for days is told of once, and again when
// it failed anew after a success.
func TestFailuresAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := memory.New()
		jobs, err := scheduler.New(scheduler.Config{Store: state.Jobs()})
		if err != nil {
			t.Fatal(err)
		}
		var fails atomic.Bool
		fails.Store(true)
		w := &notice.Watch{
			Desk: desk, Jobs: jobs, Outbox: state.Outbox(),
			Sites:  []notice.Site{{Name: "blog", Title: "My blog", Rules: notice.Rules{Failures: 3, Stale: 24 * time.Hour}, To: notice.To{Mails: []string{"a@example.org"}}}},
			Server: notice.Site{Rules: notice.Rules{Failures: 2}, To: notice.To{Hooks: []string{"ops"}}},
		}
		work := func(context.Context, *scheduler.Run) error {
			if fails.Load() {
				return errors.New("the table is gone")
			}
			return nil
		}
		err = jobs.Add(t.Context(),
			scheduler.Job{Name: "blog/hot", Trigger: trigger.Every(time.Hour), Run: work},
			scheduler.Job{Name: "blog/daily", Trigger: trigger.Every(20 * time.Hour), Run: work},
			scheduler.Job{Name: "other", Trigger: trigger.Every(time.Hour), Run: work},
			scheduler.Job{Name: "alerts", Trigger: trigger.Every(5 * time.Minute), Run: func(ctx context.Context, r *scheduler.Run) error {
				messages, err := w.Look(ctx, time.Now())
				for _, m := range messages {
					r.Commit(m)
				}
				return err
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- jobs.Run(ctx) }()
		kinds := func() string {
			t.Helper()
			list, err := state.Outbox().List(t.Context(), outbox.Query{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, m := range list {
				job, _, _ := strings.Cut(m.Tick, "@")
				all = append([]string{m.Kind + " " + job}, all...)
			}
			return strings.Join(all, ", ")
		}
		fails.Store(false)
		time.Sleep(20*time.Hour + time.Minute)
		if got := kinds(); got != "" {
			t.Errorf("where all is well: %s", got)
		}
		fails.Store(true)
		time.Sleep(30 * time.Hour)
		if got := kinds(); got != "failed other, failed blog/hot, stale blog/daily" {
			t.Errorf("after 30 hours of failures: %s", got)
		}
		fails.Store(false)
		time.Sleep(2 * time.Hour)
		fails.Store(true)
		time.Sleep(4 * time.Hour)
		if got := kinds(); got != "failed other, failed blog/hot, stale blog/daily, failed other, failed blog/hot" {
			t.Errorf("after it failed anew: %s", got)
		}
		list, err := state.Outbox().List(t.Context(), outbox.Query{Site: "blog", Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		m, err := state.Outbox().Find(t.Context(), list[0].ID())
		if err != nil {
			t.Fatal(err)
		}
		if _, text, _ := bodies(t, m); !strings.Contains(text, "the table is gone") || !strings.Contains(text, "https://stats.example.org/jobs/blog/hot") {
			t.Error(text)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestTroublesOfTheServer(t *testing.T) {
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	box := memory.New().Outbox()
	lost := outbox.Message{Kind: "weekly", Way: outbox.Mail, Recipient: "gone@example.org", Tick: "t", Subject: "My blog: 5 pageviews", Created: now}
	if _, err := box.Put(t.Context(), lost); err != nil {
		t.Fatal(err)
	}
	if err := box.Note(t.Context(), lost.New().Tried(now, &outbox.NeverError{Err: errors.New("no such person")})); err != nil {
		t.Fatal(err)
	}
	free := uint64(9)
	w := &notice.Watch{
		Desk: desk, Jobs: idle(t), Outbox: box,
		Server: notice.Site{To: notice.To{Mails: []string{"gone@example.org", "owner@example.org"}}},
		Disk:   notice.Disk{Path: "/data", Least: 0.1, Free: func() (uint64, uint64, error) { return free << 20, 100 << 20, nil }},
		Expires: func() map[string]time.Time {
			return map[string]time.Time{"a.example": now.Add(24 * time.Hour), "b.example": now.Add(30 * 24 * time.Hour)}
		},
	}
	subjects := func() map[string]int {
		t.Helper()
		list, err := w.Look(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]int{}
		for _, m := range list {
			all[m.Recipient+" "+m.Subject]++
		}
		return all
	}
	got := subjects()
	for _, want := range []string{
		"owner@example.org The disk of /data is nearly full: 9.0 MiB of 100.0 MiB are free",
		"gone@example.org The disk of /data is nearly full: 9.0 MiB of 100.0 MiB are free",
		"owner@example.org The certificate of a.example expires on Tue, 03 Mar 2026 08:00:00 UTC",
		"gone@example.org The certificate of a.example expires on Tue, 03 Mar 2026 08:00:00 UTC",
		"owner@example.org A message could not be delivered: “My blog: 5 pageviews” to gone@example.org",
	} {
		if got[want] != 1 {
			t.Errorf("%q is told %d times", want, got[want])
		}
	}
	if len(got) != 5 {
		t.Errorf("%v", got)
	}
	free = 10
	if got := subjects(); len(got) != 3 {
		t.Errorf("with room again: %v", got)
	}
}
