package config_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/beforehand-go/beforehand/config"
)

var update = flag.Bool("update", false, "write the reference of the configuration")

// TestReference holds the reference in docs to the code.
func TestReference(t *testing.T) {
	const name, marker = "../docs/configuration.md", "-update writes it -->\n"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	table, err := config.Reference()
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(text), marker)
	if want := "\n" + table; !ok || after != want {
		if !*update {
			t.Fatal("docs/configuration.md is not what the code says; run go test ./config -update")
		}
		if err := os.WriteFile(name, []byte(before+marker+want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestExamplesInDocsAreRead reads the files that docs show.
func TestExamplesInDocsAreRead(t *testing.T) {
	for name, sites := range map[string]int{"configuration": 2, "hot-lists": 1, "messages": 1} {
		text, err := os.ReadFile("../docs/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "```yaml\n")
		example, _, _ := strings.Cut(rest, "```\n")
		f, err := config.Parse("beforehand.yaml", []byte(example))
		if err != nil || len(f.Sites) != sites {
			t.Errorf("%s: %+v, error %v", name, f, err)
		}
	}
}
