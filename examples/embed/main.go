// Embed is a site with a list of hot articles that is computed beforehand. The
// scheduler runs in the site's own process; start as many of them as you like
// on one site.db, and each hour is computed once.
package main

import (
	"context"
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
	hot := beforehand.New(site, "hot", hotArticles, beforehand.Policy{Trigger: trigger.Every(time.Hour), Wait: 5 * time.Second})

	mux := http.NewServeMux()
	mux.Handle("GET /hot.json", hot)
	mux.Handle("GET /hot.csv", hot)
	mux.HandleFunc("GET /hot/events", hot.Subscribe)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "the hottest of %d articles\n", len(hot.Value()))
	})
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Shutdown(context.WithoutCancel(ctx)) })
	go func() { _ = server.ListenAndServe() }()

	return site.Run(ctx)
}
