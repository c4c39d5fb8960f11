package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/beforehand-go/beforehand/internal/throwaway"
)

// Bouncer starts a PgBouncer in front of the server, in the pool mode "session",
// "transaction" or "statement", and returns what leads a dsn of [Server.Database]
// through it. Where PgBouncer is not installed the test is skipped.
func (s *Server) Bouncer(t testing.TB, mode string) func(dsn string) string {
	t.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("PgBouncer is not installed, so nothing is tested behind it (apt install pgbouncer)")
	}
	dir, port := throwaway.Dir(t), throwaway.Port(t)
	settings := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
logfile = %s
`, s.port, port, mode, filepath.Join(dir, "log"))
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, file)
	if s.cred != nil {
		for _, name := range []string{dir, file} {
			if err := os.Chown(name, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
				t.Fatal(err)
			}
		}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended by itself
		_ = c.Wait()         // it says how it was told to end
	})
	through := strings.NewReplacer(fmt.Sprintf("127.0.0.1:%d/", s.port), fmt.Sprintf("127.0.0.1:%d/", port))
	throwaway.Await(t, filepath.Join(dir, "log"), func() error {
		return s.psqlAt(port, "postgres", "SELECT 1")
	})
	return through.Replace
}
