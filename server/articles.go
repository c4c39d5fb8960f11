package server

import (
	"context"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/articles"
	"github.com/beforehand-go/beforehand/trigger"
)

// Learn says how a site's articles are read.
type Learn struct {
	articles.Config                 // Base, Page, Progress and Logger are set by the server
	Trigger         trigger.Trigger // nil means every hour
}

// bookFormat is where the report keeps the book: a format that is neither
// served nor published.
const bookFormat = ".articles"

// learnt is a book with the version of the report that it was decoded from.
type learnt struct {
	version int64
	book    *articles.Book
}

// newLearning makes the report whose result is what is known of the site's
// articles. It is a report like any other, so that one process reads them, its
// ticks are accounted for, and all processes have what was learnt.
func (v *site) newLearning(l Learn) {
	l.Base, l.Page = v.URL, v.pageOf
	l.Progress, l.Logger = beforehand.Progress, beforehand.Logger
	reader := articles.New(l.Config)
	if l.Trigger == nil {
		l.Trigger = trigger.Every(time.Hour)
	}
	v.articles = beforehand.New(v.server.Reports, v.Name+"/articles", func(ctx context.Context) (beforehand.Files, error) {
		book, err := reader.Read(ctx, v.known(), v.listed())
		if err != nil {
			return nil, err
		}
		text, err := book.Encode()
		return beforehand.Files{bookFormat: text}, err
	}, beforehand.Policy{Trigger: l.Trigger, Timeout: 30 * time.Minute, Keep: 2})
}

// pageOf is the path by which the page at an address is counted. A site that
// takes every host's pageviews has still the host of its URL only.
func (v *site) pageOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || len(v.Hosts) == 0 && !strings.EqualFold(bare(u), bare(v.URL)) {
		return ""
	}
	return v.Page(address)
}

func bare(u *url.URL) string { return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.") }

// listed are the paths on the site's lists.
func (v *site) listed() (paths []string) {
	for _, l := range v.lists {
		for _, item := range l.Value().Items {
			paths = append(paths, item.Path)
		}
	}
	return paths
}

// known is what is known of the site's articles.
func (v *site) known() *articles.Book {
	if v.articles == nil {
		return &articles.Book{}
	}
	now := v.articles.Current()
	if last := v.learnt.Load(); last != nil && last.version == now.Version {
		return last.book
	}
	book, err := articles.Decode(now.Value[bookFormat])
	if err != nil {
		v.server.Logger.Error("begin anew with what is known of articles", "site", v.Name, "error", err)
		book = &articles.Book{}
	}
	v.learnt.Store(&learnt{now.Version, book})
	return book
}

// learning is what keepPages remembers of a site whose articles are read.
type learning struct {
	book  *articles.Book // what was known at the last look; nil before the first
	asked time.Time      // when pages were last asked for out of turn
}

// askAgain is how long pages that are new on a list wait at most for those that
// were read out of turn before.
const askAgain = time.Minute

// keepLearning has the lists computed anew when something new is known of
// articles, and pages read that are new on a list, so that they need not wait
// for the next tick.
func (v *site) keepLearning(ctx context.Context, l *learning) {
	if v.articles == nil {
		return
	}
	was, now := l.book, v.known()
	l.book = now
	if was != nil && now != was && !reflect.DeepEqual(now.Articles, was.Articles) {
		for _, list := range v.lists {
			v.anew(ctx, list.Name, list.Invalidate)
		}
	}
	isNew := func(path string) bool {
		_, asked := now.Pages[path]
		return !asked
	}
	st := v.articles.Current()
	if v.Learn.NoPages || st.Version == 0 || st.Failures > 0 || time.Since(l.asked) < askAgain || !slices.ContainsFunc(v.listed(), isNew) {
		return
	}
	l.asked = time.Now()
	v.anew(ctx, "articles", v.articles.Invalidate)
}

func (v *site) anew(ctx context.Context, report string, f func(context.Context) error) {
	if err := f(ctx); err != nil && ctx.Err() == nil {
		v.server.Logger.Error("compute report anew", "site", v.Name, "report", report, "error", err)
	}
}
