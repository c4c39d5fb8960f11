package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/server"
)

// remote hands imports to a running server through its socket.
type remote struct {
	client *http.Client
	site   string
}

// dialServer reaches the server that holds a data directory.
func dialServer(ctx context.Context, c appConfig) (*remote, error) {
	path, err := socketPath(c.data)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	conn.Close()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) }
	return &remote{&http.Client{Transport: &http.Transport{DialContext: dial}}, c.site}, nil
}

func (r *remote) close() error {
	r.client.CloseIdleConnections()
	return nil
}

func (r *remote) send(ctx context.Context, name string, data io.Reader, progress func(collect.Progress)) (collect.Summary, error) {
	query := url.Values{"site": {r.site}, "name": {filepath.Base(name)}}
	// The committed part is remembered for the case that the server dies.
	var done collect.Progress
	m, err := r.post(ctx, "/import?"+query.Encode(), data, func(p collect.Progress) {
		done = p
		progress(p)
	})
	if err != nil {
		return collect.Summary{Lines: done.Lines, Pageviews: done.Committed},
			fmt.Errorf("import %s: the server went away after %d pageviews: start it and run the same command again: %w", name, done.Committed, err)
	}
	var sum collect.Summary
	if m.Summary != nil {
		sum = *m.Summary
	}
	if m.Error == "" {
		return sum, nil
	}
	return sum, errors.New(m.Error)
}

func (r *remote) refresh(ctx context.Context) error {
	m, err := r.post(ctx, "/refresh", http.NoBody, func(collect.Progress) {})
	if err == nil && m.Error != "" {
		err = errors.New(m.Error)
	}
	return err
}

// post sends a body and reads messages until the last.
func (r *remote) post(ctx context.Context, path string, body io.Reader, progress func(collect.Progress)) (server.Message, error) {
	// A plain reader, so that the body is sent while the answer is read, and
	// never again on another connection.
	body = struct{ io.Reader }{body}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://beforehand"+path, body)
	if err != nil {
		return server.Message{}, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return server.Message{}, err
	}
	defer res.Body.Close()
	in := json.NewDecoder(res.Body)
	for {
		var m server.Message
		if err := in.Decode(&m); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return m, err
		}
		if m.Progress == nil {
			return m, nil
		}
		progress(*m.Progress)
	}
}
