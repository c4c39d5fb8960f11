// Serve measures what a request for a finished result costs a server, in CPU
// time, beside other ways to send the same bytes; with -late, how late answers
// come while the server computes something else on its other core.
//
// Each server runs on one core, wrk with 64 connections on the other. The
// servers take turns of a second, many times over, so that what else the
// machine does falls on all of them alike; the ratios are medians of
// neighbouring turns. Linux, wrk, nginx and taskset are needed.
//
//	go run ./serve -turns 15
//	go run ./serve -turns 15 -late
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	child := flag.String("child", "", "serve as one of the servers; for its own use")
	turns := flag.Int("turns", 15, "turns of each server")
	lateness := flag.Bool("late", false, "measure how late answers come during a refresh")
	only := flag.String("only", "", "regular expression of the servers to measure beside the first")
	flag.Parse()
	var err error
	if *child != "" {
		err = serve(*child)
	} else {
		err = measure(*turns, *only, *lateness)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

// kinds are the servers; the first is what the others are measured by.
var kinds = []string{"bare net/http", "snapshot", "snapshot, one write", "http.ServeContent", "fasthttp", "nginx"}

// load is what is asked for.
type load struct {
	name    string
	path    string
	headers []string
}

// server is one under way.
type server struct {
	kind string
	addr string
	pid  int // whose CPU time counts
	stop func()
}

func measure(turns int, only string, lateness bool) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	var servers []*server
	for i, kind := range kinds {
		if i > 0 && !wanted.MatchString(kind) || lateness && kind == "nginx" {
			continue
		}
		s, err := start(kind, lateness)
		if err != nil {
			return fmt.Errorf("start %s: %w", kind, err)
		}
		defer s.stop()
		servers = append(servers, s)
	}
	for _, l := range loads() {
		cost := make([][]float64, len(servers)) // µs, by turn
		for range turns {
			for _, i := range rand.Perm(len(servers)) {
				s := servers[i]
				if lateness {
					d, err := s.late(l)
					if err != nil {
						return fmt.Errorf("%s, %s: %w", s.kind, l.name, err)
					}
					cost[i] = append(cost[i], float64(d)/float64(time.Microsecond))
					continue
				}
				us, err := s.turn(l)
				for range 5 { // a machine that is busy otherwise may leave a turn without any
					if !errors.Is(err, errIdle) {
						break
					}
					us, err = s.turn(l)
				}
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.kind, l.name, err)
				}
				cost[i] = append(cost[i], us)
			}
		}
		fmt.Printf("\n%s\n", l.name)
		for i, s := range servers {
			ratios := make([]float64, turns)
			for j := range ratios {
				ratios[j] = cost[i][j] / cost[0][j]
			}
			fmt.Printf("  %-20s %6.2f µs   %.3f\n", s.kind, median(cost[i]), median(ratios))
		}
	}
	return nil
}

func median(list []float64) float64 {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

var errIdle = errors.New("nothing was answered")

var completed = regexp.MustCompile(`(\d+) requests in`)

// turn asks for a second and returns the server's CPU time a request in µs.
func (s *server) turn(l load) (float64, error) {
	before, err := cpu(s.pid)
	if err != nil {
		return 0, err
	}
	args := []string{"-c", "1", "wrk", "-t1", "-c64", "-d1s"}
	for _, h := range l.headers {
		args = append(args, "-H", h)
	}
	out, err := exec.Command("taskset", append(args, "http://"+s.addr+l.path)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, out)
	}
	after, err := cpu(s.pid)
	if err != nil {
		return 0, err
	}
	m := completed.FindSubmatch(out)
	if m == nil || strings.Contains(string(out), "Non-2xx") && !strings.Contains(l.name, "304") {
		return 0, fmt.Errorf("wrk: %s", out)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%w: %s", errIdle, out)
	}
	return float64(after-before) / float64(time.Microsecond) / float64(n), nil
}

// cpu is the time a process has used, to the nanosecond.
func cpu(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		return 0, fmt.Errorf("read the time of %d: %s %w", pid, b, err)
	}
	var all time.Duration
	for _, t := range tasks {
		b, err := os.ReadFile(t)
		if err != nil {
			continue // a thread that has ended
		}
		first, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, err
		}
		all += time.Duration(ns)
	}
	return all, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func start(kind string, refreshing bool) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	s := &server{kind: kind, addr: addr}
	var c *exec.Cmd
	dir := ""
	if kind == "nginx" {
		if dir, err = os.MkdirTemp("", "serve"); err != nil {
			return nil, err
		}
		if err := configureNginx(dir, addr); err != nil {
			return nil, err
		}
		c = exec.Command("taskset", "-c", "0", "nginx", "-c", filepath.Join(dir, "nginx.conf"), "-p", dir, "-e", "stderr")
	} else {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c = exec.Command("taskset", "-c", "0", self, "-child", kind)
		c.Env = append(os.Environ(), "GOMAXPROCS=1", "SERVE_ADDR="+addr)
		if refreshing {
			c = exec.Command(self, "-child", kind)
			c.Env = append(os.Environ(), "GOMAXPROCS=2", "SERVE_REFRESH=1", "SERVE_ADDR="+addr)
		}
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return nil, err
	}
	s.pid = c.Process.Pid
	s.stop = func() {
		_ = c.Process.Signal(syscall.SIGCONT)
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
		if dir != "" {
			_ = os.RemoveAll(dir)
		}
	}
	for range 500 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			if refreshing {
				return s, syscall.Kill(s.pid, syscall.SIGSTOP)
			}
			return s, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, fmt.Errorf("%s does not listen", kind)
}

// configureNginx writes the files and a configuration without a master, so
// that one process does all.
func configureNginx(dir, addr string) error {
	for name, b := range map[string][]byte{"20k.json": results["/20k.json"].plain, "20k.json.gz": results["/20k.json"].packed, "3k.json": results["/3k.json"].plain, "3k.json.gz": results["/3k.json"].packed} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil, `
daemon off; master_process off; pid %[1]s/pid; error_log stderr warn;
events { worker_connections 256; }
http {
	access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; etag on;
	open_file_cache max=100; open_file_cache_valid 60s;
	types { application/json json; }
	server {
		listen %[2]s;
		root %[1]s;
		location / { gzip_static on; add_header Vary Accept-Encoding; add_header Cache-Control max-age=3600; }
		location = /same.json { if_modified_since before; try_files /20k.json =404; }
	}
}
`, dir, addr), 0o644)
}
