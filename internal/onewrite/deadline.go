package onewrite

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// deadline keeps the deadline of reads or writes until one has to wait for it.
// A server of net/http sets up to nine for a request, and one read and one
// write is all there is in most.
type deadline struct {
	set func(time.Time) error // the socket's

	mu    sync.Mutex // held for moments only
	asked time.Time
	given time.Time // to the socket
	busy  int       // reads or writes under way, which must be told at once
}

func (d *deadline) ask(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = t
	if d.busy == 0 {
		return nil
	}
	return d.give()
}

// give tells the socket what was asked for. The caller holds mu.
func (d *deadline) give() error {
	if d.given.Equal(d.asked) {
		return nil
	}
	if err := d.set(d.asked); err != nil {
		return err
	}
	d.given = d.asked
	return nil
}

// begin begins a read or write; without an error, end ends it.
func (d *deadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.asked.IsZero() && !time.Now().Before(d.asked) {
		return os.ErrDeadlineExceeded
	}
	if err := d.give(); err != nil {
		return err
	}
	d.busy++
	return nil
}

func (d *deadline) end() {
	d.mu.Lock()
	d.busy--
	d.mu.Unlock()
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { return c.reads.ask(t) }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.writes.ask(t) }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.reads.ask(t); err != nil {
		return err
	}
	return c.writes.ask(t)
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.reads.begin(); err != nil {
		return 0, err
	}
	defer c.reads.end()
	return c.TCPConn.Read(p)
}

// WriteTo writes what is left to be read, as it does without this package.
func (c *conn) WriteTo(w io.Writer) (int64, error) {
	if err := c.reads.begin(); err != nil {
		return 0, err
	}
	defer c.reads.end()
	return c.TCPConn.WriteTo(w)
}

// SyscallConn implements syscall.Conn. It passes this package by, so from then
// on the socket is told each deadline at once.
func (c *conn) SyscallConn() (syscall.RawConn, error) {
	for _, d := range []*deadline{&c.reads, &c.writes} {
		if err := d.begin(); err != nil {
			return nil, err
		}
	}
	return c.TCPConn.SyscallConn()
}
