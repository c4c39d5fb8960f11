package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/pgtest"
)

// replica is a server under way whose state is in PostgreSQL.
type replica struct {
	*testing.T
	*process
	url, data string
}

// awaits asks for a path until the answer is as wanted.
func (r *replica) awaits(path string, is func(status int, body string) bool) {
	r.Helper()
	var status int
	var body string
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if status, body = fetch(r.T, r.url+path); is(status, body) {
			return
		}
	}
	r.Fatalf("%s is %d %q", path, status, body)
}

func says(want string) func(int, string) bool {
	return func(status int, body string) bool { return status == http.StatusOK && strings.Contains(body, want) }
}

// send sends a pageview by the API.
func (r *replica) send(token, key string) int {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.url+"/api/v1/pageviews",
		strings.NewReader(fmt.Sprintf(`{"path":"/p","visitor":%q}`, key)))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Idempotency-Key", key)
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// TestCutOffFromPostgreSQL ends the database under a server and starts it again.
// Meanwhile the last results are served and pageviews are taken in.
func TestCutOffFromPostgreSQL(t *testing.T) {
	t.Parallel()
	database := pgtest.Start(t)
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	state := "--state=" + database.Database(t)
	out, err := exec.CommandContext(t.Context(), name, "token", "create", "test", "--data", data, state).Output()
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(out))
	server, url := serveOn(t, name, data, state)
	r := &replica{t, server, url, data}
	if status := r.send(token, "before"); status != http.StatusAccepted && status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	const report = "/s/default/pageviews.json"
	r.awaits(report, says(`"total":1`))
	r.awaits("/readyz", says("ready"))

	database.Down(t, syscall.SIGQUIT)
	r.awaits("/readyz", says("degraded"))
	for i := range 5 {
		if status := r.send(token, fmt.Sprint("cut-off-", i)); status/100 != 2 {
			t.Errorf("cut off: status %d", status)
		}
	}
	r.awaits(report, says(`"total":1`))

	database.Up(t)
	r.awaits("/readyz", says("ready"))
	r.awaits(report, says(`"total":6`))
	copied := filepath.Join(t.TempDir(), "backup")
	if out, err := exec.CommandContext(t.Context(), name, "backup", "--data", data, state, copied).CombinedOutput(); err != nil || !strings.Contains(string(out), "pg_dump") {
		t.Fatalf("%v\n%s", err, out)
	}
	r.kill()
	if got := pageCounts(t, data)["/p"]; got != 6 {
		t.Errorf("%d pageviews kept, want 6", got)
	}

	// The disk is lost, and what was backed up goes on with the same state.
	restored := filepath.Join(t.TempDir(), "restored")
	out, err = exec.CommandContext(t.Context(), name, "restore", "--data", restored, "--key", filepath.Join(data, "key"), copied).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server, url = serveOn(t, name, restored, state)
	r = &replica{t, server, url, restored}
	r.awaits(report, says(`"total":6`))
	if status := r.send(token, "after"); status/100 != 2 {
		t.Errorf("status %d", status)
	}
	r.awaits(report, says(`"total":7`)) // once the lease of the one that was killed has run out
}
