package fetch

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
)

// Post is what to send.
type Post struct {
	URL    string
	Header http.Header // Content-Type among it
	Body   []byte
	Most   int64 // bytes of the answer's body that are read; more than zero
}

// Post sends. An answer of any status is a response, not an error. Redirects
// are not followed: what was meant for one server is not sent to another.
func (f *Client) Post(ctx context.Context, p Post) (*Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.config.Timeout, fmt.Errorf("it took longer than %s", f.config.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(p.Body))
	if err != nil {
		return nil, err
	}
	if err := web(req.URL); err != nil {
		return nil, fmt.Errorf("post to %q: %w", p.URL, err)
	}
	maps.Copy(req.Header, p.Header)
	req.Header.Set("User-Agent", Agent)
	client := http.Client{Transport: f.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return nil, because(ctx, err)
	}
	defer res.Body.Close()
	out := &Response{URL: res.Request.URL, Status: res.StatusCode, Type: res.Header.Get("Content-Type")}
	if err := out.read(res.Body, p.Most); err != nil {
		return nil, because(ctx, fmt.Errorf("post to %q: %w", p.URL, err))
	}
	return out, nil
}
