package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun serves a page and sees it arrive.
func TestRun(t *testing.T) {
	arrived := make(chan string, 10)
	beforehand := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			arrived <- r.Header.Get("Authorization") + " " + string(body)
		}
	}))
	defer beforehand.Close()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	l.Close()

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, listen, filepath.Join(t.TempDir(), "pages.db"), beforehand.URL, "secret") }()
	res, err := http.Get("http://" + listen + "/hello")
	for err != nil { // it is starting
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
		res, err = http.Get("http://" + listen + "/hello")
	}
	res.Body.Close()
	if got := <-arrived; !strings.HasPrefix(got, "Bearer secret ") || !strings.Contains(got, `"path":"/hello"`) {
		t.Error(got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
