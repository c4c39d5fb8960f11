package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openFiles counts the files in a directory that this process has open.
func openFiles(t *testing.T, dir string) (n int) {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no list of open files here")
	}
	for _, f := range all {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, dir) {
			n++
		}
	}
	return n
}

// On a full disk a connection is given up after each commit that failed.
func TestAConnectionThatIsGivenUpLeavesNoFileOpen(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	give := func() {
		if err := s.write(t.Context(), func(c *conn) error { return c.exec("CREATE TABLE IF NOT EXISTS a (b)") }); err != nil {
			t.Fatal(err)
		}
		s.writing.close()
	}
	give()
	before := openFiles(t, dir)
	for range 5 {
		give()
	}
	if after := openFiles(t, dir); after != before {
		t.Errorf("%d files are open, before five connections were given up %d", after, before)
	}
}

// Whoever comes last writes the log into the file and takes it away.
func TestAClosedStateIsOneFile(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.jobs.Jobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.jobs.Jobs(t.Context()); err == nil {
		t.Error("a closed state was read")
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("left are %v", left)
	}
	if n := openFiles(t, dir); n != 0 {
		t.Errorf("%d files are open", n)
	}
}
