package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestADeclaredReportIsServedAndRunThroughTheServer has the server compute what
// the configuration declares, at start and when the command asks for it.
func TestADeclaredReportIsServedAndRunThroughTheServer(t *testing.T) {
	t.Parallel()
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"beforehand.yaml": `
publish: files
sites:
  - name: blog
    standard: days
    reports:
      - {name: top, run: [cat, top.csv], chart: bars}
`,
		"top.csv": "page,n\n/a,3\n",
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		write(name, text)
	}
	server := startProcess(t, "stdout", name, "serve", "--data", data, "--listen", "localhost:0")
	_, rest, _ := strings.Cut(<-server.lines, "serving ")
	url, _, _ := strings.Cut(rest, " ")
	var got string
	for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(got, "/a: 3"); time.Sleep(50 * time.Millisecond) {
		if _, got = fetch(t, url+"/s/blog/top.svg"); time.Now().After(deadline) {
			t.Fatalf("the chart is %s", got)
		}
	}
	for _, file := range []string{"days.json", "days.csv", "days.html", "days.md", "days.svg", "days.png", "top.md", "hot.png", "pageviews.md"} {
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(data, "files", "blog", file)); err == nil {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("not published: %v", err)
			}
		}
	}
	if _, got := fetch(t, url+"/s/blog/pages.json"); !strings.Contains(got, "404") {
		t.Errorf("a report that standard leaves out: %s", got)
	}
	write("top.csv", "page,n\n/a,4\n")
	out, err := exec.CommandContext(t.Context(), name, "run", "--data", data, "top").CombinedOutput()
	if err != nil || string(out) != "[{\"page\":\"/a\",\"n\":4}]\n" {
		t.Errorf("run: %s, error %v", out, err)
	}
	if _, got := fetch(t, url+"/s/blog/top.json"); got != string(out) {
		t.Errorf("served: %s", got)
	}
	if err := os.Remove(filepath.Join(data, "top.csv")); err != nil {
		t.Fatal(err)
	}
	out, err = exec.CommandContext(t.Context(), name, "run", "--data", data, "top").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "exit status 1") || !strings.Contains(string(out), "top.csv") {
		t.Errorf("run of a command that fails: %s, error %v", out, err)
	}
	if _, got := fetch(t, url+"/s/blog/top.csv"); got != "page,n\n/a,4\n" {
		t.Errorf("after a failed run: %s", got)
	}
}
