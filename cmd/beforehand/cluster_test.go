package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/clickhouse"
	"github.com/beforehand-go/beforehand/internal/clickhousetest"
	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/internal/throwaway"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/snapshot"
)

const clusterReport = "default/pageviews"

// cluster is three replicas on one PostgreSQL and two ClickHouse servers, which
// hold the same, with nginx in front.
type cluster struct {
	*testing.T
	program, key string
	state        *pgtest.Server
	dsn          string
	pageviews    []*clickhousetest.Server
	members      []*member
	front        string // URL of nginx
}

// member is a replica in a network of its own, if that is allowed, with ways of its
// own to what it needs.
type member struct {
	name, data, addr string
	net              *throwaway.Net
	toState          *throwaway.Way
	toPageviews      []*throwaway.Way
	process          *process
}

func newCluster(t *testing.T, replicas int, program string) *cluster {
	t.Helper()
	c := &cluster{T: t, program: program, key: filepath.Join(t.TempDir(), "key"), state: pgtest.Start(t), pageviews: clickhousetest.StartCluster(t, 2)}
	c.dsn = c.state.Database(t)
	if err := os.WriteFile(c.key, []byte(strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range replicas {
		m := &member{name: fmt.Sprint("replica ", i), data: filepath.Join(t.TempDir(), "data"), net: throwaway.Join(t)}
		here, there := "127.0.0.1", "127.0.0.1"
		if m.net != nil {
			here, there = m.net.Here, m.net.There
		}
		m.addr, m.toState = fmt.Sprintf("%s:%d", there, throwaway.Port(t)), throwaway.Lead(t, here, host(t, c.dsn))
		for _, s := range c.pageviews {
			m.toPageviews = append(m.toPageviews, throwaway.Lead(t, here, s.Addr()))
		}
		c.members = append(c.members, m)
		c.start(m)
	}
	c.startNginx()
	return c
}

// host is where a URL leads.
func host(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// pageviewsBy is the URL of the pageviews by these addresses.
func (c *cluster) pageviewsBy(addrs ...string) string {
	return c.pageviews[0].Through(strings.Join(addrs, ","), "beforehand") + "?cluster=" + clickhousetest.ClusterName + "&quorum=2"
}

// start starts a replica and waits until it serves.
func (c *cluster) start(m *member) {
	c.Helper()
	state := strings.Replace(c.dsn, host(c.T, c.dsn), m.toState.Addr(), 1)
	name, args := m.net.Command(c.program, "serve", "--data", m.data, "--listen", m.addr, "--trigger", "every 1s",
		"--key", c.key, "--state", state, "--pageviews", c.pageviewsBy(m.toPageviews[0].Addr(), m.toPageviews[1].Addr()))
	p := startProcess(c.T, "stdout", name, args...)
	if line, ok := <-p.lines; !ok || !strings.HasPrefix(line, "serving ") {
		c.Fatalf("%s said %q", m.name, line)
	}
	go func() {
		for range p.lines {
		}
	}()
	m.process = p
}

const nginxConfig = `daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/log warn;
events { worker_connections 1024; }
http {
	access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	upstream replicas { %[2]s }
	server {
		listen 127.0.0.1:%[3]d;
		location / {
			proxy_pass http://replicas;
			proxy_connect_timeout 1s; proxy_read_timeout 2s;
			proxy_next_upstream error timeout http_502 http_503;
		}
	}
}
`

func (c *cluster) startNginx() {
	c.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		c.Skip("nginx is not installed (apt install nginx)")
	}
	dir, port := throwaway.Dir(c.T), throwaway.Port(c.T)
	var upstreams strings.Builder
	for _, m := range c.members {
		fmt.Fprintf(&upstreams, "server %s max_fails=1 fail_timeout=1s; ", m.addr)
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, upstreams.String(), port), 0o600); err != nil {
		c.Fatal(err)
	}
	n := exec.Command(path, "-c", config, "-p", dir, "-e", filepath.Join(dir, "log"))
	if err := n.Start(); err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() {
		_ = n.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		_ = n.Wait()                          // it says how it was told to end
	})
	c.front = fmt.Sprintf("http://127.0.0.1:%d", port)
	throwaway.Await(c.T, filepath.Join(dir, "log"), func() error {
		res, err := http.Get(c.front + "/healthz")
		if err != nil {
			return err
		}
		return res.Body.Close()
	})
}

