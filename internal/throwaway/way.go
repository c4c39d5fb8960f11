package throwaway

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// Way leads to a server over TCP, and can be cut.
type Way struct {
	listener net.Listener
	to       string
	going    sync.WaitGroup

	mu    sync.Mutex
	cut   Cut
	mend  chan struct{} // closed when it leads there again
	conns map[net.Conn]bool
}

// Cut is how a way is cut.
type Cut int

// The ways to be cut.
const (
	Whole   Cut = iota // it leads there
	Refused            // whoever comes is turned away, and whoever is there
	Silent             // nobody hears anything any more, nor that nobody does
)

// Lead makes a way from an address of this machine to another until the test ends.
func Lead(t testing.TB, from, to string) *Way {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(from, "0"))
	if err != nil {
		t.Fatal(err)
	}
	w := &Way{listener: l, to: to, mend: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(w.mend)
	w.going.Go(w.accept)
	t.Cleanup(func() {
		l.Close()
		w.Cut(Refused)
		w.going.Wait()
	})
	return w
}

// Addr is where the way begins.
func (w *Way) Addr() string { return w.listener.Addr().String() }

// Cut cuts the way, or mends it.
func (w *Way) Cut(c Cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c == Silent && w.cut != Silent {
		w.mend = make(chan struct{})
	}
	if c != Silent && w.cut == Silent {
		close(w.mend)
	}
	w.cut = c
	if c == Refused {
		for conn := range w.conns {
			conn.Close()
		}
	}
}

func (w *Way) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.going.Go(func() { w.lead(client) })
	}
}

// lead passes on what both sides say.
func (w *Way) lead(client net.Conn) {
	defer client.Close()
	if !w.hold(client) {
		return
	}
	defer w.drop(client)
	<-w.whole()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", w.to)
	if err != nil {
		return
	}
	defer server.Close()
	if !w.hold(server) {
		return
	}
	defer w.drop(server)
	var both sync.WaitGroup
	for _, ends := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			defer client.Close()
			defer server.Close()
			_, _ = io.Copy(ends[1], heard{w, ends[0]}) // either side may go
		})
	}
	both.Wait()
}

// heard reads what one side says, when the way leads on.
type heard struct {
	w    *Way
	from net.Conn
}

func (h heard) Read(b []byte) (int, error) {
	n, err := h.from.Read(b)
	<-h.w.whole()
	return n, err
}

func (w *Way) whole() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mend
}

func (w *Way) hold(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[c] = true
	return w.cut != Refused
}

func (w *Way) drop(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}
