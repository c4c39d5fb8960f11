package web

import (
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
)

var used = regexp.MustCompile(`(?:Say |Say\(|words\[)"([a-z_]+)"`)

// TestEverySentenceIsUsedAndThere holds templates, code and catalogue together.
func TestEverySentenceIsUsedAndThere(t *testing.T) {
	found := map[string]bool{}
	files, err := fs.Glob(os.DirFS("."), "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "view.go") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range used.FindAllSubmatch(text, -1) {
			found[string(m[1])] = true
		}
	}
	for name := range found {
		if english[name] == "" {
			t.Errorf("%q is used and has no sentence", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(english)) {
		if !found[name] {
			t.Errorf("%q is a sentence that nothing says", name)
		}
	}
}
