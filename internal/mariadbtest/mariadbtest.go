// Package mariadbtest starts a throw-away MariaDB for tests.
package mariadbtest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/beforehand-go/beforehand/internal/throwaway"
)

// Server is a MariaDB with its data in a temporary folder, listening on a free
// port of the loopback interface only.
type Server struct {
	dir  string
	port int
	cred *syscall.Credential
	next int
}

// Start starts a server and stops it when the test ends. Where MariaDB is not
// installed the test is skipped.
func Start(t testing.TB) *Server {
	t.Helper()
	for _, program := range []string{"mariadbd", "mariadb-install-db", "mariadb"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("MariaDB is not installed, so nothing is tested on it (apt install mariadb-server)")
		}
	}
	s := &Server{dir: throwaway.Dir(t), port: throwaway.Port(t)}
	s.cred = throwaway.User(t, "mysql", s.dir)
	install := s.command("mariadb-install-db", "--no-defaults", "--datadir="+s.data(),
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	s.up(t)
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	return c
}

func (s *Server) up(t testing.TB) {
	t.Helper()
	c := s.command("mariadbd", "--no-defaults", "--datadir="+s.data(), "--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.port),
		"--socket="+filepath.Join(s.dir, "sock"), "--pid-file="+filepath.Join(s.dir, "pid"), "--log-error="+filepath.Join(s.dir, "log"),
		"--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--skip-name-resolve")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended by itself
		_ = c.Wait()         // it says how it was told to end
	})
	throwaway.Await(t, filepath.Join(s.dir, "log"), func() error { return s.run("SELECT 1") })
}

// Database creates an empty database and returns how to reach it.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.next++
	name := "test" + strconv.Itoa(s.next)
	if err := s.run("CREATE DATABASE " + name + " CHARACTER SET utf8mb4"); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("mysql://root:@127.0.0.1:%d/%s", s.port, name)
}

func (s *Server) run(sql string) error {
	c := s.command("mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--port="+strconv.Itoa(s.port), "--user=root", "--execute="+sql)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
