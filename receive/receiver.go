package receive

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/token"
	"golang.org/x/sync/semaphore"
)

// Keeper makes pageviews durable. A pageview.Store is one.
type Keeper interface {
	Append(ctx context.Context, b pageview.Batch) error
}

// Config is what the ways in need.
type Config struct {
	Sites   collect.Sites
	Store   Keeper
	Counts  Asker // what busuanzi's counts begin with; nil means that there are none
	Intake  *collect.Intake
	Tokens  *token.Guard    // knows who may use the API; nil means that there is none
	Proxies collect.Proxies // in front of the server
	Script  string          // name of the script and the picture in URLs, without ".js"; empty means "b"
	Logger  *slog.Logger    // nil means slog.Default()
}

// Receiver takes pageviews in. Make it with New.
type Receiver struct {
	Config
	room     *semaphore.Weighted // bytes of memory for requests that are under way
	totals   *totals
	arrivals *arrivals
}

// maxRoom is how much memory in bytes requests under way may take together.
const maxRoom = 192 << 20

// scriptName is what a script can be called.
var scriptName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// CheckName refuses what a script cannot be called.
func CheckName(script string) error {
	if !scriptName.MatchString(script) {
		return fmt.Errorf("a script's name is 1 to 40 letters, digits, - and _, not %q", script)
	}
	return nil
}

// New returns a Receiver. It fails where the script cannot be called so.
func New(c Config) (*Receiver, error) {
	c.Script = cmp.Or(c.Script, "b")
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if err := CheckName(c.Script); err != nil {
		return nil, err
	}
	return &Receiver{Config: c, room: semaphore.NewWeighted(maxRoom), totals: &totals{store: c.Counts}, arrivals: &arrivals{}}, nil
}

// For returns a receiver for other sites, which goes on with what this one has
// counted of those that both have. Both can be used at the same time.
func (r *Receiver) For(sites collect.Sites) *Receiver {
	next := *r
	next.Sites = sites
	both := func(name string) bool { return r.Sites.Named(name) != nil && sites.Named(name) != nil }
	r.totals.only(both)
	r.arrivals.only(both)
	return &next
}

// Mux is what the ways in are put on, such as an [http.ServeMux].
type Mux interface {
	Handle(pattern string, h http.Handler)
	HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request))
}

// Mount puts the ways in on a mux.
func (r *Receiver) Mount(mux Mux) {
	for _, v := range versions() {
		for _, path := range v.paths(r.Script) {
			mux.Handle("GET "+path.url, path)
			mux.HandleFunc("POST "+path.url, r.takeBeacon)
		}
	}
	mux.HandleFunc("GET /"+r.Script+".gif", r.takePixel)
	if r.Counts != nil {
		mux.HandleFunc("GET /w/{site}/count.json", r.serveCounts)
		mux.HandleFunc("GET /w/{site}/count.svg", r.serveCountPicture)
		mux.HandleFunc("GET /busuanzi", r.takeBusuanzi)
		mux.HandleFunc("GET /busuanzi.js", serveBusuanziScript)
		mux.HandleFunc("GET /busuanzi/2.3/busuanzi.pure.mini.js", serveBusuanziScript)
	}
	if r.Tokens != nil {
		mux.HandleFunc("POST /api/v1/pageviews", r.takePageviews)
	}
}

// recountEvery is how often Run sees whether the store is to be asked for counts.
const recountEvery = 5 * time.Second

// Run keeps the counts that somebody reads up to date until ctx ends.
func (r *Receiver) Run(ctx context.Context) {
	tick := time.NewTicker(recountEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := r.totals.recount(ctx); err != nil && ctx.Err() == nil {
			r.Logger.Error("count anew what counters show", "error", err)
		}
	}
}

// patience is how long a sender waits for the disk before it is told to come
// back.
const patience = 10 * time.Second

// keep makes a batch durable.
func (r *Receiver) keep(ctx context.Context, b pageview.Batch) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return r.Store.Append(ctx, b)
}

// site is the site that a page belongs to: the one that was named, else that
// of the page's host; or nil.
func (r *Receiver) site(name, host string) *collect.Site {
	switch {
	case name != "":
		return r.Sites.Named(name)
	case host == "" && len(r.Sites) == 1:
		return r.Sites[0]
	}
	return r.Sites.ForHost(host)
}

// see makes a pageview of what a page told of itself.
func (r *Receiver) see(req *http.Request, site *collect.Site, s *collect.Seen) (pageview.Pageview, string, error) {
	if site.Exclude.Request(req.Header) {
		return pageview.Pageview{}, collect.LeftExcluded, nil
	}
	s.At, s.Addr = time.Now(), r.Proxies.Client(req)
	s.Agent, s.Language = req.Header.Get("User-Agent"), req.Header.Get("Accept-Language")
	return r.Intake.Pageview(req.Context(), site, s)
}

// Reasons why a request was refused whole, besides those of collect.
const (
	leftUnknownSite = "unknown_site" // no site of that name or host
	leftOrigin      = "other_origin" // a page told of a page of another host
)

// leave answers a sender that nothing was kept, and why.
func leave(w http.ResponseWriter, reason string) { w.Header().Set("Pageview-Left-Out", reason) }
