package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// notified is a socket on which a test hears what systemd would.
func notified(t *testing.T) <-chan string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	heard := make(chan string, 1000)
	go func() {
		defer close(heard)
		b := make([]byte, 1000)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			heard <- string(b[:n])
		}
	}()
	t.Cleanup(func() { c.Close() })
	return heard
}

func next(t *testing.T, heard <-chan string) string {
	t.Helper()
	select {
	case text := <-heard:
		return text
	case <-time.After(2 * time.Minute):
		t.Fatal("nothing was heard")
		return ""
	}
}

// TestServeTellsSystemd serves, and hears when it is ready, lives, and stops.
func TestServeTellsSystemd(t *testing.T) {
	heard := notified(t)
	t.Setenv("WATCHDOG_USEC", "300000")
	t.Setenv("WATCHDOG_PID", "")
	data := t.TempDir()
	healthy := func() (int, string) {
		var out, errs bytes.Buffer
		code := run(t.Context(), stdio{strings.NewReader(""), &out, &errs}, []string{"healthy", "--data", data})
		return code, out.String() + errs.String()
	}
	if code, text := healthy(); code != 1 || !strings.Contains(text, "no server runs on "+data) {
		t.Errorf("before it runs: %d, %s", code, text)
	}
	p := startProcess(t, "stdout", program(t), "serve", "--data", data, "--listen", "localhost:0")
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := next(t, heard); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	if code, text := healthy(); code != 0 || text != "ready\n" && text != "degraded\n" {
		t.Errorf("while it runs: %d, %s", code, text)
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for got := next(t, heard); got != "STOPPING=1"; got = next(t, heard) {
		if got != "WATCHDOG=1" {
			t.Errorf("heard %q before it stopped", got)
		}
	}
}

// Who is not well says nothing, so that systemd starts it anew.
func TestWatchdogIsToldOnlyWhatIsTrue(t *testing.T) {
	heard := notified(t)
	v := supervisor{os.Getenv("NOTIFY_SOCKET"), 30 * time.Millisecond}
	ctx, stop := context.WithCancel(t.Context())
	var asked atomic.Int64
	ended := make(chan error)
	go func() {
		ended <- v.watch(ctx, func(context.Context) bool {
			if asked.Add(1) == 3 {
				stop()
			}
			return false
		})
	}()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(heard) > 0 {
		t.Errorf("told %q", <-heard)
	}
}

func TestNoSupervisor(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "1000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()+1))
	v := newSupervisor()
	if v != (supervisor{}) {
		t.Errorf("%+v", v)
	}
	if err := v.tell("READY=1"); err != nil {
		t.Error(err)
	}
	t.Setenv("NOTIFY_SOCKET", "/nowhere")
	if err := newSupervisor().tell("READY=1"); err == nil {
		t.Error("a socket that is not there took it")
	}
}