// faults are what may happen to a cluster. Each ends before the next begins.
func (c *cluster) faults() map[string]func(m *member, lasts time.Duration) {
	server := func() *clickhousetest.Server { return c.pageviews[rand.IntN(len(c.pageviews))] }
	cut := func(how throwaway.Cut, lasts time.Duration, ways ...*throwaway.Way) {
		for _, w := range ways {
			w.Cut(how)
		}
		time.Sleep(lasts) // sockets are no part of a bubble
		for _, w := range ways {
			w.Cut(throwaway.Whole)
		}
	}
	how := func() throwaway.Cut { return throwaway.Cut(1 + rand.IntN(2)) }
	faults := map[string]func(m *member, lasts time.Duration){
		"a replica is killed": func(m *member, lasts time.Duration) {
			m.process.kill()
			time.Sleep(lasts / 4)
			c.start(m)
		},
		"a replica is stopped in good order": func(m *member, lasts time.Duration) {
			if err := m.process.Process.Signal(syscall.SIGTERM); err != nil {
				c.Error(err)
			}
			if err := m.process.Wait(); err != nil {
				c.Errorf("%s ended: %v", m.name, err)
			}
			c.start(m)
		},
		"a replica stands still": func(m *member, lasts time.Duration) {
			_ = m.process.Process.Signal(syscall.SIGSTOP)
			time.Sleep(lasts)
			_ = m.process.Process.Signal(syscall.SIGCONT)
		},
		"a replica is cut off from PostgreSQL": func(m *member, lasts time.Duration) { cut(how(), lasts, m.toState) },
		"a replica is cut off from ClickHouse": func(m *member, lasts time.Duration) { cut(how(), lasts, m.toPageviews...) },
		"PostgreSQL crashes": func(_ *member, lasts time.Duration) {
			c.state.Down(c.T, syscall.SIGQUIT)
			time.Sleep(lasts / 4)
			c.state.Up(c.T)
		},
		"a ClickHouse server is killed": func(_ *member, lasts time.Duration) {
			s := server()
			s.Down(c.T)
			time.Sleep(lasts / 4)
			s.Up(c.T)
		},
		"a ClickHouse server stands still": func(_ *member, lasts time.Duration) {
			s := server()
			s.Signal(c.T, syscall.SIGSTOP)
			time.Sleep(lasts)
			s.Signal(c.T, syscall.SIGCONT)
		},
	}
	if c.members[0].net != nil {
		faults["a replica's cable is pulled"] = func(m *member, lasts time.Duration) {
			plug := m.net.Unplug(c.T, rand.IntN(2) == 0)
			time.Sleep(lasts)
			plug()
		}
	}
	return faults
}

// read reads the report of every replica and through nginx until over is closed.
// Nginx never gives an error, and no replica an older result after a newer one.
func (c *cluster) read(over <-chan struct{}) (reads *atomic.Int64, wait func()) {
	reads = &atomic.Int64{}
	var readers sync.WaitGroup
	each := func(base string, check func(res *http.Response, err error)) {
		client := &http.Client{Timeout: 20 * time.Second}
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(20 * time.Millisecond):
				}
				res, err := client.Get(base + "/s/default/pageviews.json")
				check(res, err)
				if err == nil {
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			}
		})
	}
	for range 4 {
		each(c.front, func(res *http.Response, err error) {
			if err != nil || res.StatusCode != http.StatusOK {
				c.Errorf("%s: a reader got %v, %v", time.Now().Format(time.TimeOnly), res, err)
				return
			}
			reads.Add(1)
		})
	}
	for _, m := range c.members {
		var last time.Time
		each("http://"+m.addr, func(res *http.Response, err error) {
			if err != nil || res.StatusCode != http.StatusOK {
				return // it is gone, or has just come
			}
			at, err := time.Parse(time.RFC3339Nano, res.Header.Get("Snapshot-Computed-At"))
			if err != nil || at.Before(last) {
				c.Errorf("%s gave a result of %v after one of %v: %v", m.name, at, last, err)
			}
			last = at
		})
	}
	return reads, readers.Wait
}

// effects are the snapshots of the report that there ever were: for each tick how
// many.
type effects struct {
	state *postgres.State
	seen  map[int64]bool
	of    map[time.Time]int
}

// note looks for snapshots that have come.
func (e *effects) note() error {
	list, err := e.state.Snapshots().Versions(context.Background(), snapshot.Key{Report: clusterReport})
	for _, s := range list {
		if !e.seen[s.Version] {
			e.seen[s.Version] = true
			e.of[s.Tick.UTC()]++
		}
	}
	return err
}

