package beforehand_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackageComments holds every package to exactly one package comment.
func TestPackageComments(t *testing.T) {
	for _, dir := range packageDirs(t) {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		var with, code []string
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Error(err)
				continue
			}
			code = append(code, name)
			if f.Doc != nil {
				with = append(with, name)
			}
		}
		if len(code) > 0 && len(with) != 1 {
			t.Errorf("package %s has %d package comments, want 1: %v", dir, len(with), with)
		}
	}
}
