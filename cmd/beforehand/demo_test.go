package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDemoThenServe fills a demo, compares its slow pages with its instant
// ones, and serves and publishes what it left behind.
func TestDemoThenServe(t *testing.T) {
	t.Parallel()
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	demo := startProcess(t, "stdout", name, "demo", "--data", data, "--pageviews", "20000", "--until", "2026-10-31", "--listen", "localhost:0")
	line := <-demo.lines
	url, ok := strings.CutPrefix(line, "the instant page  ")
	if !ok {
		t.Fatalf("the demo said %q", line)
	}
	_, pageviews := fetch(t, url+"/s/default/pageviews.json")
	_, hot := fetch(t, url+"/s/default/hot.json")
	var counted struct {
		Unit   string
		Labels []string
		Series []struct {
			Path   string
			Values []int64
		}
		Total int64
	}
	if err := json.Unmarshal([]byte(pageviews), &counted); err != nil {
		t.Fatal(err)
	}
	if counted.Total != 20_000 || counted.Unit != "month" || len(counted.Labels) < 12 || len(counted.Series) != 11 {
		t.Errorf("%+v", counted)
	}
	if strings.Contains(hot, `"path":"/"`) || strings.Count(hot, `"path":"/posts/`) != 20 {
		t.Errorf("the hot list is not one of articles: %s", hot)
	}
	for path, instant := range map[string]string{"pageviews": pageviews, "hot": hot} {
		if _, live := fetch(t, url+"/live/s/default/"+path+".json"); strings.TrimSpace(live) != strings.TrimSpace(instant) {
			t.Errorf("%s, live: %.300s\ninstant: %.300s", path, live, instant)
		}
	}
	demo.kill()

	publish := filepath.Join(t.TempDir(), "publish")
	server := startProcess(t, "stdout", name, "serve", "--data", data, "--listen", "localhost:0", "--publish", publish)
	_, rest, _ := strings.Cut(<-server.lines, "serving ")
	url, _, _ = strings.Cut(rest, " ")
	if code, again := fetch(t, url+"/s/default/pageviews.json"); code != 200 || again != pageviews {
		t.Errorf("after a restart: status %d, %.300s", code, again)
	}
	if _, metrics := fetch(t, url+"/metrics"); !strings.Contains(metrics, `beforehand_job_next_due_timestamp_seconds{job="default/hot"}`) {
		t.Errorf("metrics: %.500s", metrics)
	}
	if code, ready := fetch(t, url+"/readyz"); code != 200 || ready != "ready\n" {
		t.Errorf("readiness: status %d, %q", code, ready)
	}
	file := filepath.Join(publish, "default", "pageviews.json")
	deadline := time.Now().Add(2 * time.Minute)
	for {
		text, err := os.ReadFile(file)
		if err == nil && string(text) == pageviews {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("published %.300s, error %v", text, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
