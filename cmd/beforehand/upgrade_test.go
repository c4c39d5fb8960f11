package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/pageview"
)

// madeBy are data directories that older versions made, each by importing
// upgradeLog.
var madeBy = []string{"first", "before-accounts"}

const upgradeLog = `203.0.113.1 - - [01/Feb/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
203.0.113.2 - - [01/Feb/2026:11:00:00 +0000] "GET /b HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
203.0.113.1 - - [02/Feb/2026:11:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.5.0"
`

// unpackData makes a data directory of one of madeBy.
func unpackData(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "upgrade", name+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for in := tar.NewReader(plain); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		body, err := io.ReadAll(in)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), body, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// carryOut carries out a command line and gives what it printed.
func carryOut(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), stdio{strings.NewReader(""), &out, &errs}, args)
	return code, out.String() + errs.String()
}

// TestUpgrade opens data directories of older versions: everything is there, and
// what they had read is known.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for _, name := range madeBy {
		t.Run(name, func(t *testing.T) {
			data := unpackData(t, name)
			c := appConfig{log: slog.New(slog.DiscardHandler)}
			if err := c.settle(stdio{strings.NewReader(""), io.Discard, io.Discard}, []string{"--data", data}); err != nil {
				t.Fatal(err)
			}
			a, err := openApp(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for bots, want := range map[pageview.Bots]int64{pageview.BotsExclude: 2, pageview.BotsInclude: 3} {
				answer, err := a.store.Query(t.Context(), pageview.Query{Site: "default", Bots: bots, Metrics: []pageview.Metric{pageview.MetricPageviews, pageview.MetricVisitors}})
				if err != nil || answer.Total.Pageviews != want || answer.Total.Visitors != want {
					t.Errorf("bots %s: %+v, %v", bots, answer.Total, err)
				}
			}
			if jobs, err := a.state.Jobs().Jobs(t.Context()); err != nil || len(jobs) < 2 {
				t.Errorf("%d jobs, %v", len(jobs), err)
			}
			if list, err := a.state.Tokens().List(t.Context()); err != nil || (len(list) == 1) != (name != "first") {
				t.Errorf("tokens %+v, %v", list, err)
			}
			if err := a.close(); err != nil {
				t.Fatal(err)
			}
			log := filepath.Join(t.TempDir(), "access.log")
			if err := os.WriteFile(log, []byte(upgradeLog), 0o600); err != nil {
				t.Fatal(err)
			}
			// The first version knew a log by less: some of one may be read again.
			if code, text := carryOut(t, "import", "--data", data, log); name != "first" && (code != 0 || strings.Contains(text, "pageviews kept  ") && !strings.Contains(text, "pageviews kept  0\n")) {
				t.Errorf("the log that was read before: %d, %s", code, text)
			}
			if code, text := carryOut(t, "check", "--data", data); code != 0 {
				t.Errorf("check: %d, %s", code, text)
			}
		})
	}
}

// What a newer version says of the oldest that may use a state is heeded.
func TestStateOfANewerVersion(t *testing.T) {
	data := unpackData(t, "before-accounts")
	db, err := sql.Open("sqlite", filepath.Join(data, datadir.StateFile))
	if err != nil {
		t.Fatal(err)
	}
	set := func(column string, to int) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), "UPDATE beforehand_schema SET "+column+" = ?", to); err != nil {
			t.Fatal(err)
		}
	}
	set("version", 1000)
	if code, text := carryOut(t, "token", "--data", data, "list"); code != 0 || !strings.Contains(text, "ci") {
		t.Errorf("newer, and says nothing of older programs: %d, %s", code, text)
	}
	set("oldest", 1000)
	if code, text := carryOut(t, "token", "--data", data, "list"); code != 1 || !strings.Contains(text, "install a newer one") {
		t.Errorf("newer, and refuses older programs: %d, %s", code, text)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// previous is the commit of the version before this one.
const previous = "047452a1c1670275c722ec7039c272610efddbec"

// TestDowngrade builds the previous version, where its source is at hand, and
// lets it open what this one has left: the state as it is, the pageviews of a
// backup that was made before.
func TestDowngrade(t *testing.T) {
	if os.Getenv("BEFOREHAND_PROVE") != "1" {
		t.Skip("builds another version: set BEFOREHAND_PROVE=1")
	}
	old := buildPrevious(t)
	data := unpackData(t, "before-accounts")
	backup := filepath.Join(t.TempDir(), "backup")
	earlier := func(args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), old, args...).CombinedOutput()
		return string(out), err
	}
	if text, err := earlier("backup", "--data", data, backup); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if code, text := carryOut(t, "check", "--data", data); code != 0 {
		t.Fatalf("check: %d, %s", code, text)
	}
	if text, err := earlier("token", "list", "--data", data); err != nil || !strings.Contains(text, "ci") {
		t.Errorf("the state that a newer program has used: %v, %s", err, text)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	if text, err := earlier("restore", "--data", restored, "--key", filepath.Join(data, datadir.KeyFile), backup); err != nil {
		t.Errorf("restore: %v, %s", err, text)
	}
	if text, err := earlier("check", "--data", restored); err != nil {
		t.Errorf("check what was restored: %v, %s", err, text)
	}
}

func buildPrevious(t *testing.T) string {
	t.Helper()
	git := func(args ...string) error {
		out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "git", args...).CombinedOutput()
		if err != nil {
			t.Logf("git %v: %v\n%s", args, err, out)
		}
		return err
	}
	source := filepath.Join(t.TempDir(), "source")
	if err := git("worktree", "add", "--detach", source, previous); err != nil {
		t.Skip("the history of the repository is not at hand")
	}
	t.Cleanup(func() { _ = git("worktree", "remove", "--force", source) })
	name := filepath.Join(t.TempDir(), "beforehand")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", name, "./cmd/beforehand")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}
