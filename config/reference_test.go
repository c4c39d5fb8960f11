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

// TestTheExampleInTheReferenceIsRead reads the file that docs show.
func TestTheExampleInTheReferenceIsRead(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```\n")
	f, err := config.Parse("beforehand.yaml", []byte(example))
	if err != nil || len(f.Sites) != 2 {
		t.Errorf("%+v, error %v", f, err)
	}
}
