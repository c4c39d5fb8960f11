package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// prove tells whether long proofs are to run whole.
func prove() bool { return os.Getenv("BEFOREHAND_PROVE") == "1" }

// program is this test binary under the name by which it is the program.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "beforehand")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a program under way.
type process struct {
	*exec.Cmd
	lines chan string // of the output that was asked for; closed at its end
}

func startProcess(t *testing.T, out string, name string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(context.Background(), name, args...), lines: make(chan string, 1000)}
	var pipe io.ReadCloser
	var err error
	if out == "stdout" {
		p.Stderr = os.Stderr
		pipe, err = p.StdoutPipe()
	} else {
		pipe, err = p.StderrPipe()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(pipe); in.Scan(); {
			p.lines <- in.Text()
		}
	}()
	t.Cleanup(func() { p.kill() })
	return p
}

// kill is kill -9.
func (p *process) kill() {
	p.Process.Kill()
	for range p.lines {
	}
	p.Wait()
}

// serveOn starts a server and returns it with its URL.
func serveOn(t *testing.T, name, data string, flags ...string) (*process, string) {
	t.Helper()
	args := append([]string{"serve", "--data", data, "--listen", "localhost:0", "--trigger", "every 1s"}, flags...)
	p := startProcess(t, "stdout", name, args...)
	line, ok := <-p.lines
	if _, rest, found := strings.Cut(line, "serving "); found && ok {
		url, _, _ := strings.Cut(rest, " ")
		return p, url
	}
	t.Fatalf("the server said %q", line)
	return nil, ""
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// writeLog writes a log of n lines over two months.
func writeLog(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		at := time.Date(2026, 1, 1, 0, 0, i*5_000_000/n, 0, time.UTC).Format("02/Jan/2006:15:04:05 -0700")
		agent := "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
		if i%10 == 0 {
			agent = "curl/8.5.0"
		}
		fmt.Fprintf(&b, "203.0.%d.%d - - [%s] \"GET /p%d HTTP/1.1\" 200 5 \"-\" \"%s\"\n", i%7, i%250, at, i*i%31, agent)
	}
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// numbers are both reports of a data directory, after an import that finished.
func numbers(t *testing.T, name, data string) string {
	t.Helper()
	p, url := serveOn(t, name, data)
	defer p.kill()
	_, pageviews := fetch(t, url+"/s/default/pageviews.json")
	_, hot := fetch(t, url+"/s/default/hot.json")
	return pageviews + hot
}

// importUntilKilled starts an import and kills victim once it has acknowledged
// more pageviews than before and a random few more. It returns what the import
// acknowledged, and whether it finished first.
func importUntilKilled(t *testing.T, name, data, log string, victim func(*process) *process) (acknowledged int, finished bool) {
	t.Helper()
	imp := startProcess(t, "stderr", name, "import", "--data", data, log)
	after := 1 + rand.IntN(6)
	if prove() {
		after = 1 + rand.IntN(2) // the steps of a long log are long
	}
	for line := range imp.lines {
		if _, err := fmt.Sscanf(line, "committed %d", &acknowledged); err == nil {
			if after--; after == 0 {
				victim(imp).kill()
			}
		}
	}
	return acknowledged, imp.Wait() == nil
}

// TestKillNine kills the server or the import in the middle, again and again,
// while reports are refreshed each second. Nothing acknowledged is lost, and in
// the end the totals are those of an import that nobody disturbed.
func TestKillNine(t *testing.T) {
	t.Parallel()
	kills, lines := 6, 60_000
	if prove() {
		kills, lines = 30, 1_500_000
	}
	name, log := program(t), writeLog(t, lines)

	calm := filepath.Join(t.TempDir(), "calm")
	if out, err := exec.CommandContext(t.Context(), name, "import", "--data", calm, log).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := numbers(t, name, calm)

	data := filepath.Join(t.TempDir(), "data")
	sum, done := 0, false
	for i := 0; i < kills && !done; i++ {
		var acknowledged int
		if i%2 == 0 { // no server runs: the import itself is killed
			acknowledged, done = importUntilKilled(t, name, data, log, func(imp *process) *process { return imp })
		} else {
			server, url := serveOn(t, name, data)
			code, body := fetch(t, url+"/s/default/hot.json")
			for i == 1 && code != http.StatusOK { // the first result ever
				code, body = fetch(t, url+"/s/default/hot.json")
			}
			if code != http.StatusOK {
				t.Errorf("after kill %d the snapshot is not served: %d %s", i, code, body)
			}
			acknowledged, done = importUntilKilled(t, name, data, log, func(*process) *process { return server })
			server.kill()
		}
		sum += acknowledged
		t.Logf("kill %d: %d pageviews acknowledged, %d in all", i+1, acknowledged, sum)
	}
	out, err := exec.CommandContext(t.Context(), name, "import", "--data", data, log).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := numbers(t, name, data); got != want {
		t.Errorf("after the kills\n got %.600s\nwant %.600s", got, want)
	}
}
