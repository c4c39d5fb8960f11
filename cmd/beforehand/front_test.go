package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/listen"
	"golang.org/x/sync/errgroup"
)

// serveFront serves a handler by a configuration until the test ends.
func serveFront(t *testing.T, c *config.File, h http.Handler) *front {
	t.Helper()
	f, err := openFront(t.Context(), c, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	g, ctx := errgroup.WithContext(ctx)
	f.serve(ctx, g, h)
	t.Cleanup(func() {
		stop()
		if err := g.Wait(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return f
}

// certificateFiles writes a certificate for example.com.
func certificateFiles(t *testing.T) (certificate, key string) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	pair := s.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	err = errors.Join(
		os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// large is longer than any buffer on its way.
var large = bytes.Repeat([]byte("0123456789"), 30_000)

func serveLarge(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Proto", r.Proto)
	w.Write(large)
}

func TestHTTPS(t *testing.T) {
	var c config.File
	c.TLS.Certificate, c.TLS.Key = certificateFiles(t)
	c.Listen, c.TLS.Redirect, c.TLS.Strict = "127.0.0.1:0", "127.0.0.1:0", config.Duration(24*time.Hour)
	f := serveFront(t, &c, http.HandlerFunc(serveLarge))
	_, port, _ := net.SplitHostPort(f.Addr().String())
	dial := func(_ context.Context, _, address string) (net.Conn, error) {
		if address == "example.com:80" {
			return net.Dial("tcp", f.redirect.Addr().String())
		}
		return net.Dial("tcp", f.Addr().String())
	}
	for proto, two := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{DialContext: dial, ForceAttemptHTTP2: two, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		var way []string
		client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			way = append(way, r.URL.String())
			return nil
		}}
		res, err := client.Get("http://example.com/s/x?y=1")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil || !bytes.Equal(body, large) {
			t.Errorf("%s: %d bytes, %v", proto, len(body), err)
		}
		if res.Header.Get("Proto") != proto || res.Header.Get("Strict-Transport-Security") != "max-age=86400" {
			t.Errorf("%s: %v", proto, res.Header)
		}
		if want := "https://example.com:" + port + "/s/x?y=1"; strings.Join(way, " ") != want {
			t.Errorf("led to %v, want %s", way, want)
		}
		transport.CloseIdleConnections()
	}
	if f.readerWait(t.Context(), "/") == 0 {
		t.Error("how long readers wait was not measured")
	}
	if want := "https://localhost:" + port; f.url() != want {
		t.Errorf("%s, want %s", f.url(), want)
	}
}

func TestServeOnASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "http.sock")
	c := config.File{Listen: listen.Address("unix:" + path)}
	f := serveFront(t, &c, http.HandlerFunc(serveLarge))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info, err)
	}
	if f.url() != "unix:"+path || f.readerWait(t.Context(), "/") == 0 {
		t.Errorf("%s: how long readers wait was not measured", f.url())
	}
}

// Whoever says nothing, or goes on saying little, is not waited for, by https as
// by http.
func TestSlowHandshakeEnds(t *testing.T) {
	var c config.File
	c.TLS.Certificate, c.TLS.Key = certificateFiles(t)
	c.Listen = "127.0.0.1:0"
	f, err := openFront(t.Context(), &c, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := f.server(http.NotFoundHandler())
	s.TLSConfig, s.ReadHeaderTimeout = f.certificates.Config(), 100*time.Millisecond
	go s.ServeTLS(f.Listener, "", "")
	defer s.Close()
	conn, err := net.Dial("tcp", f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server still waits")
	}
}
