// Package django_test runs the example on each of its databases.
package django_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/mariadbtest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
)

// python is Debian's, which has Debian's Django.
const python = "/usr/bin/python3"

// client opens a connection for each request: on one that is kept, Django's
// development server waits 40 ms for an acknowledgement.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// TestDjango fills each database with visits, and compares the page that is
// computed while its reader waits with the one that was computed beforehand. The
// long form does it with three million visits and tells the times.
func TestDjango(t *testing.T) {
	if err := exec.CommandContext(t.Context(), python, "-c", "import django, MySQLdb, psycopg2").Run(); err != nil {
		t.Skip("Django is not installed (apt install python3-django python3-mysqldb python3-psycopg2)")
	}
	bin := filepath.Join(t.TempDir(), "beforehand")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "../../cmd/beforehand").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	t.Run("sqlite", func(t *testing.T) { site{bin: bin}.try(t) })
	t.Run("postgres", func(t *testing.T) { site{bin: bin, database: pgtest.Start(t).Database(t)}.try(t) })
	t.Run("mariadb", func(t *testing.T) { site{bin: bin, database: mariadbtest.Start(t).Database(t)}.try(t) })
}

// site is a copy of the example.
type site struct {
	bin, dir string
	database string // its URL; empty means the example's own file
	env      []string
}

func (s site) try(t *testing.T) {
	visits := 3000
	if os.Getenv("BEFOREHAND_PROVE") != "" {
		visits = 3_000_000
	}
	s.copy(t)
	s.manage(t, "migrate", "--verbosity=0")
	s.manage(t, "fill", fmt.Sprint(visits))

	stats := s.serve(t)
	await(t, stats+"/s/blog/visits.json")
	await(t, stats+"/s/blog/top.json")
	base := s.django(t)

	slow, waited := fetch(t, base+"/")
	instant, _ := fetch(t, base+"/instant/")
	var times []time.Duration
	for range 9 {
		_, took := fetch(t, base+"/instant/")
		times = append(times, took)
	}
	slices.Sort(times)
	if !bytes.Equal(slow, instant) {
		t.Errorf("the pages differ:\n%s\nand\n%s", slow, instant)
	}
	if n := bytes.Count(slow, []byte("<li>")); n != 10 {
		t.Errorf("%d hot articles", n)
	}
	if bytes.Contains(slow, []byte("<Go>")) {
		t.Error("a title is not escaped")
	}
	if svg, _ := fetch(t, base+"/visits.svg"); !bytes.Contains(svg, []byte("数据库")) {
		t.Error("the chart does not name its series")
	}
	t.Logf("%d visits: the reader waits %v, and %v for what was computed beforehand", visits, waited, times[len(times)/2])
}

// copy copies the example and points it at the database.
func (s *site) copy(t *testing.T) {
	s.dir = t.TempDir()
	if err := os.CopyFS(s.dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	// The commands of beforehand.yaml find the same python3.
	s.env = append(os.Environ(), "PATH="+filepath.Dir(python)+":"+os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1")
	if s.database == "" {
		return
	}
	u, err := url.Parse(s.database)
	if err != nil {
		t.Fatal(err)
	}
	engine := map[string]string{"postgres": "postgresql", "mysql": "mysql"}[u.Scheme]
	s.env = append(s.env, "DB_ENGINE="+engine, "DB_NAME="+strings.TrimPrefix(u.Path, "/"),
		"DB_USER="+u.User.Username(), "DB_HOST="+u.Hostname(), "DB_PORT="+u.Port())
	name := filepath.Join(s.dir, "data", "beforehand.yaml")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "sqlite:../db.sqlite3", s.database, 1)
	if err := os.WriteFile(name, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *site) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = s.dir, s.env
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 20 * time.Second
	return c
}

func (s *site) manage(t *testing.T, args ...string) {
	if out, err := s.command(t.Context(), python, slices.Insert(args, 0, "manage.py")...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// serve starts beforehand, and django the site itself; both until the test ends.
func (s *site) serve(t *testing.T) string {
	address := free(t)
	s.start(t, s.bin, "serve", "--data=data", "--listen="+address)
	return "http://" + address
}

func (s *site) django(t *testing.T) string {
	address := free(t)
	s.start(t, python, "manage.py", "runserver", "--noreload", address)
	await(t, "http://"+address+"/visits.svg")
	return "http://" + address
}

func (s *site) start(t *testing.T, name string, args ...string) {
	ctx, cancel := context.WithCancel(context.Background())
	c := s.command(ctx, name, args...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait() // it was told to end
		if t.Failed() {
			t.Logf("%s %q:\n%s", name, args, out.Bytes())
		}
	})
}

// free is an address that nobody listens on.
func free(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await asks until there is an answer.
func await(t *testing.T, address string) {
	var last any
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		res, err := client.Get(address)
		if err != nil {
			last = err
			continue
		}
		res.Body.Close()
		if last = res.Status; res.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("%s: %v", address, last)
}

func fetch(t *testing.T, address string) ([]byte, time.Duration) {
	began := time.Now()
	res, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", address, res.Status, err, body)
	}
	return body, time.Since(began)
}
