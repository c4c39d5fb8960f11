package articles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/fetch"
)

// Getter gets things from the web. A *fetch.Client is one.
type Getter interface {
	Get(ctx context.Context, r fetch.Request) (*fetch.Response, error)
}

var _ Getter = (*fetch.Client)(nil)

// Config says what is read of a site, and how politely. Base and Page are
// needed.
type Config struct {
	Base     *url.URL                    // where the site's pages are, such as https://blog.example
	Page     func(address string) string // path by which a page is counted; empty means that it is none of the site's
	Sitemaps []string                    // URLs; none means those that robots.txt names
	Feeds    []string                    // URLs
	NoPages  bool                        // pages themselves are not asked

	Pause  time.Duration // between two requests; zero means a second
	PerRun int           // pages asked in one run; zero means 30
	Fresh  time.Duration // after which a page is asked again; zero means a day

	// Client gets; nil means one that reaches public addresses only. Private
	// lets that one reach others, too, for a site on this machine.
	Client  Getter
	Private bool

	Progress func(ctx context.Context, done, total int64, line string) // nil means none
	Logger   func(ctx context.Context) *slog.Logger                    // of a run; nil means none
}

// Reader reads what is known of a site's articles.
type Reader struct{ Config }

// New makes a reader.
func New(c Config) *Reader {
	c.Pause = cmp.Or(c.Pause, time.Second)
	c.PerRun = cmp.Or(c.PerRun, 30)
	c.Fresh = cmp.Or(c.Fresh, 24*time.Hour)
	if c.Logger == nil {
		c.Logger = func(context.Context) *slog.Logger { return slog.New(slog.DiscardHandler) }
	}
	if c.Progress == nil {
		c.Progress = func(context.Context, int64, int64, string) {}
	}
	return &Reader{c}
}

// reading is one run of a reader. It asks for one thing at a time.
type reading struct {
	*Reader
	log     *slog.Logger
	client  Getter
	book    *Book
	now     time.Time
	pause   time.Duration
	last    time.Time // when the last answer was there
	robots  map[string]robots
	good    int // files and pages that answered
	problem []error
}

