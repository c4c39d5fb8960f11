package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// On a full disk a connection is given up after each commit that failed.
func TestAConnectionThatIsGivenUpLeavesNoFileOpen(t *testing.T) {
	dir := t.TempDir()
	if _, err := os.ReadDir("/proc/self/fd"); err != nil {
		t.Skip("no list of open files here")
	}
	s, err := Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	files := func() (n int) {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, dir) {
				n++
			}
		}
		return n
	}
	give := func() {
		if err := s.write(t.Context(), func(c *conn) error { return c.exec("CREATE TABLE IF NOT EXISTS a (b)") }); err != nil {
			t.Fatal(err)
		}
		s.writing.close()
	}
	give()
	before := files()
	for range 5 {
		give()
	}
	if after := files(); after != before {
		t.Errorf("%d files are open, before five connections were given up %d", after, before)
	}
}
