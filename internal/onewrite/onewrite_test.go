package onewrite

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPromisesMore(t *testing.T) {
	pad := func(head string) []byte {
		return append([]byte(head), bytes.Repeat([]byte("x"), full-len(head))...)
	}
	tests := []struct {
		name string
		p    []byte
		want bool
	}{
		{"more to come", pad("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"), true},
		{"all there", pad("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"), false},
		{"chunked", pad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), false},
		{"no head", pad("Content-Length: 20000\r\n\r\n"), false},
		{"head not whole", pad("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\nX: "), false},
		{"not full", []byte("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"), false},
		{"no number", pad("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), false},
	}
	for _, tt := range tests {
		if got := promisesMore(tt.p); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

func serve(t *testing.T, h http.Handler, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	return serveWith(t, &http.Server{Handler: h}, wrap)
}

func serveWith(t *testing.T, server *http.Server, wrap func(net.Listener) net.Listener) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(wrap(l)) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// body is n bytes that tell their place.
func body(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i/251 + n)
	}
	return b
}

// sized answers /N with N bytes, in as many writes as ?writes= says.
var sized = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Path[1:])
	writes, _ := strconv.Atoi(r.URL.Query().Get("writes"))
	b := body(n)
	if r.URL.Query().Get("chunked") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(n))
	}
	for i := range max(1, writes) {
		part := b[n*i/max(1, writes) : n*(i+1)/max(1, writes)]
		if _, err := w.Write(part); err != nil {
			return
		}
	}
})

// Every size around the buffer, in one write and in several, with a length and
// in chunks, on one connection after the other answer.
func TestBodiesArriveWhole(t *testing.T) {
	addr := serve(t, sized, Listener)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	sizes := []int{0, 1, 100, 20_000, 300_000}
	for n := 3900; n < 4200; n++ {
		sizes = append(sizes, n)
	}
	for _, n := range sizes {
		for _, query := range []string{"", "?writes=2", "?writes=7", "?chunked=1"} {
			r, err := client.Get(fmt.Sprintf("http://%s/%d%s", addr, n, query))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r.Body)
			_ = r.Body.Close()
			if err != nil || !bytes.Equal(b, body(n)) {
				t.Fatalf("%d%s: %d bytes, %v", n, query, len(b), err)
			}
		}
	}
}

// Readers who take a few bytes at a time, with small windows, so that the
// kernel takes answers in parts, get the same bytes; so do those who pipeline.
func TestSlowReadersAndPartialWrites(t *testing.T) {
	addr := serve(t, sized, func(l net.Listener) net.Listener { return small{Listener(l)} })
	var wg sync.WaitGroup
	for reader := range 8 {
		wg.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			_ = c.(*net.TCPConn).SetReadBuffer(4096)
			random := rand.New(rand.NewPCG(1, uint64(reader)))
			var sizes []int
			for range 6 {
				n := 3900 + random.IntN(20_000)
				sizes = append(sizes, n)
				fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", n)
			}
			slow := bufio.NewReaderSize(&trickle{c, random}, 16)
			for _, n := range sizes {
				r, err := http.ReadResponse(slow, nil)
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(r.Body)
				if err != nil || sha256.Sum256(b) != sha256.Sum256(body(n)) {
					t.Errorf("%d bytes of %d: %v", len(b), n, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// small makes the kernel's send buffers small.
type small struct{ net.Listener }

func (l small) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*conn).SetWriteBuffer(4096)
	}
	return c, err
}

type trickle struct {
	io.Reader
	random *rand.Rand
}

func (r *trickle) Read(p []byte) (int, error) {
	return r.Reader.Read(p[:1+r.random.IntN(len(p))])
}

// A reader who goes away in the middle ends the handler's writing.
func TestReaderWhoGoesAway(t *testing.T) {
	failed := make(chan error, 1)
	addr := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000000")
		b := body(5000)
		for range 20_000 {
			if _, err := w.Write(b); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}), Listener)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	select {
	case err := <-failed:
		if err == nil {
			t.Error("a hundred megabytes were written to nobody")
		}
	case <-time.After(10 * time.Second):
		t.Error("the handler still writes")
	}
}

// A handler that fills the buffer, flushes and waits keeps its reader waiting
// for a moment only.
func TestKeptBufferIsSentWhenNothingFollows(t *testing.T) {
	done := make(chan struct{})
	addr := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Header().Set("Date", strings.Repeat("x", 20))
		w.Header().Set("Content-Type", "a/b")
		_, _ = w.Write(body(full + 100)) // what the buffer cannot take goes on in the next one
		<-done
	}), Listener)
	defer close(done)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadFull(c, make([]byte, full)); err != nil {
		t.Errorf("the kept buffer did not come: %v", err)
	}
}

// The first buffer of a 20 kB answer waits for the rest.
func TestFirstBufferWaitsForTheRest(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	head := "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"
	all := append([]byte(head), body(20_000)...)
	go func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(io.Discard, c)
	}()
	accepted, err := Listener(l).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	joined := accepted.(*conn)
	if n, err := joined.Write(all[:full]); n != full || err != nil || joined.kept == nil {
		t.Fatalf("%d, %v: the first buffer is not kept back", n, err)
	}
	if n, err := joined.Write(all[full:]); n != len(all)-full || err != nil || joined.kept != nil {
		t.Fatalf("%d, %v: the second write must send both", n, err)
	}
}

// An answer in one write costs no allocation, whoever reads it.
func TestOneWriteAllocatesNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(io.Discard, c)
	}()
	c, err := Listener(l).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all := append([]byte("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"), body(20_000)...)
	n := testing.AllocsPerRun(1000, func() {
		for _, part := range [][]byte{all[:full], all[full:]} {
			if _, err := c.Write(part); err != nil {
				t.Error(err)
			}
		}
	})
	if n >= 1 {
		t.Errorf("%v allocations an answer", n)
	}
}
