// Blog serves its pages, counts them, and has a chart and a list of hot
// articles that nobody waits for: both are computed every hour, in this process.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/embedded"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/trigger"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := serve(ctx, "data", "localhost:8080", time.Hour); err != nil {
		log.Fatal(err)
	}
}

// serve serves the blog until ctx ends.
func serve(ctx context.Context, dir, addr string, every time.Duration) error {
	blog, err := embedded.Open(ctx, embedded.Config{Dir: dir, Site: "blog"})
	if err != nil {
		return err
	}
	defer blog.Close()
	policy := beforehand.Policy{Trigger: trigger.Every(every)}
	hot := blog.Hot("hot", report.HotQuery{Pages: []string{"/posts/*"}}, policy)
	chart := blog.Chart("visits", report.PageviewsQuery{}, policy)

	mux := http.NewServeMux()
	mux.Handle("GET /hot.json", hot) // the bytes of the last result
	mux.Handle("GET /hot.svg", hot)
	mux.Handle("GET /visits.svg", chart)
	mux.Handle("GET /", pages(hot.Value)) // and typed: never blocks, never computes
	return blog.Serve(ctx, addr, mux)
}
