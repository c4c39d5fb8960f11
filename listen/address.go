package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// socketPrefix begins the address of a socket in the file system.
const socketPrefix = "unix:"

// maxSocket is the longest path a socket can have.
const maxSocket = 100

// Address is where to listen: host:port, or unix:PATH.
type Address string

// ParseAddress refuses what is no address.
func ParseAddress(text string) (Address, error) {
	if path, ok := strings.CutPrefix(text, socketPrefix); ok {
		switch {
		case path == "":
			return "", fmt.Errorf("listen address %q: name the socket, such as unix:/run/beforehand/http.sock", text)
		case len(path) > maxSocket:
			return "", fmt.Errorf("listen address %q: the path of a socket has at most %d bytes", text, maxSocket)
		}
		return Address(text), nil
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("listen address %q: use host:port, such as localhost:8080, or unix:PATH", text)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("listen address %q: %q is no port", text, port)
	}
	return Address(text), nil
}

// UnmarshalText refuses what is no address.
func (a *Address) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAddress(string(text))
	return err
}

// Socket is the path of the socket, or empty.
func (a Address) Socket() string {
	path, _ := strings.CutPrefix(string(a), socketPrefix)
	if path == string(a) {
		return ""
	}
	return path
}

// Mode says who may connect to a socket, in the octal digits of chmod.
type Mode fs.FileMode

// UnmarshalText reads octal digits.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return fmt.Errorf("%q is no mode of a socket: write it like 0660", text)
	}
	*m = Mode(n)
	return nil
}

// DefaultMode lets the owner and the group of a socket connect to it.
const DefaultMode Mode = 0o660

// Listen takes the address. A socket has the mode from its first moment on;
// one that a process has left behind is taken away, one that is in use is not.
func (a Address) Listen(ctx context.Context, mode Mode) (net.Listener, error) {
	path := a.Socket()
	if path == "" {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", string(a))
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	// A socket takes its mode from the process's mask, which belongs to all
	// goroutines: so it is made where nobody else can come, and moved.
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "s")
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", made)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(made, fs.FileMode(mode)), os.Rename(made, path)); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, errors.Join(err, l.Close()))
	}
	return &socket{l, path}, nil
}

// socket takes its path away when it is closed.
type socket struct {
	net.Listener
	path string
}

func (s *socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

func (s *socket) Close() error {
	err := s.Listener.Close()
	if err == nil {
		err = os.Remove(s.path)
	}
	return err
}

// removeStale takes a socket away that nobody listens on.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("listen on %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("listen on %s: there is something that is no socket; choose another path", path)
	}
	c, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		c.Close()
		return fmt.Errorf("listen on %s: another process listens there; stop it, or choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	return os.Remove(path)
}
