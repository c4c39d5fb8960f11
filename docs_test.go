package beforehand_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// checked are the chapters whose Go is taken from tests, word for word.
var checked = map[string][]string{
	"docs/scheduler.md":    {"scheduler/example_test.go", "metrics/example_test.go"},
	"docs/testing-jobs.md": {"scheduler/schedulertest/example_test.go"},
}

var snippet = regexp.MustCompile("(?s)```go\n(.*?)```")

func TestEverySnippetIsPartOfATest(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, sources := range checked {
		var code strings.Builder
		for _, s := range sources {
			code.WriteString(flat(read(s)))
		}
		list := snippet.FindAllStringSubmatch(read(name), -1)
		if len(list) == 0 {
			t.Errorf("%s: no snippets", name)
		}
		for _, s := range list {
			if !strings.Contains(code.String(), flat(s[1])) {
				t.Errorf("%s: no test has\n%s", name, s[1])
			}
		}
	}
}

// flat is code without its indentation.
func flat(code string) string {
	lines := strings.Split(code, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.Join(lines, "\n")
}
