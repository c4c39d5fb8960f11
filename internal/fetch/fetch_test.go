package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/internal/nametest"
)

func TestWhichAddressesArePublic(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34": true, "8.8.8.8": true, "2606:2800:220:1::1": true, "::ffff:8.8.8.8": true,
		"100.63.255.255": true, "100.128.0.1": true, "172.32.0.1": true, "198.20.0.1": true,

		"127.0.0.1": false, "127.255.255.254": false, "0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false,
		"172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "100.64.0.1": false, "169.254.169.254": false,
		"192.0.0.170": false, "192.0.2.1": false, "198.18.0.1": false, "198.51.100.7": false, "203.0.113.9": false,
		"224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd12::1": false, "ff02::1": false,
		"fec0::1": false, "fd00:ec2::254": false, "2001:db8::1": false, "100::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:100.64.0.1": false, "::ffff:192.0.2.1": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::a00:1": false, "2002:7f00:1::": false, "2001:0:7f00:1::": false,
		"": false, "localhost": false, "8.8.8.8%eth0": false,
	} {
		if got := public(address); got != want {
			t.Errorf("%q public: %t", address, got)
		}
	}
}

// counted is a server that counts who connects.
func counted(t *testing.T, h http.Handler) (s *httptest.Server, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	s = httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, connections
}

func client(t *testing.T, c Config) *Client {
	t.Helper()
	f := New(c)
	t.Cleanup(f.Close)
	return f
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

func TestNoSpellingReachesThisMachine(t *testing.T) {
	server, connections := counted(t, hello)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	f := client(t, Config{Timeout: 2 * time.Second})
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1",
		"0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "127.0.0.1.",
		"user:password@127.0.0.1", "①②⑦.0.0.1",
	} {
		if _, err := f.Get(t.Context(), Request{URL: "http://" + host + ":" + port + "/", Most: 100}); err == nil {
			t.Errorf("%s was reached", host)
		}
	}
	for _, u := range []string{"http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://10.0.0.1/", "http://192.168.0.1/"} {
		if _, err := f.Get(t.Context(), Request{URL: u, Most: 100}); !errors.Is(err, ErrPrivate) {
			t.Errorf("%s: %v", u, err)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	if _, err := client(t, Config{Private: func(string) bool { return true }}).Get(t.Context(), Request{URL: server.URL, Most: 100}); err != nil || connections.Load() != 1 {
		t.Errorf("where it is allowed: %v, %d connections", err, connections.Load())
	}
}

func TestOnlyTheWebIsAsked(t *testing.T) {
	f := client(t, Config{})
	for _, u := range []string{"file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "//example.com", "/etc/passwd", "http://", "http:///x", "http://%zz", "javascript:alert(1)", ""} {
		if _, err := f.Get(t.Context(), Request{URL: u, Most: 100}); err == nil {
			t.Errorf("%q was taken", u)
		}
	}
}

func TestARedirectIsJudgedLikeTheFirstRequest(t *testing.T) {
	inner, connections := counted(t, hello)
	var to atomic.Value
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to.Load().(string), http.StatusFound)
	}))
	defer front.Close()
	_, port, _ := net.SplitHostPort(inner.Listener.Addr().String())
	f := client(t, Config{Private: Written(front.URL)})
	for _, target := range []string{"http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, inner.URL, "http://169.254.169.254/", "file:///etc/passwd"} {
		to.Store(target)
		if _, err := f.Get(t.Context(), Request{URL: front.URL, Most: 100}); err == nil {
			t.Errorf("a redirect to %s was followed", target)
		}
	}
	f = client(t, Config{Private: Written(front.URL, inner.URL)})
	to.Store(inner.URL)
	_, err := f.Get(t.Context(), Request{URL: front.URL, Most: 100, Follow: func(context.Context, *url.URL) error { return errors.New("not that one") }})
	if err == nil || !strings.Contains(err.Error(), "not that one") {
		t.Errorf("a redirect that its caller refuses: %v", err)
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
	if res, err := f.Get(t.Context(), Request{URL: front.URL, Most: 100}); err != nil || string(res.Body) != "hello" || res.URL.String() != inner.URL {
		t.Errorf("a redirect that is allowed: %+v, %v", res, err)
	}
	to.Store(front.URL)
	if _, err := f.Get(t.Context(), Request{URL: front.URL, Most: 100}); err == nil || !strings.Contains(err.Error(), "more than 5 redirects") {
		t.Errorf("a loop: %v", err)
	}
}

