package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/internal/datadir"
	"github.com/beforehand-go/beforehand/internal/onewrite"
	"github.com/beforehand-go/beforehand/listen"
	"golang.org/x/sync/errgroup"
)

// addListen adds the flag for the address to serve on.
func (c *appConfig) addListen(f *flagSet) {
	f.Var(textFlag{&c.ways.Listen}, "listen", "`host:port` to serve on, or unix:PATH for a socket (default: "+defaultListen+")")
}

const defaultListen = "localhost:8080"

// addFront adds the flags about how readers come in.
func (c *appConfig) addFront(f *flagSet) {
	c.addListen(f)
	v := &c.ways.TLS
	f.Var(textFlag{&c.ways.Mode}, "socket-mode", "`mode` of a socket, as chmod has it (default: 0660)")
	f.StringVar(&v.Certificate, "tls-certificate", "", "`file` of a certificate with its chain, as PEM, so that readers come by https (default: none)")
	f.StringVar(&v.Key, "tls-key", "", "`file` of its key, as PEM (default: none)")
	f.Var(hostsFlag{&v.ACME.Hosts}, "acme-hosts", "`names` of this server, with commas between them, to get certificates for from an authority, whose terms are accepted by this (default: none)")
	f.StringVar(&v.ACME.Email, "acme-email", "", "`address` that the authority writes to (default: none)")
	f.Var(textFlag{&v.ACME.Directory}, "acme-directory", "`URL` of the authority (default: Let's Encrypt's)")
	f.StringVar(&v.ACME.Roots, "acme-roots", "", "`file` of certificates, as PEM, by which the authority itself is trusted (default: the system's)")
	f.Var(textFlag{&v.Redirect}, "redirect", "`host:port`, such as :80, where readers who come by http are led to https (default: none)")
	f.Var(textFlag{&v.Strict}, "hsts", "`duration` for which browsers that came by https come by nothing else, such as 365d (default: they are not told)")
}

// preferFront lets flags about how readers come in stand in place of the
// file's words.
func (c *appConfig) preferFront(f *flagSet) error {
	from, to := &c.ways, c.file
	for name, take := range map[string]func(){
		"listen":          func() { to.Listen = from.Listen },
		"socket-mode":     func() { to.Mode = from.Mode },
		"tls-certificate": func() { to.TLS.Certificate = from.TLS.Certificate },
		"tls-key":         func() { to.TLS.Key = from.TLS.Key },
		"acme-hosts":      func() { to.TLS.ACME.Hosts = from.TLS.ACME.Hosts },
		"acme-email":      func() { to.TLS.ACME.Email = from.TLS.ACME.Email },
		"acme-directory":  func() { to.TLS.ACME.Directory = from.TLS.ACME.Directory },
		"acme-roots":      func() { to.TLS.ACME.Roots = from.TLS.ACME.Roots },
		"redirect":        func() { to.TLS.Redirect = from.TLS.Redirect },
		"hsts":            func() { to.TLS.Strict = from.TLS.Strict },
	} {
		if f.Changed(name) {
			take()
		}
	}
	if err := to.TLS.Check(); err != nil {
		return usageError{err}
	}
	return nil
}

// front is where readers come in.
type front struct {
	net.Listener
	certificates listen.Certificates // nil means that readers come by http
	redirect     net.Listener        // where readers come by http nevertheless; may be nil
	strict       time.Duration
	name         string // that this server is known by, to itself
	public       string // URL by which readers reach it; empty means that nobody said
	log          *slog.Logger
}

// openFront takes the addresses for readers and reads certificates. It comes
// before anything else is opened or loaded, so that an address that is taken
// costs nobody a wait.
func openFront(ctx context.Context, c *config.File, data string, log *slog.Logger) (_ *front, err error) {
	f := &front{strict: time.Duration(c.TLS.Strict), name: "localhost", public: strings.TrimSuffix(string(c.URL), "/"), log: log}
	if hosts := c.TLS.ACME.Hosts; len(hosts) > 0 {
		f.name = string(hosts[0]) // for which it has a certificate
	}
	if f.certificates, err = openCertificates(c, data, log); err != nil {
		return nil, err
	}
	if f.Listener, err = take(ctx, cmp.Or(c.Listen, defaultListen), cmp.Or(c.Mode, listen.DefaultMode), "--listen"); err != nil {
		return nil, err
	}
	if c.TLS.Redirect != "" {
		if f.redirect, err = take(ctx, c.TLS.Redirect, 0, "--redirect"); err != nil {
			return nil, errors.Join(err, f.Listener.Close())
		}
	}
	return f, nil
}