// noteEffects notes the snapshots of the report until over is closed.
func (c *cluster) noteEffects(over <-chan struct{}) (e *effects, wait func()) {
	e = &effects{c.openState(), map[int64]bool{}, map[time.Time]int{}}
	var noting sync.WaitGroup
	noting.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(300 * time.Millisecond):
			}
			_ = e.note() // PostgreSQL may be away
		}
	})
	return e, noting.Wait
}

func (c *cluster) openState() *postgres.State {
	c.Helper()
	state, err := postgres.Open(context.Background(), c.dsn)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { state.Close() })
	return state
}

// checkTicks holds each tick that succeeded to one effect, and each second to be
// accounted for.
func (c *cluster) checkTicks(e *effects) map[scheduler.Outcome]int {
	c.Helper()
	ticks, err := c.openState().Jobs().Ticks(c.Context(), scheduler.Query{Job: clusterReport, Limit: -1})
	if err != nil {
		c.Fatal(err)
	}
	if err := e.note(); err != nil { // what has ended since the others were noted
		c.Fatal(err)
	}
	outcomes := map[scheduler.Outcome]int{}
	covered := map[int64]bool{}
	for _, k := range ticks {
		outcomes[k.Outcome]++
		if k.Outcome == scheduler.Failed {
			c.Logf("tick %v failed: %.300s", k.Due, k.Reason)
		}
		if n := e.of[k.Due.UTC()]; k.Outcome == scheduler.Succeeded && n != 1 {
			c.Errorf("tick %v succeeded and had %d effects", k.Due, n)
		} else if k.Outcome != scheduler.Succeeded && n > 0 && !k.Outcome.Open() {
			c.Errorf("tick %v is %s and had %d effects", k.Due, k.Outcome, n)
		}
		until := k.Due
		if !k.Until.IsZero() {
			until = k.Until
		}
		for at := k.Due.Unix(); at <= until.Unix(); at++ {
			covered[at] = true
		}
	}
	for at := ticks[len(ticks)-1].Due.Unix(); at < ticks[0].Due.Unix(); at++ {
		if !covered[at] {
			c.Errorf("nothing is known of the tick of %v", time.Unix(at, 0).UTC())
		}
	}
	c.Logf("ticks: %v", outcomes)
	return outcomes
}

// counts is how often each page is counted, seen from outside.
func (c *cluster) counts(store *clickhouse.Store) (map[string]int, error) {
	a, err := store.Query(c.Context(), pageview.Query{Site: "default", By: []pageview.Dimension{pageview.ByPage}, Raw: true})
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, row := range a.Rows {
		counts[row.Keys[0]] = int(row.Pageviews)
	}
	return counts, nil
}

