package receive_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// one is a listener with one connection, which is there already.
type one chan net.Conn

func (o one) Accept() (net.Conn, error) {
	if c, ok := <-o; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (o one) Close() error   { close(o); return nil }
func (o one) Addr() net.Addr { return &net.UnixAddr{Name: "one"} }

// TestABodyThatComesTooSlowlyMayBeSentAgain cuts off bodies that do not come in
// the time that the server gives them, and ones whose sender ends them early.
func TestABodyThatComesTooSlowlyMayBeSentAgain(t *testing.T) {
	for _, c := range []struct {
		name, path string
		ends       bool // the sender ends the connection
		code       int
	}{
		{"a batch", "/api/v1/pageviews", false, http.StatusRequestTimeout},
		{"a beacon", "/b.js", false, http.StatusRequestTimeout},
		{"a batch that ends early", "/api/v1/pageviews", true, http.StatusBadRequest},
		{"a beacon that ends early", "/b.js", true, http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				res, body := answerToHalf(t, c.path, c.ends)
				again := res.Header.Get("Retry-After") != "" && strings.Contains(body, "nothing of this request was kept")
				if res.StatusCode != c.code || again == c.ends {
					t.Errorf("%s, %v: %s", res.Status, res.Header, body)
				}
			})
		})
	}
}

// halfConn is a connection whose sender can end what it sends and still read.
type halfConn struct {
	net.Conn
	sent io.Reader
}

func (c halfConn) Read(p []byte) (int, error) { return c.sent.Read(p) }

// answerToHalf is what the ways in say to half a body.
func answerToHalf(t *testing.T, path string, ends bool) (*http.Response, string) {
	t.Helper()
	ours, theirs := net.Pipe()
	half := "POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n" + `{"path":`
	if ends {
		theirs = halfConn{theirs, strings.NewReader(half)}
	} else {
		go fmt.Fprint(ours, half)
	}
	conns := make(one, 1)
	conns <- theirs
	server := &http.Server{Handler: newAPI(t), ReadTimeout: 30 * time.Second}
	go func() { _ = server.Serve(conns) }()
	defer server.Close()
	defer ours.Close()
	res, err := http.ReadResponse(bufio.NewReader(ours), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}
