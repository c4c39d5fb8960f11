package beforehand_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const throwAway = `package main

import (
	"context"
	"net/http"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/memory"
	"github.com/beforehand-go/beforehand/trigger"
)

func main() {
	site, err := beforehand.Open(context.Background(), beforehand.Config{State: memory.New()})
	if err != nil {
		panic(err)
	}
	hot := beforehand.New(site, "hot", func(context.Context) (int, error) { return 1, nil },
		beforehand.Policy{Trigger: trigger.Every(time.Hour)})
	http.Handle("GET /hot.json", hot)
}
`

// An application that embeds the light packages gets no driver and no new line
// in its go.sum, and links nothing but the standard library and this module.
func TestEmbeddingAddsNothingToAnApplication(t *testing.T) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/app\n\ngo 1.26\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n")
	write("main.go", throwAway)
	command := func(args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "go", args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOPROXY=off")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	command("mod", "tidy")
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err == nil && len(sum) > 0 {
		t.Errorf("go.sum has %d lines:\n%s", strings.Count(string(sum), "\n"), sum)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(mod), "// indirect"); n > 0 {
		t.Errorf("go.mod has %d indirect requirements:\n%s", n, mod)
	}
	deps := command("list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	for p := range strings.FieldsSeq(deps) {
		if p != "example.com/app" && p != module && !strings.HasPrefix(p, module+"/") {
			t.Errorf("the application links %s", p)
		}
	}
}
