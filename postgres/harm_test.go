package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/pgtest"
	"github.com/beforehand-go/beforehand/postgres"
	"github.com/beforehand-go/beforehand/scheduler"
	"github.com/beforehand-go/beforehand/scheduler/schedulertest"
	"github.com/beforehand-go/beforehand/trigger"
)

// A patient is a scheduler with one job, whose runs are told when to end, and
// a second scheduler beside it that asks for them on a way of its own.
type patient struct {
	*testing.T
	state      *postgres.State
	s, other   *scheduler.Scheduler
	began, end chan bool
	calls      atomic.Int64
	down       atomic.Int64 // how often it noticed that the store is gone
}

// newPatient reaches the database by one dsn, and is asked by another.
func newPatient(t *testing.T, dsn, other string, size int) *patient {
	t.Helper()
	p := &patient{T: t, began: make(chan bool, 1), end: make(chan bool)}
	job := scheduler.Job{Name: "hot", Trigger: trigger.Never{}, Run: func(_ context.Context, r *scheduler.Run) error {
		p.calls.Add(1)
		p.began <- true
		<-p.end
		return schedulertest.Commit(r, size)
	}}
	p.s = p.scheduler(dsn, job)
	p.state = connect(t, other)
	var err error
	if p.other, err = scheduler.New(scheduler.Config{Store: p.state.Jobs()}); err != nil {
		t.Fatal(err)
	}
	return p
}

func connect(t *testing.T, dsn string) *postgres.State {
	t.Helper()
	state, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	})
	return state
}

// scheduler runs one until the test ends.
func (p *patient) scheduler(dsn string, job scheduler.Job) *scheduler.Scheduler {
	s, err := scheduler.New(scheduler.Config{Store: connect(p.T, dsn).Jobs(), Poll: 100 * time.Millisecond})
	if err == nil {
		err = s.Add(p.Context(), job)
	}
	if err != nil {
		p.Fatal(err)
	}
	s.Observe(func(e scheduler.Event) {
		if e.Kind == scheduler.StoreDown {
			p.down.Add(1)
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			p.Error(err)
		}
	})
	p.Cleanup(func() { stop(); running.Wait() })
	return s
}

// ask asks for a run.
func (p *patient) ask() scheduler.Key {
	p.Helper()
	k, err := p.other.RunNow(p.Context(), "hot")
	if err != nil {
		p.Fatal(err)
	}
	return k
}

// healthy waits until the health is good, or tells of a word.
func (p *patient) healthy(word string) {
	p.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		h := p.s.Health()
		if h.OK == (word == "") && strings.Contains(fmt.Sprint(h.Reasons), word) {
			return
		}
		if time.Now().After(deadline) {
			p.Fatalf("health: %+v, want %q", h, word)
		}
		time.Sleep(5 * time.Millisecond) // sockets are no part of a bubble
	}
}

// succeeded waits for a tick, which one call must have carried out.
func (p *patient) succeeded(k scheduler.Key, calls int64) {
	p.Helper()
	row, err := p.other.Wait(p.Context(), k)
	for deadline := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(deadline); {
		// A connection from before the database went away tells of that once.
		row, err = p.other.Wait(p.Context(), k)
	}
	if err != nil {
		p.Fatal(err)
	}
	if row.Outcome != scheduler.Succeeded || row.Attempt != 1 || p.calls.Load() != calls {
		p.Errorf("%s after %d attempts, %d calls, want %d: %s", row.Outcome, row.Attempt, p.calls.Load(), calls, row.Reason)
	}
	if n := schedulertest.CheckEffects(p.T, p.state); int64(n) != calls {
		p.Errorf("%d effects of %d ticks", n, calls)
	}
	p.healthy("")
}

// testRestart ends the database in two ways, as if it had crashed and in order,
// so that it is away when the run ends.
func testRestart(t *testing.T, server *pgtest.Server) {
	dsn := server.Database(t)
	p := newPatient(t, dsn, dsn, 0)
	for round, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGINT} {
		k := p.ask()
		<-p.began
		server.Down(t, sig)
		p.healthy("the store does not answer since")
		p.end <- true
		p.healthy("the store does not answer since")
		server.Up(t)
		p.succeeded(k, int64(round)+1)
	}
}

// A proxy leads to a database, and cuts a connection at its COMMIT when armed.
type proxy struct {
	net.Listener
	to    string
	armed atomic.Pointer[cut]
}

// A cut is where a connection ends: before the database was told to commit,
// or when it has answered.
type cut struct{ before bool }

// listen starts a proxy, and returns the dsn that leads through it.
func (p *proxy) listen(t *testing.T, dsn string) string {
	t.Helper()
	rest, path, _ := strings.Cut(strings.TrimPrefix(dsn, "postgres://postgres@"), "/")
	p.to = rest
	var err error
	if p.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := p.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.lead(c) })
		}
	})
	t.Cleanup(func() {
		p.Close()
		all.Wait()
	})
	return "postgres://postgres@" + p.Addr().String() + "/" + path + "?sslmode=disable"
}

// lead passes on what both sides say.
func (p *proxy) lead(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	var mute atomic.Bool // the client hears no answer any more
	go func() {
		defer client.Close()
		buf := make([]byte, 1<<16)
		for {
			n, err := server.Read(buf)
			if err != nil || mute.Load() {
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 1<<16)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("Q\x00\x00\x00\x0bcommit\x00")) {
			if c := p.armed.Swap(nil); c != nil && c.before {
				return
			} else if c != nil {
				mute.Store(true)
			}
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// testCut cuts the connection at the COMMIT of what claims a tick and of what
// ends it, before and after the database has done it.
func testCut(t *testing.T, server *pgtest.Server) {
	dsn := server.Database(t)
	var way proxy
	p := newPatient(t, way.listen(t, dsn), dsn, 0)
	for i, c := range []struct{ atEnd, before bool }{{false, true}, {false, false}, {true, true}, {true, false}} {
		p.down.Store(0)
		if !c.atEnd {
			way.armed.Store(&cut{c.before})
		}
		k := p.ask()
		<-p.began
		if c.atEnd {
			way.armed.Store(&cut{c.before})
		}
		p.end <- true
		p.succeeded(k, int64(i)+1)
		if way.armed.Load() != nil || p.down.Load() != 1 {
			t.Errorf("%+v: nothing was cut, or not noticed: %d times", c, p.down.Load())
		}
	}
}

// TestTheDisksOfTheDatabaseAreFull when a run ends.
func TestTheDisksOfTheDatabaseAreFull(t *testing.T) {
	disk, err := os.MkdirTemp("", "disk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(disk) })
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=150m,mode=0777"); err != nil {
		t.Skipf("left out: mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("TMPDIR", disk)
	if err := os.Chmod(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	server := pgtest.Start(t, "fsync=off", "max_wal_size=32MB", "min_wal_size=32MB")
	dsn := server.Database(t)
	p := newPatient(t, dsn, dsn, 3<<20)
	k := p.ask()
	<-p.began
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	p.end <- true
	p.healthy("No space left on device")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	p.succeeded(k, 1)
}

// fill writes a file until nothing more fits beside it.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, io.ErrShortWrite) {
			t.Fatal(err)
		}
	}
}
