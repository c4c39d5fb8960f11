package onewrite

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// pair is a connection of a Listener and its other end.
func pair(t *testing.T) (*conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := Listener(l).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close() // a test may have
		_ = other.Close()
	})
	return c.(*conn), other
}

const soon = 20 * time.Millisecond

func TestDeadlinesEndReadsAndWrites(t *testing.T) {
	fill := make([]byte, 16<<20) // more than the kernel takes
	tests := []struct {
		name string
		set  func(c *conn, t time.Time) error
		do   func(c *conn) error
	}{
		{"read", (*conn).SetReadDeadline, func(c *conn) error { _, err := c.Read(make([]byte, 1)); return err }},
		{"copy out", (*conn).SetReadDeadline, func(c *conn) error { _, err := io.Copy(io.Discard, c); return err }},
		{"write", (*conn).SetWriteDeadline, func(c *conn) error { _, err := c.Write(fill); return err }},
		{"copy in", (*conn).SetWriteDeadline, func(c *conn) error { _, err := io.Copy(c, &endless{}); return err }},
		{"read, both", (*conn).SetDeadline, func(c *conn) error { _, err := c.Read(make([]byte, 1)); return err }},
		{"write, both", (*conn).SetDeadline, func(c *conn) error { _, err := c.Write(fill); return err }},
	}
	for _, tt := range tests {
		t.Run(tt.name+" that is past", func(t *testing.T) {
			c, _ := pair(t)
			if err := tt.set(c, time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			if err := tt.do(c); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%v", err)
			}
		})
		t.Run(tt.name+" set before", func(t *testing.T) {
			c, _ := pair(t)
			began := time.Now()
			if err := tt.set(c, began.Add(soon)); err != nil {
				t.Fatal(err)
			}
			if err := tt.do(c); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) < soon {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
		t.Run(tt.name+" set meanwhile", func(t *testing.T) {
			c, _ := pair(t)
			// A deadline far away, which is to give way to the one set later.
			if err := tt.set(c, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(soon, func() {
				if err := tt.set(c, time.Unix(1, 0)); err != nil {
					t.Error(err)
				}
			})
			if err := tt.do(c); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%v", err)
			}
		})
	}
}

type endless struct{}

func (*endless) Read(p []byte) (int, error) { return len(p), nil }

// A deadline that was taken back ends nothing.
func TestDeadlineTakenBack(t *testing.T) {
	c, other := pair(t)
	for _, at := range []time.Time{time.Now().Add(soon), time.Unix(1, 0), {}} {
		if err := c.SetDeadline(at); err != nil {
			t.Fatal(err)
		}
	}
	time.AfterFunc(2*soon, func() { _, _ = io.WriteString(other, "x") })
	if n, err := c.Read(make([]byte, 1)); n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}

// Who reads past this package has the deadline that was asked for.
func TestDeadlineOfARawRead(t *testing.T) {
	c, _ := pair(t)
	if err := c.SetDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	if err := raw.Read(func(uintptr) bool { return false }); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// The timeouts of a server hold as they do without this package.
func TestServerTimeouts(t *testing.T) {
	const long = 100 * time.Millisecond
	addr := serveWith(t, &http.Server{
		Handler: sized, ReadHeaderTimeout: long, ReadTimeout: long, WriteTimeout: long, IdleTimeout: long,
	}, Listener)
	for name, asked := range map[string]string{
		"idle at once":       "",
		"half a head":        "GET / HT",
		"idle after a while": "GET /5000 HTTP/1.1\r\nHost: x\r\n\r\n",
		"nobody reads":       "GET /50000000 HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprint(c, asked)
			if name == "nobody reads" {
				time.Sleep(3 * long)
			}
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := io.Copy(io.Discard, c)
			if errors.Is(err, os.ErrDeadlineExceeded) || n > 40_000_000 {
				t.Errorf("the server still holds on after %d bytes: %v", n, err)
			}
		})
	}
}

// A socket is told one deadline for reading and one for writing a request.
func TestSocketIsToldFewDeadlines(t *testing.T) {
	var told atomic.Int64
	addr := serveWith(t, &http.Server{
		Handler: sized, ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
	}, func(l net.Listener) net.Listener { return counting{Listener(l), &told} })
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	const requests = 200
	for range requests {
		fmt.Fprint(c, "GET /20000 HTTP/1.1\r\nHost: x\r\n\r\n")
		r, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Fatal(err)
		}
	}
	// Where another core begins the read behind a request at once, that one
	// is told, and told again to end.
	if n := told.Load(); n < requests || n > 6*requests {
		t.Errorf("%d deadlines told for %d requests", n, requests)
	}
	t.Logf("%d deadlines told for %d requests", told.Load(), requests)
}

// counting counts what sockets are told.
type counting struct {
	net.Listener
	told *atomic.Int64
}

func (l counting) Accept() (net.Conn, error) {
	a, err := l.Listener.Accept()
	if err == nil {
		for _, d := range []*deadline{&a.(*conn).reads, &a.(*conn).writes} {
			set := d.set
			d.set = func(t time.Time) error {
				l.told.Add(1)
				return set(t)
			}
		}
	}
	return a, err
}
