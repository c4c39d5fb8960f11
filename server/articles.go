package server

import (
	"context"
	"fmt"
	"net/url"
	"reflect"
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
	l.Progress, l.Logger = beforehand.Progress, v.server.Logger.With("site", v.Name)
	reader := articles.New(l.Config)
	if l.Trigger == nil {
		l.Trigger = trigger.Every(time.Hour)
	}
	v.articles = beforehand.New(v.server.Reports, v.Name+"/articles", func(ctx context.Context) (beforehand.Files, error) {
		listed, err := v.listed(ctx)
		if err != nil {
			return nil, err
		}
		book, err := reader.Read(ctx, v.known(), listed)
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

// listed are the paths on the site's lists. At the first start it waits a
// moment for these.
func (v *site) listed(ctx context.Context) ([]string, error) {
	patience := time.NewTimer(time.Minute)
	defer patience.Stop()
	var paths []string
	for _, l := range v.lists {
		for wait := true; wait; {
			changed := l.Changed()
			if wait = l.Current().Version == 0; !wait {
				break
			}
			select {
			case <-changed:
			case <-patience.C:
				return paths, nil // what is on lists is read the next time
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		for _, item := range l.Value().Items {
			paths = append(paths, item.Path)
		}
	}
	return paths, nil
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

// tellLists has the lists computed anew when something new is known of
// articles. Last is what was known before; nil means that this is the first
// look.
func (v *site) tellLists(ctx context.Context, last *articles.Book) *articles.Book {
	now := v.known()
	if last == nil || now == last || reflect.DeepEqual(now.Articles, last.Articles) {
		return now
	}
	for _, l := range v.lists {
		if err := l.Invalidate(ctx); err != nil && ctx.Err() == nil {
			v.server.Logger.Error(fmt.Sprintf("compute list %s anew", l.Name), "site", v.Name, "error", err)
		}
	}
	return now
}
