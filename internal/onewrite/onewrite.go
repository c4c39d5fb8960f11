// Package onewrite is a listener for net/http that sends the head of an answer
// and its body in one system call.
//
// A server of net/http fills a buffer of 4,096 bytes with the head and the
// beginning of the body, writes it, and writes the rest of the body after it.
// The second write is half of what a small answer costs. Here a full buffer
// that begins an answer whose Content-Length promises more is kept back until
// the rest comes, and both are handed to the kernel together. It is never kept
// longer than ten milliseconds.
//
// The server also sets deadlines many times for a request; the socket is told
// of those that a read or write has to wait for.
package onewrite

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

const (
	// full is the size of the buffer of net/http.
	full = 4096
	// patience is how long a buffer is kept back when nothing follows.
	patience = 10 * time.Millisecond
)

// Listener wraps a listener for use by an http.Server. Connections that are
// not TCP are left as they are.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && err == nil {
		return newConn(tcp), nil
	}
	return c, err
}

// conn keeps back a buffer that more will follow.
type conn struct {
	*net.TCPConn

	mu    sync.Mutex // others than the server's goroutine close and send what was kept
	kept  []byte     // nil when nothing is kept back
	space *[full]byte
	parts [2][]byte   // what is kept back and what follows it
	both  net.Buffers // of parts, here so that none is allocated for an answer
	timer *time.Timer
	err   error // of a write that nobody waited for

	reads, writes deadline
}

func newConn(tcp *net.TCPConn) *conn {
	return &conn{TCPConn: tcp, reads: deadline{set: tcp.SetReadDeadline}, writes: deadline{set: tcp.SetWriteDeadline}}
}

var spaces = sync.Pool{New: func() any { return new([full]byte) }}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	if c.kept == nil && promisesMore(p) {
		c.keep(p)
		return len(p), nil
	}
	if err := c.writes.begin(); err != nil {
		return 0, err
	}
	defer c.writes.end()
	if c.kept == nil {
		return c.TCPConn.Write(p)
	}
	before := len(c.kept)
	c.parts = [2][]byte{c.kept, p}
	c.both = c.parts[:]
	n, err := c.both.WriteTo(c.TCPConn)
	c.parts = [2][]byte{}
	c.release()
	if err != nil {
		c.err = err // part of an answer is gone: nothing may follow it
	}
	return max(0, int(n)-before), err
}

// keep takes a copy, since the server uses its buffer again.
func (c *conn) keep(p []byte) {
	c.space = spaces.Get().(*[full]byte)
	c.kept = c.space[:copy(c.space[:], p)]
	if c.timer == nil {
		c.timer = time.AfterFunc(patience, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.flush()
		})
	} else {
		c.timer.Reset(patience)
	}
}

func (c *conn) release() {
	c.timer.Stop()
	spaces.Put(c.space)
	c.kept, c.space = nil, nil
}

// flush sends what is kept back. An error is told by the next write.
func (c *conn) flush() {
	if c.kept == nil {
		return
	}
	if c.err = c.writes.begin(); c.err == nil {
		_, c.err = c.TCPConn.Write(c.kept)
		c.writes.end()
	}
	c.release()
}

// ReadFrom lets files be sent by the kernel, as they are without this package.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	c.mu.Lock()
	c.flush()
	err := c.err
	c.mu.Unlock()
	if err == nil {
		err = c.writes.begin()
	}
	if err != nil {
		return 0, err
	}
	defer c.writes.end()
	return c.TCPConn.ReadFrom(r)
}

// CloseWrite ends an answer that ends with the connection.
func (c *conn) CloseWrite() error {
	c.mu.Lock()
	c.flush()
	c.mu.Unlock()
	return c.TCPConn.CloseWrite()
}

// Close implements net.Conn. A write under way is cut off, as it is without
// this package.
func (c *conn) Close() error {
	if c.mu.TryLock() {
		c.flush()
		c.mu.Unlock()
	}
	return c.TCPConn.Close()
}

// promisesMore tells whether p is a full buffer that begins an answer, by
// whose Content-Length more must follow.
func promisesMore(p []byte) bool {
	if len(p) != full || !bytes.HasPrefix(p, []byte("HTTP/1.1 200 ")) {
		return false
	}
	head, body, ok := bytes.Cut(p, []byte("\r\n\r\n"))
	if !ok {
		return false
	}
	_, line, ok := bytes.Cut(head, []byte("\r\nContent-Length: "))
	if !ok {
		return false
	}
	line, _, _ = bytes.Cut(line, []byte("\r"))
	n, err := strconv.Atoi(string(line))
	return err == nil && n > len(body)
}
