// Embed is a site whose list of hot articles and chart of visits are computed
// beforehand. The scheduler runs in the site's own process; start as many of
// them as you like on one site.db, and each hour is computed once.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/sqlite"
	"github.com/beforehand-go/beforehand/trigger"
)

// Article is a line of the list.
type Article struct {
	Path  string `json:"path"`
	Views int    `json:"views"`
}

// hotArticles stands for whatever is expensive to compute.
func hotArticles(ctx context.Context) ([]Article, error) {
	return []Article{{"/about-sqlite", 120}, {"/hello-world", 73}}, ctx.Err()
}

// drawChart writes the bytes of each format itself.
func drawChart(ctx context.Context) (beforehand.Files, error) {
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 2"><path d="M0 2V1h1v1m1 0V0h1v2"/></svg>`
	return beforehand.Files{"svg": []byte(svg)}, ctx.Err()
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, "site.db", "localhost:8080"); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

// serve runs the site until the context ends.
func serve(ctx context.Context, file, addr string) error {
	state, err := sqlite.Open(file)
	if err != nil {
		return err
	}
	defer state.Close()
	site, err := beforehand.Open(ctx, beforehand.Config{State: state})
	if err != nil {
		return err
	}
	hourly := beforehand.Policy{Trigger: trigger.Every(time.Hour), Wait: 5 * time.Second}
	hot := beforehand.New(site, "hot", hotArticles, hourly)
	chart := beforehand.New(site, "visits", drawChart, hourly)

	mux := http.NewServeMux()
	mux.Handle("GET /hot.json", hot) // a report is an http.Handler
	mux.Handle("GET /hot.csv", hot)
	mux.Handle("GET /visits.svg", chart)
	mux.HandleFunc("GET /hot/events", hot.Subscribe)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		articles := hot.Value() // and typed: never blocks, never computes
		fmt.Fprintf(w, "the hottest of %d articles\n", len(articles))
	})
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ctx, fail := context.WithCancelCause(ctx)
	go func() { fail(server.ListenAndServe()) }()

	err = site.Run(ctx) // both at once, now if due, then every hour
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause // such as an address that is taken
	}
	return errors.Join(err, server.Shutdown(context.WithoutCancel(ctx)))
}
