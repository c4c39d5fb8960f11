package listen_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/listen"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

const acmeHost = "stats.example.org"

// TestCertificateFromAnAuthority lets Pebble, the test server of Let's Encrypt,
// look at a server and give it a certificate: by the server's own port, and by
// http where that one is out of reach.
func TestCertificateFromAnAuthority(t *testing.T) {
	for _, by := range []string{"tls-alpn-01", "http-01"} {
		t.Run(by, func(t *testing.T) {
			front, plain := listenLocal(t), listenLocal(t)
			tlsPort := portOf(front)
			if by == "http-01" {
				tlsPort = 1 // nobody is there
			}
			directory, roots := startPebble(t, portOf(plain), tlsPort)
			var logged syncBuilder
			c := listen.ACMEConfig{
				Hosts: []string{acmeHost}, Email: "owner@example.org", Directory: directory, Roots: roots,
				Cache: filepath.Join(t.TempDir(), "certificates"), Logger: slog.New(slog.NewTextHandler(&logged, nil)),
			}
			a, err := listen.NewACME(c)
			if err != nil {
				t.Fatal(err)
			}
			hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
			server := &http.Server{Handler: hello, TLSConfig: a.Config(), ErrorLog: log.New(io.Discard, "", 0)}
			redirect := &http.Server{Handler: asOnPort80(a.Challenges(listen.Redirect(a.Covers, "443")))}
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { server.ServeTLS(front, "", "") })
			running.Go(func() { redirect.Serve(plain) })
			running.Go(func() {
				if err := a.Run(ctx); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
			defer func() {
				stop()
				if err := errors.Join(server.Close(), redirect.Close()); err != nil {
					t.Error(err)
				}
				running.Wait()
			}()
			for deadline := time.Now().Add(30 * time.Second); len(a.Expires()) == 0; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("no certificate came:\n%s", logged.String())
				}
			}
			leaf, proto := ask(t, front.Addr().String())
			if proto != "HTTP/2.0" || !strings.HasPrefix(leaf.Issuer.CommonName, "Pebble") || leaf.VerifyHostname(acmeHost) != nil {
				t.Errorf("%s from %s for %v", proto, leaf.Issuer.CommonName, leaf.DNSNames)
			}
			if !a.Expires()[acmeHost].Equal(leaf.NotAfter) {
				t.Errorf("expires %v, want %v", a.Expires(), leaf.NotAfter)
			}
			keptFrom(t, c, leaf.SerialNumber.String())
		})
	}
}

// asOnPort80 takes the port off the host, where it is only in a test.
func asOnPort80(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host, _, _ = net.SplitHostPort(r.Host)
		h.ServeHTTP(w, r)
	})
}

// keptFrom holds that a process that is started again asks nobody for what it
// has, and that nobody else can read it.
func keptFrom(t *testing.T, c listen.ACMEConfig, serial string) {
	t.Helper()
	c.Roots, c.Transport = "", failing{}
	again, err := listen.NewACME(c)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := again.Config().GetCertificate(&tls.ClientHelloInfo{ServerName: acmeHost, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}})
	if err != nil || cert.Leaf.SerialNumber.String() != serial {
		t.Errorf("after a restart: %v", err)
	}
	files, err := os.ReadDir(c.Cache)
	if err != nil || len(files) == 0 {
		t.Errorf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

type failing struct{}

func (failing) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%s was asked", r.URL)
}

// ask asks a server by https for whatever certificate it has.
func ask(t *testing.T, addr string) (leaf *x509.Certificate, proto string) {
	t.Helper()
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: acmeHost}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("https://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.TLS.PeerCertificates[0], string(text)
}

// startPebble starts an authority that looks for every host at this machine's
// ports.
func startPebble(t *testing.T, httpPort, tlsPort int) (directory, roots string) {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	signer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: 90 * 24 * 3600}})
	front := wfe.New(quiet, store, va.New(quiet, httpPort, tlsPort, false, startDNS(t), store), signer, []string{"pebble.test"}, false, false, 0, 0)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)
	roots = filepath.Join(t.TempDir(), "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(roots, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL + wfe.DirectoryPath, roots
}

// startDNS starts a name server that knows 127.0.0.1 for every name.
func startDNS(t *testing.T) string {
	t.Helper()
	l := listenLocal(t)
	s := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1),
			})
		}
		if err := w.WriteMsg(m); err != nil {
			t.Error(err)
		}
	})}
	ended := make(chan error, 1)
	go func() { ended <- s.ActivateAndServe() }()
	t.Cleanup(func() {
		if err := errors.Join(s.Shutdown(), <-ended); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// syncBuilder is a strings.Builder for several goroutines.
type syncBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuilder) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuilder) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
