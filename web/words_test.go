package web

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/internal/language"
)

var (
	said   = regexp.MustCompile(`(?:Say |Say\(|say\(|words\[|Word\([^"]*, )"([a-z_]+)"`)
	quoted = regexp.MustCompile(`"([a-z_]+)"`)
	// put matches what a sentence leaves open: for an argument, for a script.
	put = regexp.MustCompile(`%(?:\[(\d+)\])?[a-z]|{}`)
)

// sources are the texts of everything that says a sentence.
func sources(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, pattern := range []string{"templates/*.html", "*.go", "../server/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, name := range files {
			if name == "english.go" || name == "chinese.go" || strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(text)
		}
	}
	return b.String()
}

// TestEverySentenceIsUsedAndThere holds templates, code and catalogues together.
func TestEverySentenceIsUsedAndThere(t *testing.T) {
	text := sources(t)
	named := map[string]bool{}
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		named[m[1]] = true
	}
	for _, l := range language.All() {
		for _, m := range said.FindAllStringSubmatch(text, -1) {
			if catalogues[l][m[1]] == "" {
				t.Errorf("%s: %q is used and has no sentence", l, m[1])
			}
		}
		for _, name := range slices.Sorted(maps.Keys(catalogues[l])) {
			if !named[name] {
				t.Errorf("%s: %q is a sentence that nothing says", l, name)
			}
		}
	}
}

// open is what a sentence leaves open, in order of argument.
func open(sentence string) []string {
	var all []string
	n := 0
	for _, m := range put.FindAllStringSubmatch(sentence, -1) {
		switch {
		case m[0] == "{}":
			all = append(all, m[0])
		case m[1] != "":
			all = append(all, "%"+m[1])
		default:
			n++
			all = append(all, "%"+string(rune('0'+n)))
		}
	}
	slices.Sort(all)
	return all
}

// TestLanguagesSayTheSame compares each catalogue with the English one.
func TestLanguagesSayTheSame(t *testing.T) {
	for _, l := range language.All() {
		if len(catalogues[l]) != len(english) {
			t.Errorf("%s: %d sentences, English has %d", l, len(catalogues[l]), len(english))
		}
		for name, sentence := range english {
			other, ok := catalogues[l][name]
			switch {
			case !ok || other == "":
				t.Errorf("%s: there is no %q", l, name)
			case !slices.Equal(open(sentence), open(other)):
				t.Errorf("%s: %q leaves open %q, English %q", l, name, open(other), open(sentence))
			}
		}
	}
}

func TestOpenKnowsWhatASentenceLeavesOpen(t *testing.T) {
	for sentence, want := range map[string][]string{
		"a %s b %s": {"%1", "%2"}, "%[2]s，%[1]s": {"%1", "%2"}, "{} ms": {"{}"}, "100 %": nil,
	} {
		if got := open(sentence); !slices.Equal(got, want) {
			t.Errorf("open(%q) = %q, want %q", sentence, got, want)
		}
	}
}
