package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

const healthyUsage = `healthy [flags]

Tells whether the server of a data directory is ready: "ready", or "degraded"
where it serves results and cannot compute new ones. The exit status is 1 where
it is neither, or where no server runs.`

func runHealthy(ctx context.Context, s stdio, args []string) error {
	c := appConfig{command: "healthy"}
	f := keepFlags(healthyUsage, &c.placeFlags)
	if err := f.parse(s, args, 0); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	remote, err := dialServer(ctx, c)
	if err != nil {
		return fmt.Errorf("no server runs on %s: %w", c.data, err)
	}
	defer remote.client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://beforehand/readyz", http.NoBody)
	if err != nil {
		return err
	}
	res, err := remote.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server of %s is %s", c.data, bytes.TrimSpace(text))
	}
	_, err = s.out.Write(text)
	return err
}
