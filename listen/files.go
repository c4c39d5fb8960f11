package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

var _ Certificates = (*Files)(nil)

// Files is a certificate in a file and its key in another. When they change
// the new ones are taken without a restart. Make it with OpenFiles.
type Files struct {
	certificate, key string // paths
	log              *slog.Logger
	now              atomic.Pointer[pair]
	refused          string // what was said of files that could not be taken
}

// pair is what the files held when they were read.
type pair struct {
	certificate, key []byte
	tls.Certificate
}

// OpenFiles reads a certificate with its chain and its key, both as PEM.
func OpenFiles(certificate, key string, log *slog.Logger) (*Files, error) {
	f := &Files{certificate: certificate, key: key, log: log}
	p, err := f.read()
	if err != nil {
		return nil, err
	}
	f.now.Store(p)
	return f, nil
}

func (f *Files) read() (p *pair, err error) {
	p = &pair{}
	if p.certificate, err = os.ReadFile(f.certificate); err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	if p.key, err = os.ReadFile(f.key); err != nil {
		return nil, fmt.Errorf("read key of certificate: %w", err)
	}
	if p.Certificate, err = tls.X509KeyPair(p.certificate, p.key); err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", f.certificate, f.key, err)
	}
	return p, nil
}

// Config implements Certificates.
func (f *Files) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &f.now.Load().Certificate, nil
		},
	}
}

// Covers implements Certificates.
func (f *Files) Covers(host string) bool { return f.now.Load().Leaf.VerifyHostname(host) == nil }

// Expires implements Certificates.
func (f *Files) Expires() map[string]time.Time {
	return map[string]time.Time{f.certificate: f.now.Load().Leaf.NotAfter}
}

// Run looks every minute whether the files have changed.
func (f *Files) Run(ctx context.Context) error { return looking(ctx, f.look) }

// look takes new files. Of a pair that does not fit, which may just be written,
// it says so once and keeps what it has.
func (f *Files) look(context.Context) {
	p, err := f.read()
	if err != nil {
		if f.refused != err.Error() {
			f.refused = err.Error()
			f.log.Warn("new certificate refused; the old one stays", "error", err)
		}
		return
	}
	f.refused = ""
	old := f.now.Load()
	if bytes.Equal(p.certificate, old.certificate) && bytes.Equal(p.key, old.key) {
		return
	}
	f.now.Store(p)
	f.log.Info("new certificate taken", "file", f.certificate, "expires", p.Leaf.NotAfter)
}
