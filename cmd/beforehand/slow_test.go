package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections are pipes, on which time can be a
// bubble's.
type pipes struct {
	conns chan net.Conn
	over  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.over); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// TestSlowReadersAreLetGo has readers send and read slowly, so that they would
// hold connections for ever.
func TestSlowReadersAreLetGo(t *testing.T) {
	for name, c := range map[string]struct {
		send string
		drip time.Duration // between the bytes; zero sends them at once
		most time.Duration
	}{
		"who sends nothing":                    {"", 0, 11 * time.Second},
		"who sends a header slowly":            {"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("b", 1000), time.Second, 11 * time.Second},
		"who does not end a header":            {"GET / HTTP/1.1\r\nHost: x\r\n", 0, 11 * time.Second},
		"who sends a body slowly":              {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("b", 999), time.Second, 31 * time.Second},
		"who keeps a connection":               {"GET /short HTTP/1.1\r\nHost: x\r\n\r\n", 0, 2*time.Minute + time.Second},
		"who reads no answer":                  {"GET /long HTTP/1.1\r\nHost: x\r\n\r\n", 0, 5*time.Minute + time.Second},
		"who sends a header that is too large": {"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("b", 64<<10), 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { letGo(t, c.send, c.drip, c.most, name == "who reads no answer") })
		})
	}
}

func letGo(t *testing.T, send string, drip, most time.Duration, deaf bool) {
	f := &front{log: slog.New(slog.DiscardHandler)}
	s := f.server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path == "/long" {
			w.Write(make([]byte, 1<<20))
		}
	}))
	l := &pipes{make(chan net.Conn), make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	ours, theirs := net.Pipe()
	l.conns <- theirs
	began := time.Now()
	var sending sync.WaitGroup
	sending.Go(func() {
		for _, b := range []byte(send) {
			if drip > 0 {
				time.Sleep(drip)
			}
			if _, err := ours.Write([]byte{b}); err != nil {
				return
			}
		}
	})
	if deaf {
		time.Sleep(most)
	}
	_, err := io.Copy(io.Discard, ours)
	if took := time.Since(began); took > most {
		t.Errorf("let go after %s, %v; want %s at most", took, err, most)
	}
	ours.Close()
	sending.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
