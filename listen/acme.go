package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

var _ Certificates = (*ACME)(nil)

// ACMEConfig says for which hosts certificates are asked, and whom.
type ACMEConfig struct {
	Hosts     []string     // the names of this server
	Email     string       // where the authority writes to; may be empty
	Directory string       // URL of the authority; empty means Let's Encrypt
	Roots     string       // file of certificates (PEM) by which the authority's own is trusted; empty means the system's
	Cache     string       // folder for keys and certificates
	Logger    *slog.Logger // never nil

	// Transport carries requests to the authority; nil means a usual one.
	Transport http.RoundTripper
}

// ACME gets certificates from an authority, such as Let's Encrypt, and renews
// them when a third of their time is left, thirty days at most. The authority
// looks at this server's port 443, or at 80 through Challenges. Make it with
// NewACME.
type ACME struct {
	config  ACMEConfig
	manager *autocert.Manager
	end     context.CancelFunc // ends what is asked of the authority

	mu      sync.Mutex
	expires map[string]time.Time
	failed  map[string]time.Time // when it was last said that a host has no certificate
}

// NewACME asks nobody yet.
func NewACME(c ACMEConfig) (*ACME, error) {
	if c.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		if c.Roots != "" {
			text, err := os.ReadFile(c.Roots)
			if err != nil {
				return nil, fmt.Errorf("read roots of the authority: %w", err)
			}
			pool := x509.NewCertPool()
			if !pool.AppendCertsFromPEM(text) {
				return nil, fmt.Errorf("read roots of the authority: %s has no certificate", c.Roots)
			}
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
		}
		c.Transport = t
	}
	life, end := context.WithCancel(context.Background())
	return &ACME{
		config: c, end: end, expires: map[string]time.Time{}, failed: map[string]time.Time{},
		manager: &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(c.Cache), Email: c.Email,
			HostPolicy: autocert.HostWhitelist(c.Hosts...),
			Client:     &acme.Client{DirectoryURL: c.Directory, HTTPClient: &http.Client{Transport: living{c.Transport, life}, Timeout: time.Minute}, UserAgent: "beforehand"},
		},
	}, nil
}

// living ends requests when a life ends: a renewal begins by itself, and knows
// nobody who could end it.
type living struct {
	http.RoundTripper
	life context.Context
}

// maxAnswer is how many bytes of an answer of the authority are read.
const maxAnswer = 1 << 20

// RoundTrip implements http.RoundTripper.
func (t living) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(t.life, cancel)()
	res, err := t.RoundTripper.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, err
}

// Config implements Certificates.
func (a *ACME) Config() *tls.Config {
	c := a.manager.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	return c
}

// Covers implements Certificates.
func (a *ACME) Covers(host string) bool { return slices.Contains(a.config.Hosts, host) }

// Expires implements Certificates.
func (a *ACME) Expires() map[string]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := map[string]time.Time{}
	maps.Copy(all, a.expires)
	return all
}

// Challenges answers what the authority asks over http, and leaves the rest to
// another handler.
func (a *ACME) Challenges(rest http.Handler) http.Handler { return a.manager.HTTPHandler(rest) }

// Run gets what is missing before the first reader comes, and says of what
// cannot be had why, every hour.
func (a *ACME) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, a.end)()
	if err := os.MkdirAll(filepath.Clean(a.config.Cache), 0o700); err != nil {
		return fmt.Errorf("make folder for certificates: %w", err)
	}
	return looking(ctx, func(ctx context.Context) {
		for _, host := range a.config.Hosts {
			a.look(ctx, host)
		}
	})
}

// sayEvery is how often it is said that a host has no certificate, and how
// often one is asked for without a reader.
const sayEvery = time.Hour

func (a *ACME) look(ctx context.Context, host string) {
	a.mu.Lock()
	failed := a.failed[host]
	a.mu.Unlock()
	if time.Since(failed) < sayEvery {
		return // authorities bound how often one may fail
	}
	cert, err := a.manager.GetCertificate(&tls.ClientHelloInfo{
		ServerName: host, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	})
	if ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil && time.Until(cert.Leaf.NotAfter) < 0 {
		err = errors.New("it has expired and was not renewed")
	}
	if err != nil {
		a.failed[host] = time.Now()
		a.config.Logger.Error("no certificate; asked for again within an hour", "host", host, "error", err)
		return
	}
	if old := a.expires[host]; !old.Equal(cert.Leaf.NotAfter) {
		a.expires[host] = cert.Leaf.NotAfter
		a.config.Logger.Info("certificate in service", "host", host, "expires", cert.Leaf.NotAfter)
	}
}
