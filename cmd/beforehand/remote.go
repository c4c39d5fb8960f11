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

func (r *remote) send(ctx context.Context, l sending, progress func(collect.Progress)) (collect.Summary, error) {
	query := url.Values{"site": {r.site}, "name": {l.Name}}
	if l.Format != "" {
		query.Set("format", l.Format)
	}
	if l.Rest {
		query.Set("rest", "true")
	}
	if l.export {
		query.Set("from", l.program)
	}
	if l.beside {
		query.Set("beside", "true")
	}
	if l.day != "" {
		query.Set("day", l.day)
	}
	if l.follow {
		query.Set("follow", "true")
	}
	// The committed part is remembered for the case that the server dies.
	var done collect.Progress
	m, err := r.post(ctx, "/import?"+query.Encode(), l.Data, func(p collect.Progress) {
		done = p
		progress(p)
	})
	if err != nil {
		return collect.Summary{Lines: done.Lines, Pageviews: done.Committed},
			fmt.Errorf("import %s: the server went away after %d pageviews: start it and run the same command again: %w", l.Name, done.Committed, err)
	}
	var sum collect.Summary
	if m.Summary != nil {
		sum = *m.Summary
	}
	switch {
	case m.Nothing:
		return sum, &remoteError{m.Error, collect.ErrNothing}
	case m.Unknown:
		return sum, &remoteError{m.Error, collect.ErrUnknown}
	case m.Format:
		return sum, &remoteError{m.Error, collect.ErrFormat}
	case m.Error != "":
		return sum, errors.New(m.Error)
	}
	return sum, nil
}

// remoteError is an error of the server, which the text tells whole.
type remoteError struct {
	text string
	is   error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.is }

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
