// Package fetch gets things over HTTP for a server that must not be made to
// reach into its own network.
//
// Whether an address may be reached is judged when it is dialled, from the
// address itself: no spelling of a host, no redirect and no answer of a name
// server that changes from one question to the next gets around it. No proxy
// is used, since that would dial for us.
package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// Agent names us to the servers that are asked.
const Agent = "beforehand/1 (+https://github.com/beforehand-go/beforehand)"

// ErrPrivate is what a request ends with whose address is not a public one.
var ErrPrivate = errors.New("it is not a public address")

// Config says how far a client may go.
type Config struct {
	// Private tells whether a host with a port, such as localhost:8080, may
	// have an address that is not public. Nil means that none may; see [Written].
	Private func(address string) bool
	// Timeout bounds a request with all its redirects; zero means 20 s.
	Timeout time.Duration
	// Redirects is how many are followed; zero means five.
	Redirects int
	// Resolver asks name servers; nil means the system's way.
	Resolver *net.Resolver
}

// Client gets things. Its methods may be called at the same time.
type Client struct {
	config    Config
	transport *http.Transport
}

// New makes a client. Close it when it is no longer needed.
func New(c Config) *Client {
	c.Timeout = cmp.Or(c.Timeout, 20*time.Second)
	c.Redirects = cmp.Or(c.Redirects, 5)
	f := &Client{config: c}
	f.transport = &http.Transport{
		DialContext:            f.dial,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns:           4,
		IdleConnTimeout:        30 * time.Second,
		ForceAttemptHTTP2:      true,
	}
	return f
}

// Close lets go of connections that are kept.
func (f *Client) Close() { f.transport.CloseIdleConnections() }

// dial connects to a host, if its address may be reached.
func (f *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 10 * time.Second, Resolver: f.config.Resolver}
	if f.config.Private == nil || !f.config.Private(address) {
		d.Control = onlyPublic
	}
	return d.DialContext(ctx, network, address)
}

// onlyPublic is called with each address right before it is connected to.
func onlyPublic(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if !public(host) {
		return fmt.Errorf("%s: %w", host, ErrPrivate)
	}
	return nil
}

// Request is what to get.
type Request struct {
	URL          string
	ETag         string // of what is there already; empty means nothing is
	LastModified string // the same
	Most         int64  // bytes of the body that are read, unpacked; more than zero
	// Follow is asked before a redirect is followed; nil means that all are.
	Follow func(ctx context.Context, to *url.URL) error
}

// Response is what came.
type Response struct {
	URL          *url.URL // after redirects
	Status       int      // 304 where what is there already still holds
	Body         []byte
	Cut          bool // the body is longer than what was asked for
	Type         string
	ETag         string
	LastModified string
	Header       http.Header // all of it; not to be changed
}

// Get gets. An answer of any status is a response, not an error.
func (f *Client) Get(ctx context.Context, r Request) (*Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.config.Timeout, fmt.Errorf("it took longer than %s", f.config.Timeout))
	defer cancel()
	req, err := f.request(ctx, &r)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: f.transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > f.config.Redirects {
			return fmt.Errorf("more than %d redirects", f.config.Redirects)
		}
		if r.Follow != nil {
			return r.Follow(ctx, req.URL)
		}
		return nil
	}}
	res, err := client.Do(req)
	if err != nil {
		return nil, because(ctx, err)
	}
	defer res.Body.Close()
	out := &Response{
		URL: res.Request.URL, Status: res.StatusCode, Type: res.Header.Get("Content-Type"),
		ETag: res.Header.Get("ETag"), LastModified: res.Header.Get("Last-Modified"),
		Header: res.Header,
	}
	if err := out.read(res.Body, r.Most); err != nil {
		return nil, because(ctx, fmt.Errorf("get %q: %w", r.URL, err))
	}
	return out, nil
}

// read reads a body as far as it is wanted.
func (r *Response) read(body io.Reader, most int64) (err error) {
	r.Body, err = io.ReadAll(io.LimitReader(body, most+1))
	if int64(len(r.Body)) > most {
		r.Body, r.Cut = r.Body[:most], true
		return nil
	}
	return err
}

func (f *Client) request(ctx context.Context, r *Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, http.NoBody)
	if err != nil {
		return nil, err
	}
	if err := web(req.URL); err != nil {
		return nil, fmt.Errorf("get %q: %w", r.URL, err)
	}
	req.Header.Set("User-Agent", Agent)
	if r.ETag != "" {
		req.Header.Set("If-None-Match", r.ETag)
	}
	if r.LastModified != "" {
		req.Header.Set("If-Modified-Since", r.LastModified)
	}
	return req, nil
}

// web refuses a URL that is not of the web.
func web(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("only http:// and https:// are followed")
	}
	return nil
}

// because puts the reason for which a context ended in the place of what the
// client says of it.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
