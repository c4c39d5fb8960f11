package listen_test

import (
	"context"
	"crypto/tls"
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
	"testing/synctest"
	"time"

	"github.com/beforehand-go/beforehand/listen"
)

func TestParseAddress(t *testing.T) {
	for _, text := range []string{"localhost:8080", ":80", "[::1]:443", "unix:/run/x.sock", "unix:x.sock"} {
		if a, err := listen.ParseAddress(text); err != nil || string(a) != text {
			t.Errorf("%s: %q, %v", text, a, err)
		}
	}
	for _, text := range []string{"", "8080", "localhost", "unix:", "localhost:nothing", "localhost:http", "localhost:70000", "unix:" + strings.Repeat("x", 101)} {
		if _, err := listen.ParseAddress(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestSocketHasItsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	a := listen.Address("unix:" + path)
	l, err := a.Listen(t.Context(), 0o640)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := a.Listen(t.Context(), 0o640); err == nil || !strings.Contains(err.Error(), "another process listens there") {
		t.Errorf("taken twice: %v", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello "+r.RemoteAddr) })}
	go server.Serve(l)
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", path)
	}}}
	res, err := client.Get("http://socket/")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || !strings.HasPrefix(string(text), "hello") {
		t.Errorf("%q, %v", text, err)
	}
	client.CloseIdleConnections()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A socket that a killed process has left is taken over; what is no socket is
// not touched.
func TestWhatIsInTheWayOfASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	old, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	old.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	a := listen.Address("unix:" + path)
	l, err := a.Listen(t.Context(), listen.DefaultMode)
	if err != nil {
		t.Fatalf("left by a killed process: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("letters"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Listen(t.Context(), listen.DefaultMode); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file in the way: %v", err)
	}
	if text, err := os.ReadFile(path); string(text) != "letters" {
		t.Errorf("%q, %v", text, err)
	}
}

// In a bubble of time: a certificate that is renewed by somebody else is taken
// within a minute; half of a pair is not.
func TestNewFilesAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, dir := newAuthority(t), t.TempDir()
		certificate, key := a.write(dir, 2, "stats.example.org")
		var log strings.Builder
		files, err := listen.OpenFiles(certificate, key, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- files.Run(ctx) }()
		shown := func() int64 {
			t.Helper()
			time.Sleep(time.Minute)
			synctest.Wait()
			c, err := files.Config().GetCertificate(&tls.ClientHelloInfo{})
			if err != nil {
				t.Fatal(err)
			}
			return c.Leaf.SerialNumber.Int64()
		}
		if n := shown(); n != 2 {
			t.Errorf("serial %d", n)
		}
		whole, err := os.ReadFile(certificate)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(certificate, whole[:100], 0o600); err != nil {
			t.Fatal(err)
		}
		if n := shown(); n != 2 {
			t.Errorf("half a file: serial %d", n)
		}
		shown()
		if n := strings.Count(log.String(), "refused"); n != 1 {
			t.Errorf("said %d times:\n%s", n, log.String())
		}
		a.write(dir, 3, "stats.example.org")
		if n := shown(); n != 3 {
			t.Errorf("after it was renewed: serial %d", n)
		}
		if !files.Covers("stats.example.org") || files.Covers("example.org") {
			t.Error("covers another name than the certificate's")
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestFilesThatCannotBeTaken(t *testing.T) {
	a := newAuthority(t)
	certificate, key := a.write(t.TempDir(), 2, "a.example")
	_, other := a.write(t.TempDir(), 3, "a.example")
	for want, pair := range map[string][2]string{
		"read certificate":                      {certificate + "x", key},
		"read key of certificate":               {certificate, key + "x"},
		"private key does not match public key": {certificate, other},
	} {
		if _, err := listen.OpenFiles(pair[0], pair[1], slog.Default()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestRedirect(t *testing.T) {
	covers := func(host string) bool { return host == "stats.example.org" }
	for _, c := range []struct {
		method, host, target, port string
		status                     int
		location                   string
	}{
		{http.MethodGet, "stats.example.org", "/s/a/b?c=d&e=%2F", "443", 308, "https://stats.example.org/s/a/b?c=d&e=%2F"},
		{http.MethodGet, "stats.example.org:80", "/", "8443", 308, "https://stats.example.org:8443/"},
		{http.MethodGet, "stats.example.org", "//evil.example/", "443", 308, "https://stats.example.org//evil.example/"},
		{http.MethodPost, "stats.example.org", "/", "443", 400, ""},
		{http.MethodGet, "evil.example", "/", "443", 421, ""},
		{http.MethodGet, "stats.example.org@evil.example", "/", "443", 421, ""},
	} {
		r := httptest.NewRequest(c.method, c.target, nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		listen.Redirect(covers, c.port).ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Location") != c.location {
			t.Errorf("%s %s%s: %d %q", c.method, c.host, c.target, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestStrict(t *testing.T) {
	w := httptest.NewRecorder()
	listen.Strict(http.NotFoundHandler(), 365*24*time.Hour).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if got := w.Header().Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Error(got)
	}
}
