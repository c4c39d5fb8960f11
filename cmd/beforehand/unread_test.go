package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/sqlite"
)

// TestImportLeavesTheDashboardToTheServer imports before the first start and
// between two: the server computes the cards, and shows what both told.
func TestImportLeavesTheDashboardToTheServer(t *testing.T) {
	t.Parallel()
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	log := filepath.Join(t.TempDir(), "access.log")
	for round := 1; round <= 2; round++ {
		var lines strings.Builder
		for i := range 10 * round {
			fmt.Fprintf(&lines, "203.0.113.%d - - [%s] \"GET /p HTTP/1.1\" 200 5 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0\"\n",
				i, time.Now().AddDate(0, 0, -2).Format("02/Jan/2006:15:04:05 -0700"))
		}
		text, _ := os.ReadFile(log)
		if err := os.WriteFile(log, append(text, lines.String()...), 0o600); err != nil {
			t.Fatal(err)
		}
		ran := computed(t, data, "default/dashboard")
		out, err := exec.CommandContext(t.Context(), name, "import", "--data", data, log).CombinedOutput()
		if err != nil || !strings.Contains(string(out), fmt.Sprintf("pageviews kept  %d\n", 10*round)) {
			t.Fatalf("import says %s, error %v", out, err)
		}
		if again := computed(t, data, "default/dashboard"); again != ran {
			t.Errorf("the cards were computed %d times before an import and %d after", ran, again)
		}
		for _, job := range []string{"default/pageviews", "default/hot"} {
			if n := computed(t, data, job); round == 1 && n != 1 {
				t.Errorf("%s was computed %d times by the first import", job, n)
			}
		}

		p := startProcess(t, "stdout", name, "serve", "--data", data, "--listen", "localhost:0")
		_, rest, _ := strings.Cut(<-p.lines, "serving ")
		url, _, _ := strings.Cut(rest, " ")
		want := fmt.Sprintf(`"total":{"pageviews":%d,`, 10*round*(round+1)/2)
		r := replica{T: t, process: p, url: url}
		r.awaits("/d/default/total.json", says(want))
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for range p.lines {
		}
		p.Wait()
	}
}

// computed is how often a job succeeded in a data directory that nobody uses.
func computed(t *testing.T, data, job string) int {
	t.Helper()
	path := filepath.Join(data, "state.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	state, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	ticks, err := state.Jobs().Ticks(t.Context(), scheduler.Query{Job: job, Outcome: scheduler.Succeeded, Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	return len(ticks)
}