// whole waits until every replica is ready and every acknowledged pageview
// counts, and returns what counts.
func (c *cluster) whole(acked map[string]int, patience time.Duration) (counts map[string]int, took time.Duration) {
	c.Helper()
	config, err := clickhouseConfig(c.pageviewsBy(c.pageviews[0].Addr(), c.pageviews[1].Addr()))
	if err != nil {
		c.Fatal(err)
	}
	config.Spool, config.Logger = filepath.Join(c.TempDir(), "spool.db"), slog.New(slog.DiscardHandler)
	store, err := clickhouse.Open(c.Context(), config)
	if err != nil {
		c.Fatal(err)
	}
	defer store.Close()
	began := time.Now()
	for {
		missing := ""
		for _, m := range c.members {
			res, err := http.Get("http://" + m.addr + "/readyz")
			if err != nil {
				missing = err.Error()
				continue
			}
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if string(body) != "ready\n" {
				missing = m.name + " is " + string(body)
			}
		}
		if counts, err = c.counts(store); err != nil {
			missing = err.Error()
		}
		n := 0
		for path := range acked {
			if counts[path] == 0 {
				n++
				missing = fmt.Sprintf("%d of %d pages, such as %s", n, len(acked), path)
			}
		}
		if missing == "" {
			return counts, time.Since(began)
		}
		if time.Since(began) > patience {
			c.Errorf("not whole after %v: %s", patience, missing)
			return counts, time.Since(began)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// load has everybody send and read until over is closed.
func (c *cluster) load(over <-chan struct{}) (end func() map[scheduler.Outcome]int) {
	c.Helper()
	out, err := exec.CommandContext(c.Context(), c.program, "token", "create", "test", "--data", c.TempDir(), "--state", c.dsn).Output()
	if err != nil {
		c.Fatal(err)
	}
	c.whole(nil, 5*time.Minute) // until it is up
	reads, readersEnd := c.read(over)
	effects, notingEnds := c.noteEffects(over)
	var senders []*sender
	var sending sync.WaitGroup
	for i, m := range c.members {
		s := &sender{
			token: strings.TrimSpace(string(out)), over: over, acked: map[string]int{}, pause: time.Second,
			base: func() string { return "http://" + m.addr },
		}
		senders = append(senders, s)
		for j := range 2 {
			sending.Go(func() { s.work(fmt.Sprintf("s%d-%d", i, j)) })
		}
	}
	return func() map[scheduler.Outcome]int {
		c.Helper()
		sending.Wait()
		readersEnd()
		notingEnds()
		acked := map[string]int{}
		for _, s := range senders {
			for path, n := range s.acked {
				acked[path] += n
			}
		}
		counts, took := c.whole(acked, 30*time.Second)
		for path, n := range counts {
			if n != 1 {
				c.Errorf("%s is counted %d times", path, n)
			}
		}
		c.Logf("%d pageviews acknowledged, %d counted, %d reads; whole after %v", len(acked), len(counts), reads.Load(), took)
		return c.checkTicks(effects)
	}
}

// TestCluster has one thing after another happen to a cluster, while pageviews
// come in, reports are computed each second and everybody reads. It takes half
// a minute, or as long as BEFOREHAND_CLUSTER says.
func TestCluster(t *testing.T) {
	if !prove() {
		t.Skip("left out: a cluster takes a quiet machine; BEFOREHAND_PROVE=1 runs it, for as long as BEFOREHAND_CLUSTER says")
	}
	lasts := 30 * time.Second
	if text := os.Getenv("BEFOREHAND_CLUSTER"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	c := newCluster(t, 3, program(t))
	over := make(chan struct{})
	end := c.load(over)
	faults := c.faults()
	names := slices.Sorted(maps.Keys(faults))
	for began := time.Now(); time.Since(began) < lasts; {
		time.Sleep(time.Second + time.Duration(rand.IntN(2000))*time.Millisecond)
		name, m := names[rand.IntN(len(names))], c.members[rand.IntN(len(c.members))]
		fault := time.Duration(1+rand.IntN(5)) * time.Second
		t.Logf("%s: %s, %s, %v", time.Now().Format(time.TimeOnly), name, m.name, fault)
		faults[name](m, fault)
	}
	time.Sleep(3 * time.Second)
	close(over)
	end()
}

// TestRollingUpgrade begins with the program of an earlier commit, which
// BEFOREHAND_OLD names, and replaces one replica after the other under load.
func TestRollingUpgrade(t *testing.T) {
	commit := os.Getenv("BEFOREHAND_OLD")
	if !prove() || commit == "" {
		t.Skip("left out: with BEFOREHAND_PROVE=1 and a commit or tag in BEFOREHAND_OLD, replicas are replaced one by one under load")
	}
	c := newCluster(t, 3, buildOf(t, commit))
	over := make(chan struct{})
	end := c.load(over)
	time.Sleep(5 * time.Second)
	c.program = program(t)
	for _, m := range c.members {
		c.faults()["a replica is stopped in good order"](m, 0)
		time.Sleep(5 * time.Second) // both programs work side by side
	}
	close(over)
	// One may fail: inserts with a quorum get in each other's way in old ClickHouse.
	if outcomes := end(); outcomes[scheduler.Missed] > 0 || outcomes[scheduler.Succeeded] == 0 {
		t.Errorf("ticks: %v", outcomes)
	}
}

// buildOf builds the program of a commit.
func buildOf(t *testing.T, commit string) string {
	t.Helper()
	tree, path := filepath.Join(t.TempDir(), "tree"), filepath.Join(t.TempDir(), "beforehand-old")
	command := func(dir, name string, args ...string) {
		c := exec.CommandContext(context.Background(), name, args...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c, err, out)
		}
	}
	command(".", "git", "worktree", "add", "--detach", tree, commit)
	t.Cleanup(func() { command(".", "git", "worktree", "remove", "--force", tree) })
	command(tree, "go", "build", "-o", path, "./cmd/beforehand")
	return path
}
