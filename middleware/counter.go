package middleware

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
)

// Sink keeps pages that were served.
type Sink interface {
	// Keep has pages on disk when it returns nil. It tries again by itself
	// where that helps, so that pages it fails for are lost.
	Keep(ctx context.Context, pages []collect.Seen) error
}

// Config is what a Counter needs.
type Config struct {
	Sink    Sink
	Proxies collect.Proxies            // in front of the server
	Skip    func(r *http.Request) bool // tells which requests do not count; nil means that all do
	Buffer  int                        // pages that wait in memory at most; zero means 10,000
	Logger  *slog.Logger               // nil means slog.Default()
}

// Counter counts pages served. Make it with New.
type Counter struct {
	Config
	pages   chan collect.Seen
	dropped atomic.Int64
}

// New returns a Counter. It holds what it sees until Run is called.
func New(c Config) *Counter {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return &Counter{Config: c, pages: make(chan collect.Seen, cmp.Or(c.Buffer, 10_000))}
}

// Dropped is how many pages were lost, because the buffer was full or the sink
// failed.
func (c *Counter) Dropped() int64 { return c.dropped.Load() }

// Handler serves what next serves, and counts the pages in it.
func (c *Counter) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || fetchedAhead(r) || c.Skip != nil && c.Skip(r) {
			next.ServeHTTP(w, r)
			return
		}
		seen := collect.Seen{ // before next can change the request
			At: time.Now(), Host: r.Host, URL: r.URL.RequestURI(), Referrer: r.Header.Get("Referer"),
			Addr: c.Proxies.Client(r), Agent: r.Header.Get("User-Agent"), Language: r.Header.Get("Accept-Language"),
			Source: pageview.SourceMiddleware,
		}
		watched := &response{ResponseWriter: w}
		next.ServeHTTP(watched, r)
		if watched.page(r) {
			c.put(seen)
		}
	})
}

// fetchedAhead tells whether a browser asks for a page that nobody looks at
// yet, and may never.
func fetchedAhead(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") || r.Header.Get("Purpose") == "prefetch"
}

func (c *Counter) put(s collect.Seen) {
	select {
	case c.pages <- s:
	default:
		c.dropped.Add(1)
	}
}

const (
	// handAtOnce is how many pages a sink is handed at once.
	handAtOnce = 1000
	// goodbye is how long the last pages may take once ctx has ended.
	goodbye = 5 * time.Second
)

// Run hands pages to the sink until ctx ends, and then those that are left.
// While the sink is busy the next ones gather, so that one write keeps many. A sink
// is not cut off by that end: it may have kept what it was handed, and would keep
// it twice.
func (c *Counter) Run(ctx context.Context) error {
	longer, cancel := outlive(ctx, goodbye)
	defer cancel()
	for {
		select {
		case first := <-c.pages:
			c.hand(longer, c.gather([]collect.Seen{first}))
		case <-ctx.Done():
			for rest := c.gather(nil); len(rest) > 0; rest = c.gather(nil) {
				c.hand(longer, rest)
			}
			return ctx.Err()
		}
	}
}

// gather adds what waits.
func (c *Counter) gather(pages []collect.Seen) []collect.Seen {
	for len(pages) < handAtOnce {
		select {
		case s := <-c.pages:
			pages = append(pages, s)
		default:
			return pages
		}
	}
	return pages
}

func (c *Counter) hand(ctx context.Context, pages []collect.Seen) {
	if err := c.Sink.Keep(ctx, pages); err != nil {
		c.dropped.Add(int64(len(pages)))
		c.Logger.Error("pages were not counted", "pages", len(pages), "error", err)
	}
}

// outlive is a context that ends a while after ctx does.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		select {
		case <-time.After(d):
			cancel()
		case <-longer.Done():
		}
	})
	return longer, cancel
}
