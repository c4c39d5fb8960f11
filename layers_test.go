package beforehand_test

import (
	"errors"
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/beforehand-go/beforehand"

// layers is the import policy, lowest first. A package imports only packages
// of lines above its own, never a neighbour on the same line.
var layers = [][]string{
	{"trigger", "pageview", "token"},
	{"scheduler", "snapshot", "account", "outbox", "pageview/engine"},
	{"calendar", "scheduler/schedulertest", "snapshot/snapshottest", "pageview/pageviewtest", "token/tokentest", "account/accounttest", "account/argon", "outbox/outboxtest"},
	{".", "calendar/calendartest"},
	{"report", "collect", "chart", "statetest", "clickhouse/spool"},
	{"memory", "sqlite", "postgres", "duckdb", "clickhouse", "metrics", "database", "country", "collect/salttest", "listen"},
	{"collect/collecttest", "tables", "exports", "declared", "articles", "receive", "snippet", "courier", "middleware", "middleware/queue"},
	{"config", "picture"},
	{"embedded", "move"},
	{"web"},
	{"notice"},
	{"examples/blog", "examples/django", "examples/way", "examples/embed", "examples/middleware", "examples/reports"},
	{"server"},
	{"cmd/beforehand"},
}

// light packages, and their tests, import the standard library and each other
// only, so that embedding them adds no line to an application's go.sum.
var light = []string{
	"trigger", "pageview", "pageview/engine", "token", "scheduler", "snapshot", "calendar", "calendar/calendartest", "outbox", "outbox/outboxtest", "account",
	"scheduler/schedulertest", "snapshot/snapshottest", "pageview/pageviewtest", "token/tokentest", "account/accounttest",
	".", "statetest", "memory",
}

func TestLayers(t *testing.T) {
	level := map[string]int{}
	for i, line := range layers {
		for _, p := range line {
			level[p] = i
		}
	}
	for _, dir := range packageDirs(t) {
		pkg, err := build.ImportDir(dir, build.IgnoreVendor)
		if none := (*build.NoGoError)(nil); errors.As(err, &none) {
			continue
		} else if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		own, known := level[dir]
		if !known && !internal(dir) {
			t.Errorf("package %s has no line in layers_test.go", dir)
			continue
		}
		for _, imp := range pkg.Imports {
			other, ours := strings.CutPrefix(imp, module+"/")
			if imp == module {
				other, ours = ".", true
			}
			switch {
			case !ours && slices.Contains(light, dir) && !standard(imp):
				t.Errorf("%s is light and must not import %s", dir, imp)
			case ours && internal(other):
				continue
			case ours && internal(dir):
				t.Errorf("internal package %s must not import %s", dir, imp)
			case ours && level[other] >= own:
				t.Errorf("%s must not import %s: it is not on a line above", dir, other)
			}
		}
		if slices.Contains(light, dir) {
			for _, imp := range slices.Concat(pkg.TestImports, pkg.XTestImports) {
				other, ours := strings.CutPrefix(imp, module+"/")
				ok := standard(imp) || imp == module ||
					ours && (internal(other) || slices.Contains(light, other))
				if !ok {
					t.Errorf("the tests of %s must not import %s", dir, imp)
				}
			}
		}
	}
}

// packageDirs lists the folders of this module that may hold a package.
func packageDirs(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name := d.Name()
		if p != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules") {
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil && p != "." {
			return fs.SkipDir
		}
		dirs = append(dirs, filepath.ToSlash(p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func internal(dir string) bool {
	return dir == "internal" || strings.HasPrefix(dir, "internal/")
}

// standard tells whether an import path is the standard library's: its first
// element has no dot.
func standard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return path.Clean(imp) == imp && !strings.Contains(first, ".")
}