// Read reads sitemaps, feeds and, of the pages that are listed, those that are
// due, and returns what is known then; the book that was is not changed. What
// cannot be read is noted in the book, and leaves what was known of it as it
// is. It is an error only where nothing at all could be read, or ctx ended.
func (r *Reader) Read(ctx context.Context, was *Book, listed []string) (*Book, error) {
	v := &reading{
		Reader: r, log: r.Logger(ctx), client: r.Client, book: was.clone(), now: time.Now().UTC().Truncate(time.Second),
		pause: r.Pause, robots: map[string]robots{},
	}
	if v.client == nil {
		var private func(string) bool
		if r.Private { // where the owner wrote it, nowhere else
			private = fetch.Written(slices.Concat([]string{r.Base.String()}, r.Sitemaps, r.Feeds)...)
		}
		c := fetch.New(fetch.Config{Private: private})
		defer c.Close()
		v.client = c
	}
	v.readFiles(ctx)
	if !r.NoPages {
		v.readPages(ctx, listed)
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if v.good == 0 && len(v.problem) > 0 {
		return nil, fmt.Errorf("nothing of the site could be read: %w", v.problem[0])
	}
	if v.good+len(v.problem) > 0 {
		v.log.Info("articles read", "files_and_pages", v.good, "not_read", len(v.problem), "known", len(v.book.Articles))
	}
	on := map[string]bool{}
	for _, path := range listed {
		on[path] = true
	}
	v.book.trim(on, v.now.Add(-7*r.Fresh))
	return v.book, nil
}

// get asks for one thing, after a pause.
func (r *reading) get(ctx context.Context, req fetch.Request) (*fetch.Response, error) {
	if wait := time.Until(r.last.Add(r.pause)); !r.last.IsZero() && wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	res, err := r.client.Get(ctx, req)
	r.last = time.Now()
	return res, err
}

// readFiles reads sitemaps and feeds.
func (r *reading) readFiles(ctx context.Context) {
	keep := map[string]Source{}
	sitemaps := r.sitemaps(ctx)
	for i := 0; i < len(sitemaps) && i < maxParts; i++ {
		for _, part := range r.readFile(ctx, sitemaps[i], maxSitemap, r.takeSitemap) {
			if !slices.Contains(sitemaps, part) {
				sitemaps = append(sitemaps, part)
			}
		}
		keep[sitemaps[i]] = r.book.Files[sitemaps[i]]
	}
	for _, u := range r.Feeds {
		r.readFile(ctx, u, maxFeed, r.takeFeed)
		keep[u] = r.book.Files[u]
	}
	if ctx.Err() == nil {
		r.book.Files = keep // those that are no longer read are forgotten
	}
}

// sitemaps are the sitemaps that are read: those that were named, or those
// that robots.txt names.
func (r *reading) sitemaps(ctx context.Context) []string {
	if len(r.Sitemaps) > 0 {
		return slices.Clone(r.Sitemaps)
	}
	data, err := r.robotsOf(ctx, r.Base)
	if err != nil {
		r.fail(err)
		return nil
	}
	var list []string
	for _, s := range data.Sitemaps {
		if u := absolute(r.Base, s); u != "" {
			list = append(list, u)
		}
	}
	return list
}

// readFile reads a sitemap or a feed, unless it is as it was, and returns the
// parts of an index.
func (r *reading) readFile(ctx context.Context, u string, most int64, take func(*fetch.Response) ([]string, error)) []string {
	s := r.book.Files[u]
	r.Progress(ctx, 0, 0, "reading "+u)
	res, err := r.get(ctx, fetch.Request{URL: u, ETag: s.ETag, LastModified: s.LastModified, Most: most})
	if err == nil {
		err = usable(res, s.ETag != "" || s.LastModified != "")
	}
	if err == nil && res.Cut {
		err = fmt.Errorf("it is larger than %d MiB", most>>20)
	}
	parts := s.Parts
	if err == nil && res.Status == http.StatusOK {
		if parts, err = take(res); err != nil {
			parts = s.Parts
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	r.book.Files[u] = r.note(u, s, res, err, parts)
	return parts
}

// usable refuses an answer that says nothing of the file.
func usable(res *fetch.Response, asked bool) error {
	if res.Status == http.StatusOK || res.Status == http.StatusNotModified && asked {
		return nil
	}
	return fmt.Errorf("it answered %d %s", res.Status, http.StatusText(res.Status))
}

// note is what is remembered of a file or page that was asked for.
func (r *reading) note(what string, was Source, res *fetch.Response, err error, parts []string) Source {
	now := was
	now.At, now.Parts = r.now, parts
	if err != nil {
		now.Failures, now.Error = was.Failures+1, err.Error()
		r.fail(fmt.Errorf("%s: %w", what, err))
		if now.Error != was.Error { // what goes on going wrong is said once
			r.log.Warn("article facts not read", "from", what, "error", err)
		}
		return now
	}
	r.good++
	now.Failures, now.Error = 0, ""
	if res.Status == http.StatusOK {
		now.ETag, now.LastModified = short(res.ETag), short(res.LastModified)
	}
	return now
}

// short drops a validator that is too long to be kept.
func short(s string) string {
	if len(s) > 200 {
		return ""
	}
	return s
}

func (r *reading) fail(err error) { r.problem = append(r.problem, err) }

func (r *reading) takeSitemap(res *fetch.Response) ([]string, error) {
	entries, parts, err := sitemap(res.Body, res.URL)
	if err != nil && len(entries) == 0 && len(parts) == 0 {
		return nil, err
	}
	r.take(entries, OriginNews, OriginSitemap)
	return parts, err
}

func (r *reading) takeFeed(res *fetch.Response) ([]string, error) {
	entries, err := feed(res.Body, res.URL)
	r.take(entries, OriginFeed, OriginFeed)
	return nil, err
}

// take notes entries: those that tell when a page was published, and those
// that only tell when it was modified. Of the latter the earliest stands.
func (r *reading) take(entries []entry, published, modified Origin) {
	for _, e := range entries {
		path := r.Page(e.url)
		if path == "" {
			continue
		}
		from := published
		e.told.Published = sane(e.told.Published, r.now)
		if e.modified {
			from = modified
			if was := r.book.Articles[path][from].Published; !was.IsZero() && was.Before(e.told.Published) {
				e.told.Published = was
			}
		}
		r.book.tell(path, from, e.told, r.now)
	}
}

// readPages asks the pages that are listed and due, those first that were never
// asked.
func (r *reading) readPages(ctx context.Context, listed []string) {
	var due []string
	for _, path := range listed {
		s := r.book.Pages[path]
		if !r.now.Before(r.again(s)) && !slices.Contains(due, path) {
			due = append(due, path)
		}
	}
	slices.SortStableFunc(due, func(a, b string) int { return r.book.Pages[a].At.Compare(r.book.Pages[b].At) })
	due = due[:min(len(due), r.PerRun)]
	for i, path := range due {
		r.Progress(ctx, int64(i), int64(len(due)), "reading "+path)
		r.readPage(ctx, path)
		if ctx.Err() != nil {
			return
		}
	}
}

// again is when a page is asked again. One that failed is asked sooner, and
// then each time later.
func (r *reading) again(s Source) time.Time {
	switch {
	case s.At.IsZero():
		return s.At
	case s.Failures > 0:
		return s.At.Add(min(time.Hour<<min(s.Failures-1, 10), 7*r.Fresh))
	}
	return s.At.Add(r.Fresh)
}

func (r *reading) readPage(ctx context.Context, path string) {
	s := r.book.Pages[path]
	var res *fetch.Response
	u, err := url.Parse(Address(r.Base, path))
	if err == nil && u.Host == "" {
		err = errors.New("it is no path of the site")
	}
	if err == nil {
		err = r.allowed(ctx, u)
	}
	if err == nil {
		res, err = r.get(ctx, fetch.Request{
			URL: u.String(), ETag: s.ETag, LastModified: s.LastModified, Most: maxPage,
			Follow: func(ctx context.Context, to *url.URL) error { return r.follow(ctx, u, to) },
		})
	}
	if err == nil {
		err = usable(res, s.ETag != "" || s.LastModified != "")
	}
	if err == nil && res.Status == http.StatusOK {
		err = r.takePage(path, res)
	}
	if ctx.Err() == nil {
		r.book.Pages[path] = r.note(path, s, res, err, nil)
	}
}

// follow tells whether a page's redirect is followed: within the site, and as
// robots.txt allows.
func (r *reading) follow(ctx context.Context, from, to *url.URL) error {
	if to.Host != from.Host && (to.Port() != "" || r.Page(to.String()) == "") {
		return errors.New("it leads to another site")
	}
	return r.allowed(ctx, to)
}

func (r *reading) takePage(path string, res *fetch.Response) error {
	if !strings.Contains(res.Type, "html") {
		return fmt.Errorf("it is %q, not HTML", res.Type)
	}
	told, head, err := page(res.Body, res.Type, res.URL)
	if err != nil {
		return err
	}
	told.Published = sane(told.Published, r.now)
	r.book.tell(path, OriginPage, told, r.now)
	r.book.tell(path, OriginHead, head, r.now)
	return nil
}
