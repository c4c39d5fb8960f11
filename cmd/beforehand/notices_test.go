package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/beforehand-go/beforehand/config"
)

// TestAWeekIsTold has the weekly report of a site told to a webhook, by the jobs
// of a server and its configuration, and looks at the outbox afterwards.
func TestAWeekIsTold(t *testing.T) {
	var mu sync.Mutex
	var got []map[string]any
	down := true
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			http.Error(w, "back soon", http.StatusServiceUnavailable)
			return
		}
		var v map[string]any
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
			t.Error(err)
		}
		got = append(got, v)
	}))
	defer hook.Close()
	t.Setenv("HOOK", hook.URL+"/s3cret")
	data := t.TempDir()
	file := "webhooks: {ops: {url: \"${HOOK}\", private: true}}\nalerts: {webhooks: ops}\nsites: [{name: blog, weekly: {webhooks: ops}}]\n"
	if err := os.WriteFile(filepath.Join(data, config.FileName), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c := appConfig{log: slog.New(slog.NewTextHandler(&log, nil))}
	if err := c.settle(stdio{strings.NewReader(""), io.Discard, io.Discard}, []string{"--data", data}); err != nil {
		t.Fatal(err)
	}
	// work opens everything as serve does, runs some jobs and closes it.
	work := func(jobs ...string) {
		t.Helper()
		a, err := openApp(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.addNotices(t.Context(), c.file); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.site.Run(ctx) }()
		for _, job := range jobs {
			if err := a.site.Scheduler().Refresh(t.Context(), job); err != nil {
				t.Errorf("%s: %v", job, err)
			}
		}
		stop()
		if err := errors.Join(<-ended, a.close()); err != nil {
			t.Error(err)
		}
	}
	work("weekly/blog", "alerts", "outbox")
	command := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(t.Context(), stdio{strings.NewReader(""), &out, &errs}, append([]string{"outbox", "--data", data}, args...)); code != 0 {
			t.Errorf("%v: %s", args, errs.String())
		}
		return out.String()
	}
	list := command("list", "--only", "waiting")
	if !strings.Contains(list, "webhook:ops") || !strings.Contains(list, `the answer is 503: "back soon\n"`) || strings.Contains(list+log.String(), "s3cret") {
		t.Errorf("%s\n%s", list, log.String())
	}
	id := strings.Fields(strings.Split(list, "\n")[1])[0]
	if text := command("show", id); !strings.Contains(text, `"kind":"weekly"`) {
		t.Error(text)
	}
	command("retry", id)
	mu.Lock()
	down = false
	mu.Unlock()
	work("outbox")
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 1 || got[0]["id"] != id || got[0]["site"] != "blog" {
		t.Errorf("%v", got)
	}
}
