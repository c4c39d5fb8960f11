// Package pgtest starts a throw-away PostgreSQL for tests.
package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/beforehand-go/beforehand/internal/throwaway"
)

// Server is a PostgreSQL with its data in a temporary folder,
// listening on a free port of the loopback interface only.
type Server struct {
	bin, dir string
	port     int
	settings []string
	cred     *syscall.Credential
	cmd      *exec.Cmd
	next     int
}

// Start starts a server with settings such as "fsync=off" and stops it when
// the test ends. Where PostgreSQL is not installed the test is skipped.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := exec.LookPath("postgres"); err == nil && len(found) == 0 {
		found = append(found, p)
	}
	if len(found) == 0 {
		t.Skip("PostgreSQL is not installed, so nothing is tested on it (apt install postgresql)")
	}
	slices.Sort(found)
	s := &Server{bin: filepath.Dir(found[len(found)-1]), dir: throwaway.Dir(t), port: throwaway.Port(t), settings: settings}
	s.cred = throwaway.User(t, "postgres", s.dir)
	initdb := s.command("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Up(t)
	t.Cleanup(func() { s.Down(t, syscall.SIGQUIT) })
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir = s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	return c
}

// Up starts the server again after Down, on the same port.
func (s *Server) Up(t testing.TB) {
	t.Helper()
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}
	for _, set := range s.settings {
		args = append(args, "-c", set)
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd = s.command("postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	throwaway.Await(t, log.Name(), func() error { return s.psql("postgres", "SELECT 1") })
}

// Down ends the server: SIGQUIT at once, as if it had crashed, SIGINT in order,
// cutting its connections.
func (s *Server) Down(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Error(err)
	}
	_ = s.cmd.Wait() // it says how it was told to end
	s.cmd = nil
}

// Database creates an empty database and returns how to reach it.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.next++
	name := "test" + strconv.Itoa(s.next)
	if err := s.psql("postgres", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s", s.port, name)
}

// Exec runs SQL as the superuser, in no database of a test.
func (s *Server) Exec(t testing.TB, sql string) {
	t.Helper()
	if err := s.psql("postgres", sql); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) psql(database, sql string) error { return s.psqlAt(s.port, database, sql) }

func (s *Server) psqlAt(port int, database, sql string) error {
	c := s.command("psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "postgres", "-d", database, "-c", sql)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
