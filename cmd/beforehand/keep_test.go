package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCopiesOfARunningServer backs up and exports through the server, restores
// the backup, and asks it for the same reports.
func TestCopiesOfARunningServer(t *testing.T) {
	t.Parallel()
	name, log, dir := program(t), writeLog(t, 3_000), t.TempDir()
	data, again := filepath.Join(dir, "d"), filepath.Join(dir, "again")
	do := func(want string, args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("beforehand %v: %v\n%s", args, err, out)
		}
	}
	do("pageviews kept", "import", "--data", data, log)
	server, _ := serveOn(t, name, data)
	do("backed up 3,000 pageviews", "backup", "--data", data, filepath.Join(dir, "b"))
	do("exported 3,000 pageviews", "export", "--data", data, "--format", "csv", filepath.Join(dir, "e"))
	out, err := exec.CommandContext(t.Context(), name, "backup", "--data", data, filepath.Join(dir, "b")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is not empty") {
		t.Errorf("a backup over another: %v\n%s", err, out)
	}
	server.kill()
	do("restored 3,000 pageviews", "restore", "--data", again, "--key", filepath.Join(data, "key"), filepath.Join(dir, "b"))
	if got, want := numbers(t, name, again), numbers(t, name, data); got != want {
		t.Errorf("restored\n got %.600s\nwant %.600s", got, want)
	}
}
