// Package clickhousetest starts a throw-away ClickHouse for tests.
package clickhousetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/throwaway"
)

// Server is a ClickHouse with its data in a temporary folder, listening on free
// ports of the loopback interface only.
type Server struct {
	dir                string
	tcp, http, between int
	cmd                *exec.Cmd
	next               int
}

const config = `<yandex>
<logger><level>warning</level><log>%[1]s/log</log><errorlog>%[1]s/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host>
<tcp_port>%[2]d</tcp_port><http_port>%[3]d</http_port><interserver_http_port>%[4]d</interserver_http_port>
<path>%[1]s/data/</path><tmp_path>%[1]s/tmp/</tmp_path>
<mark_cache_size>67108864</mark_cache_size>
%[5]s<users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
</yandex>`

const users = `<yandex>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<profiles><default><max_memory_usage>3000000000</max_memory_usage><max_threads>1</max_threads></default></profiles>
<quotas><default></default></quotas>
</yandex>`

// Start starts a server and stops it when the test ends. Where ClickHouse is not
// installed the test is skipped.
func Start(t testing.TB) *Server {
	t.Helper()
	if _, err := exec.LookPath("clickhouse-server"); err != nil {
		t.Skip("ClickHouse is not installed, so nothing is tested on it (apt install clickhouse-server)")
	}
	s := newServer(t)
	s.start(t, "")
	return s
}

func newServer(t testing.TB) *Server {
	t.Helper()
	return &Server{dir: throwaway.Dir(t), tcp: throwaway.Port(t), http: throwaway.Port(t), between: throwaway.Port(t)}
}

// start starts a server with more in its configuration, and stops it when the
// test ends.
func (s *Server) start(t testing.TB, more string) {
	t.Helper()
	for name, text := range map[string]string{"config.xml": fmt.Sprintf(config, s.dir, s.tcp, s.http, s.between, more), "users.xml": users} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.Up(t)
	t.Cleanup(func() { s.Down(t) })
}

// Up starts the server again after Down, on the same ports.
func (s *Server) Up(t testing.TB) {
	t.Helper()
	out, err := os.OpenFile(filepath.Join(s.dir, "out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s.cmd = exec.CommandContext(context.Background(), "clickhouse-server", "--config-file="+filepath.Join(s.dir, "config.xml"))
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, out, out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	throwaway.Await(t, filepath.Join(s.dir, "log"), func() error {
		_, err := s.ask("SELECT 1")
		return err
	})
}

// Down ends the server at once, as if it had crashed.
func (s *Server) Down(t testing.TB) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	s.Signal(t, syscall.SIGKILL)
	_ = s.cmd.Wait() // it says that it was killed
	s.cmd = nil
}

// Signal sends the server a signal, such as SIGSTOP.
func (s *Server) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Error(err)
	}
}

// CPU is what the server has used since it is up.
func (s *Server) CPU(t testing.TB) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(stat, []byte(") ")) // the name before may hold anything
	fields := strings.Fields(string(after))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / 100
}

// Database is how to reach a database that is not there yet.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.next++
	return s.Through(s.Addr(), "test"+strconv.Itoa(s.next))
}

// Dir is the folder that holds what the server keeps.
func (s *Server) Dir() string { return s.dir }

// Addr is where the server listens for the native protocol.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.tcp) }

// Through is how to reach a database by another address.
func (s *Server) Through(addr, database string) string {
	return fmt.Sprintf("clickhouse://default@%s/%s", addr, database)
}

// Exec carries out a statement.
func (s *Server) Exec(t testing.TB, statement string) {
	t.Helper()
	s.Ask(t, statement)
}

// Ask is the answer to a query, as text.
func (s *Server) Ask(t testing.TB, query string) string {
	t.Helper()
	answer, err := s.ask(query)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answer)
}

func (s *Server) ask(statement string) (string, error) {
	q, err := http.NewRequestWithContext(context.Background(), http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/", s.http), strings.NewReader(statement))
	if err != nil {
		return "", err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", statement, r.Status, answer)
	}
	return string(answer), err
}
