package server

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/snapshot"
	"github.com/beforehand-go/beforehand/trigger"
)

// Site is a site that a server serves.
type Site struct {
	*collect.Site
	Title    string          // for people; empty means its name
	Articles string          // pattern of the paths on the hot list; empty means every page
	Trigger  trigger.Trigger // when reports are computed; nil means every hour
	Import   string          // command that a page without pageviews suggests

	URL     *url.URL // where its pages are; nil means not known
	Written bool     // by who runs the server, so that URL may be in a network of its own
	Lists   []List   // hot lists; one called HotList comes first and is the page's
	Learn   *Learn   // how its articles are read, which needs URL; nil means that they are not

	Frames []string // origins whose pages may show its lists in frames; none means every one

	PublicStats bool          // everybody may ask for numbers
	Fresh       time.Duration // how old reports on pageviews may get while somebody looks; zero leaves it to the trigger
}

// site is a site with its reports and its page.
type site struct {
	Site
	server    *Server
	pageviews *beforehand.Report[report.Pageviews]
	lists     []*hotList
	hot       *hotList                             // the first of them
	articles  *beforehand.Report[beforehand.Files] // nil where they are not read
	learnt    atomic.Pointer[learnt]
	own       map[string]*Own    // reports that the site declares, by name
	looks     map[string]*look   // at reports on pageviews, by name
	pages     []page             // by language
	widgets   map[string]*widget // of reports, by name
	waits     atomic.Pointer[waits]
	cards     *cards // of the dashboard; nil where nobody reads
	visiting  visiting
	warming   atomic.Bool // cards are being computed beforehand
}

func (s *Server) newSite(c Site) *site {
	c.Title = cmp.Or(c.Title, c.Name)
	if c.Trigger == nil {
		c.Trigger = trigger.Every(time.Hour)
	}
	v := &site{Site: c, server: s, pages: make([]page, len(language.All()))}
	policy := beforehand.Policy{
		Trigger: c.Trigger,
		Timeout: 30 * time.Minute,
		Rules:   snapshot.Rules{Origins: []string{"*"}, MaxAge: c.Fresh, Policies: map[string]string{"svg": chart.Policy()}},
	}
	v.pageviews = beforehand.New(s.Reports, c.Name+"/pageviews", v.countPageviews, policy)
	v.pageviews.Render("csv", func(w io.Writer, p report.Pageviews) error { return p.CSV(w) })
	draw(s, v.pageviews, s.picturePageviews)
	v.watch(pageviewsLook, v.pageviews)
	if c.Learn != nil {
		v.newLearning(*c.Learn)
	}
	v.newLists(policy)
	for _, name := range v.names() {
		v.addWidget(name)
	}
	if !s.Unread {
		v.newCards()
	}
	for i := range v.pages {
		v.pages[i].served.Store(v.prepare(snapshot.Snapshot{}))
	}
	return v
}

func (v *site) countPageviews(ctx context.Context) (report.Pageviews, error) {
	return v.askPageviews(ctx, false)
}

// askPageviews counts pageviews, from raw rows where that is to be shown.
func (v *site) askPageviews(ctx context.Context, raw bool) (report.Pageviews, error) {
	p, span, err := report.CountPageviews(ctx, v.server.Store, report.PageviewsQuery{Site: v.Name, Raw: raw})
	report.Counted(ctx, span)
	return p, err
}

// refresh computes the reports that have not counted every pageview.
func (v *site) refresh(ctx context.Context) error {
	span, err := v.server.Store.Span(ctx, v.Name)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, 2+len(v.lists))
	if v.pageviews.Current().Pageviews.Through < int64(span.Through) {
		wg.Go(func() { errs[0] = v.pageviews.Refresh(ctx) })
		if v.cards == nil {
			errs[1] = v.leaveCards(ctx)
		}
	}
	for i, l := range v.lists {
		if l.Current().Pageviews.Through < int64(span.Through) {
			wg.Go(func() { errs[2+i] = l.Refresh(ctx) })
		}
	}
	wg.Wait()
	return errors.Join(append(errs, v.invalidate(ctx, span))...)
}

// waiting tells whether a report has no result yet, and did not fail.
func (v *site) waiting() bool {
	waits := func(s beforehand.Status) bool { return s.Version == 0 && s.Failures == 0 }
	return waits(v.pageviews.Status()) || slices.ContainsFunc(v.lists, func(l *hotList) bool { return waits(l.Status()) })
}
