package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the reference of the command line")

// TestReference holds docs/reference.md to the code: each command with its help,
// and each variable of the environment.
func TestReference(t *testing.T) {
	const name = "../../docs/reference.md"
	want := reference(t)
	got, err := os.ReadFile(name)
	if string(got) == want {
		return
	}
	if !*update {
		t.Fatalf("docs/reference.md is not what the code says; run go test ./cmd/beforehand -run TestReference -update (%v)", err)
	}
	if err := os.WriteFile(name, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
}

func reference(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Reference of the command line\n\nMade of the code; `go test ./cmd/beforehand -run TestReference -update` writes it. The\nkeys of the configuration file are in [configuration.md](configuration.md).\n\n## Commands\n\n")
	b.WriteString("| command | what it does |\n|---|---|\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", c.name, c.name, c.summary)
	}
	for _, c := range commands() {
		fmt.Fprintf(&b, "\n### %s\n\n```\n%s```\n", c.name, helpOf(t, c.name))
	}
	b.WriteString("\n## Variables of the environment\n\n`serve` takes each of its flags as a variable, every command those of `--data`,\n`--config`, `--state`, `--pageviews` and `--key`. A flag goes before its variable, a variable before the configuration file.\nAn empty variable is as good as none.\n\n| variable | in place of |\n|---|---|\n")
	(&appConfig{}).serveFlags().VisitAll(func(f *pflag.Flag) {
		fmt.Fprintf(&b, "| `%s` | `--%s` |\n", variable(f.Name), f.Name)
	})
	b.WriteString("\n| variable | what it is for |\n|---|---|\n")
	for _, v := range otherVariables {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v[0], v[1])
	}
	return b.String()
}

// otherVariables are those that stand for no flag.
var otherVariables = [][2]string{
	{"GOGC", "how seldom garbage is collected, in percent; 400 unless given"},
	{"GOMEMLIMIT", "memory beside that of the store, as long as what is held fits; 384 MiB unless given"},
	{"TZ", "the machine's time zone, which is that of sites that name none"},
	{"NOTIFY_SOCKET", "where systemd hears that the server is ready, lives or stops"},
	{"WATCHDOG_USEC", "how often systemd wants to hear that it lives, in microseconds"},
	{"WATCHDOG_PID", "the process that systemd wants to hear it of"},
	{"SSL_CERT_FILE, SSL_CERT_DIR", "certificates by which other servers are trusted, in place of the system's"},
	{"NAME", "whatever the configuration file writes as `${NAME}`, where it takes secrets"},
}

// helpOf is what a command prints for --help.
func helpOf(t *testing.T, name string) string {
	var out, errs bytes.Buffer
	if code := run(t.Context(), stdio{strings.NewReader(""), &out, &errs}, []string{name, "--help"}); code != 0 {
		t.Fatalf("%s --help: status %d, %s", name, code, errs.String())
	}
	return out.String()
}

func TestEachFlagOfServeTellsItsDefault(t *testing.T) {
	lines := regexp.MustCompile(`(?m)^ +--.*$`).FindAllString(helpOf(t, "serve"), -1)
	if len(lines) < 15 {
		t.Fatalf("%d flags found", len(lines))
	}
	for _, line := range lines {
		if !strings.Contains(line, "(default") {
			t.Errorf("no default: %s", line)
		}
	}
}

// TestVariablesAreInTheReference looks for each variable that the program reads.
func TestVariablesAreInTheReference(t *testing.T) {
	text := reference(t)
	for name, place := range variablesRead(t, "../..") {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s: the variable %s is not in the reference; add it to otherVariables", place, name)
		}
	}
}

// variablesRead are the names that os.Getenv and os.LookupEnv are called with
// in what is part of the program.
func variablesRead(t *testing.T, root string) map[string]string {
	names := map[string]string{}
	others := []string{"bench", "examples", "testdata", "tools", "scripts", "schedulertest", "pageviewtest", "collecttest"}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains(others, d.Name()) || strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || strings.HasSuffix(path, "test") && path != root {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			of, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || of.Sel.Name != "Getenv" && of.Sel.Name != "LookupEnv" {
				return true
			}
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				name, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				names[name] = path
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