func take(ctx context.Context, a listen.Address, mode listen.Mode, flag string) (net.Listener, error) {
	l, err := a.Listen(ctx, mode)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address with %s", err, flag)
	}
	return l, nil
}

// openCertificates opens what the configuration says of certificates, or gives
// nil.
func openCertificates(c *config.File, data string, log *slog.Logger) (listen.Certificates, error) {
	switch v := &c.TLS; {
	case v.Certificate != "":
		return listen.OpenFiles(c.Path(v.Certificate), c.Path(v.Key), log)
	case v.On():
		var hosts []string
		for _, h := range v.ACME.Hosts {
			hosts = append(hosts, string(h))
		}
		return listen.NewACME(listen.ACMEConfig{
			Hosts: hosts, Email: v.ACME.Email, Directory: string(v.ACME.Directory),
			Roots: c.Path(v.ACME.Roots), Cache: filepath.Join(data, datadir.Certificates), Logger: log,
		})
	}
	return nil, nil
}

// Close lets go of the addresses. After they were served it does nothing.
func (f *front) Close() {
	f.Listener.Close()
	if f.redirect != nil {
		f.redirect.Close()
	}
}

// url is where readers find the server, those on this machine at least.
func (f *front) url() string {
	addr := f.Addr()
	switch {
	case f.public != "":
		return f.public
	case addr.Network() == "unix":
		return "unix:" + addr.String()
	case f.certificates != nil:
		return "https://" + readable(addr)
	}
	return "http://" + readable(addr)
}

// serve serves readers until ctx ends.
func (f *front) serve(ctx context.Context, g *errgroup.Group, h http.Handler) {
	if f.certificates == nil {
		serveHTTP(ctx, g, f.server(h), onewrite.Listener(f.Listener))
		return
	}
	if f.strict > 0 {
		h = listen.Strict(h, f.strict)
	}
	s := f.server(h)
	s.TLSConfig = f.certificates.Config()
	g.Go(func() error { return f.certificates.Run(ctx) })
	serveHTTP(ctx, g, s, f.Listener)
	if f.redirect != nil {
		serveHTTP(ctx, g, f.server(f.toHTTPS()), f.redirect)
	}
}

// toHTTPS leads readers who came by http, and lets an authority look.
func (f *front) toHTTPS() http.Handler {
	port := "443"
	if tcp, ok := f.Addr().(*net.TCPAddr); ok {
		port = fmt.Sprint(tcp.Port)
	}
	h := listen.Redirect(f.certificates.Covers, port)
	if a, ok := f.certificates.(*listen.ACME); ok {
		return a.Challenges(h)
	}
	return h
}

// server is a server for readers: those who are slow do not hold it up.
func (f *front) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(f.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

// alive tells whether a reader gets an answer. While an authority has given no
// certificate, which a restart would not mend, it does not matter.
func (f *front) alive(ctx context.Context) bool {
	if f.certificates != nil && len(f.certificates.Expires()) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client, base := f.client()
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", http.NoBody)
	if err != nil {
		return false
	}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// readerWait is what a reader waits for a path: the median of some requests.
// Zero means that it could not be measured.
func (f *front) readerWait(ctx context.Context, path string) time.Duration {
	client, base := f.client()
	defer client.CloseIdleConnections()
	return medianWait(ctx, client, base+path)
}

// client reaches the server as its readers do, wherever it listens.
func (f *front) client() (client *http.Client, base string) {
	addr := f.Addr()
	var dialer net.Dialer
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, addr.Network(), addr.String())
	}}
	scheme := "http"
	if f.certificates != nil {
		// What comes from this process is not read.
		scheme, t.TLSClientConfig = "https", &tls.Config{InsecureSkipVerify: true}
	}
	return &http.Client{Transport: t}, scheme + "://" + f.name
}

// hostsFlag is a flag of several host names.
type hostsFlag struct{ list *[]config.Host }

func (f hostsFlag) Set(text string) error { return eachPart(text, f.list) }
func (f hostsFlag) Type() string          { return "text" }
func (f hostsFlag) String() string        { return "" }
