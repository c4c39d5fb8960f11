package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
)

// carry gives the move command, which must end as wanted, and returns what it
// said.
func carry(t *testing.T, name, want string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, append([]string{"move"}, args...)...).CombinedOutput()
	t.Logf("move: %v\n%s", err, out)
	if !strings.Contains(string(out), want) {
		t.Fatalf("move says %s, want %q", out, want)
	}
}

// TestMoveOfState takes the state of a server to PostgreSQL and back.
func TestMoveOfState(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Start(t, "fsync=off").Database(t)
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	out, err := exec.CommandContext(t.Context(), name, "token", "create", "test", "--data", data).Output()
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(out))
	serve := func(key, total string, flags ...string) *replica {
		t.Helper()
		server, url := serveOn(t, name, data, flags...)
		r := &replica{t, server, url, data}
		if status := r.send(token, key); status/100 != 2 {
			t.Fatalf("status %d", status)
		}
		r.awaits("/s/default/pageviews.json", says(`"total":`+total))
		return r
	}
	r := serve("a", "1")
	carry(t, name, "stop it", "--data", data, "--to-state", dsn)
	r.stop()
	carry(t, name, "moved", "--data", data, "--to-state", dsn)
	carry(t, name, "moved", "--data", data, "--to-state", dsn)

	r = serve("b", "2", "--state", dsn)
	r.stop()
	carry(t, name, "another one already", "--data", data, "--state", dsn, "--to-state", "sqlite")
	if err := exec.CommandContext(t.Context(), "rm", filepath.Join(data, "state.db")).Run(); err != nil {
		t.Fatal(err)
	}
	carry(t, name, "moved", "--data", data, "--state", dsn, "--to-state", "sqlite")
	serve("c", "3")
}

// TestMoveOfPageviews takes the pageviews of a server to ClickHouse, most of them
// while it runs, and the state to PostgreSQL, and both back.
func TestMoveOfPageviews(t *testing.T) {
	t.Parallel()
	there := clickhousetest.Start(t).Database(t)
	dsn := pgtest.Start(t, "fsync=off").Database(t)
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	out, err := exec.CommandContext(t.Context(), name, "token", "create", "test", "--data", data).Output()
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(out))
	log := writeLog(t, 3000)
	if out, err := exec.CommandContext(t.Context(), name, "import", "--data", data, log).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	serve := func(key, total string, flags ...string) *replica {
		t.Helper()
		server, url := serveOn(t, name, data, flags...)
		r := &replica{t, server, url, data}
		if status := r.send(token, key); status/100 != 2 {
			t.Fatalf("status %d", status)
		}
		r.awaits("/s/default/pageviews.json", says(`"total":`+total))
		return r
	}
	r := serve("a", "2701")
	to := []string{"--data", data, "--to-state", dsn, "--to-pageviews", there}
	carry(t, name, "copied 3,001 pageviews while the server went on", to...)
	if status := r.send(token, "b"); status/100 != 2 {
		t.Fatalf("status %d", status)
	}
	r.stop()
	carry(t, name, "pageviews: 1 copied now, 3,002 there", to...)
	carry(t, name, "pageviews: 0 copied now, 3,002 there", to...)

	state, pageviews := "--state="+dsn, "--pageviews="+there
	r = serve("c", "2703", state, pageviews)
	if status := r.send(token, "a"); status/100 != 2 {
		t.Fatalf("a request that came before: status %d", status)
	}
	r.stop()
	// The log counts nowhere again.
	if out, err := exec.CommandContext(t.Context(), name, "import", "--data", data, state, pageviews, log).CombinedOutput(); err != nil || !strings.Contains(string(out), "pageviews kept  0") {
		t.Errorf("%v\n%s", err, out)
	}
	exported := filepath.Join(t.TempDir(), "exported")
	if out, err := exec.CommandContext(t.Context(), name, "export", "--data", data, state, pageviews, exported).CombinedOutput(); err != nil || !strings.Contains(string(out), "exported 3,003 pageviews") {
		t.Errorf("%v\n%s", err, out)
	}
	if files, err := filepath.Glob(filepath.Join(exported, "*.parquet")); err != nil || len(files) != 3 {
		t.Errorf("%v were exported, error %v", files, err)
	}
	for _, old := range []string{"state.db", "pageviews.duckdb"} {
		if err := os.Rename(filepath.Join(data, old), filepath.Join(data, old+".old")); err != nil {
			t.Fatal(err)
		}
	}
	back := []string{"--data", data, state, pageviews, "--to-state", "sqlite", "--to-pageviews", "duckdb"}
	carry(t, name, "pageviews: 3,003 copied now, 3,003 there", back...)
	serve("d", "2704")
}

// stop ends a server in good order.
func (r *replica) stop() {
	r.Helper()
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		r.Fatal(err)
	}
	for range r.lines {
	}
	if err := r.Wait(); err != nil {
		r.Error(err)
	}
}