// TestANameThatChangesItsAddressReachesNothing asks a name server that first
// tells a public address and then this machine's.
func TestANameThatChangesItsAddressReachesNothing(t *testing.T) {
	server, connections := counted(t, hello)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	f := client(t, Config{
		Timeout:  300 * time.Millisecond,
		Resolver: nametest.Resolver(t, []string{"93.184.216.34"}, []string{"127.0.0.1"}, []string{"93.184.216.34", "127.0.0.1"}),
	})
	var private bool
	for range 3 {
		_, err := f.Get(t.Context(), Request{URL: "http://rebind.example.com:" + port + "/", Most: 100})
		if err == nil {
			t.Error("it was reached")
		}
		private = private || errors.Is(err, ErrPrivate)
	}
	if !private || connections.Load() != 0 {
		t.Errorf("refused as private: %t; %d connections", private, connections.Load())
	}
}

func TestLimits(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, 1<<20))
	z.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			w.Header().Add("X-Long", strings.Repeat("x", 1000))
		}
	})
	mux.HandleFunc("/drip", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	var wrote atomic.Int64
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			n, _ := w.Write(make([]byte, 1<<16))
			wrote.Add(int64(n))
		}
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	f := client(t, Config{Timeout: 200 * time.Millisecond, Private: func(string) bool { return true }})

	for _, path := range []string{"/bomb", "/endless"} {
		if res, err := f.Get(t.Context(), Request{URL: server.URL + path, Most: 1000}); err != nil || !res.Cut || len(res.Body) != 1000 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if n := wrote.Load(); n > 16<<20 { // what lies in sockets is less
		t.Errorf("%d bytes of 1000 were read", n)
	}
	for path, want := range map[string]string{"/headers": "headers", "/drip": "longer than 200ms", "/broken": "unexpected EOF"} {
		if _, err := f.Get(t.Context(), Request{URL: server.URL + path, Most: 1 << 20}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestWhatIsThereIsNotSentAgain(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != Agent {
			t.Errorf("user agent %q", r.UserAgent())
		}
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "x.txt", time.Unix(1e9, 0), strings.NewReader("hello"))
	}))
	defer server.Close()
	f := client(t, Config{Private: func(string) bool { return true }})
	first, err := f.Get(t.Context(), Request{URL: server.URL, Most: 100})
	if err != nil || first.Status != 200 || string(first.Body) != "hello" {
		t.Fatalf("%+v, %v", first, err)
	}
	for _, r := range []Request{{ETag: first.ETag}, {LastModified: first.LastModified}} {
		r.URL, r.Most = server.URL, 100
		again, err := f.Get(t.Context(), r)
		if err != nil || again.Status != 304 || len(again.Body) != 0 {
			t.Errorf("%+v, %v", again, err)
		}
	}
}

func TestWhatTheOwnerWrote(t *testing.T) {
	private := Written("http://LocalHost:1313/x", "https://blog.internal/feed", "http://[::1]:8080", "%", "/path")
	for address, want := range map[string]bool{
		"localhost:1313": true, "localhost:80": true, "localhost:443": true, "blog.internal:443": true, "Blog.Internal:80": true, "[::1]:8080": true,
		"localhost:6379": false, "127.0.0.1:1313": false, "blog.internal:8080": false, ":80": false, "path:80": false, "": false,
	} {
		if got := private(address); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}
