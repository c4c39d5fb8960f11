package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnExportGoesThroughARunningServer has the server that holds the data
// directory take the file in, once.
func TestAnExportGoesThroughARunningServer(t *testing.T) {
	t.Parallel()
	name, data := program(t), filepath.Join(t.TempDir(), "data")
	file := filepath.Join(t.TempDir(), "website_event.csv")
	const rows = "session_id,url_path,event_type,created_at\n1,/a,1,2024-05-01 12:34:56\n1,/b,1,2024-05-01 12:35:56\n"
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	startProcess(t, "stdout", name, "serve", "--data", data, "--listen", "localhost:0")
	for _, want := range []string{`"pageviews":2,"left_out":{}`, `"pageviews":0,"left_out":{"already_counted":2}`} {
		out, err := exec.CommandContext(t.Context(), name, "import", "--json", "--data", data, "--from", "umami", file).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("want %s, got %s, error %v", want, out, err)
		}
	}
}
