// Command middleware is a site that counts the pages it serves. It has no
// store of its own: what it serves waits in a file until a running beforehand
// has taken it.
//
//	beforehand serve &
//	TOKEN=$(beforehand token create site) go run ./examples/middleware
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/beforehand-go/beforehand/middleware"
	"github.com/beforehand-go/beforehand/middleware/queue"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, "localhost:8081", "pages.db", "http://localhost:8080", os.Getenv("TOKEN")); err != nil {
		log.Fatal(err)
	}
}

// run serves the site until ctx ends. What was served last is in the file when
// it returns.
func run(ctx context.Context, listen, file, beforehand, token string) error {
	pages, err := queue.Open(file, queue.Config{URL: beforehand, Token: token})
	if err != nil {
		return err
	}
	counter := middleware.New(middleware.Config{Sink: pages})
	server := &http.Server{Addr: listen, Handler: counter.Handler(site()), ReadHeaderTimeout: 10 * time.Second}

	var wg sync.WaitGroup
	wg.Go(func() { _ = counter.Run(ctx) }) // it ends with ctx
	wg.Go(func() { _ = pages.Run(ctx) })
	wg.Go(func() {
		<-ctx.Done()
		server.Close()
	})
	err = server.ListenAndServe()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, pages.Close())
}

func site() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><title>A site</title><p>Hello.")
	})
}
