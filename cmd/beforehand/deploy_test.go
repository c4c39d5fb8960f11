package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/beforehand-go/beforehand/config"
)

// TestDeployFiles reads what deploy/ holds for replicas: it must be YAML, name
// only variables that serve knows and paths that it serves, and hold a
// configuration that it takes.
func TestDeployFiles(t *testing.T) {
	c := &appConfig{}
	flags := c.serveFlags()
	known := map[string]bool{}
	for _, name := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(flags.FlagUsages(), -1) {
		known[variable(name[1])] = true
	}
	for _, name := range []string{"compose.yaml", "kubernetes/beforehand.yaml", "systemd/replica.conf"} {
		text, err := os.ReadFile(filepath.Join("../../deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		variables := regexp.MustCompile(`BEFOREHAND_[A-Z_]+`).FindAllString(string(text), -1)
		if len(variables) < 4 {
			t.Errorf("%s sets %v", name, variables)
		}
		for _, v := range variables {
			if !known[v] {
				t.Errorf("%s: serve has no flag for %s", name, v)
			}
		}
		if strings.HasSuffix(name, ".yaml") {
			checkYAML(t, name, text)
		}
	}
}

// checkYAML reads all documents of a file, and takes the configuration out of
// them, where there is one.
func checkYAML(t *testing.T, name string, text []byte) {
	t.Helper()
	in := yaml.NewDecoder(bytes.NewReader(text))
	kinds := 0
	for {
		var doc map[string]any
		err := in.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		kinds++
		data, _ := doc["data"].(map[string]any)
		if inner, ok := data["beforehand.yaml"].(string); ok {
			if _, err := config.Parse("beforehand.yaml", []byte(inner)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if kinds == 0 {
		t.Errorf("%s is empty", name)
	}
}

// TestNginxTakesItsConfiguration has nginx read what deploy/ holds for it.
func TestNginxTakesItsConfiguration(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed (apt install nginx)")
	}
	for _, name := range []string{"beforehand.conf", "replicas.conf"} {
		text, err := os.ReadFile(filepath.Join("../../deploy/nginx", name))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		// The names of replicas are those of the compose file, which nobody knows here.
		here := strings.NewReplacer("one:8080", "127.0.0.1:8081", "two:8080", "127.0.0.1:8082", "three:8080", "127.0.0.1:8083", "listen 80;", "listen 127.0.0.1:8080;").Replace(string(text))
		whole := filepath.Join(dir, "nginx.conf")
		for file, text := range map[string]string{
			filepath.Join(dir, name): here,
			whole:                    "pid " + dir + "/pid; error_log stderr; events {} http { include " + dir + "/" + name + "; }",
		} {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := exec.CommandContext(t.Context(), nginx, "-t", "-c", whole, "-e", "stderr").CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestSystemdTakesItsUnit has systemd read the unit, alone and as a replica has it.
func TestSystemdTakesItsUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd is not installed (apt install systemd)")
	}
	unit, err := os.ReadFile("../../deploy/systemd/beforehand.service")
	if err != nil {
		t.Fatal(err)
	}
	replica, err := os.ReadFile("../../deploy/systemd/replica.conf")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable() // where the program would be
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "beforehand.service")
	if err := os.WriteFile(file, bytes.ReplaceAll(unit, []byte("/usr/local/bin/beforehand"), []byte(program)), 0o600); err != nil {
		t.Fatal(err)
	}
	verify := func(what string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
	verify("alone")
	if err := os.Mkdir(file+".d", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(file+".d", "replica.conf"), replica, 0o600); err != nil {
		t.Fatal(err)
	}
	verify("as a replica")
}
