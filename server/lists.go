package server

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/beforehand-go/beforehand"
	"github.com/beforehand-go/beforehand/articles"
	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/picture"
	"github.com/beforehand-go/beforehand/report"
	"github.com/beforehand-go/beforehand/trigger"
	"github.com/beforehand-go/beforehand/web"
)

// HotList is the name of the list that every site has, and its page shows.
const HotList = "hot"

// List is a hot list of a site.
type List struct {
	Name    string          // in URLs
	Title   string          // for people; empty means "Hot articles" in the server's language
	Query   report.HotQuery // Site, Raw and Published are set by the server
	Trigger trigger.Trigger // nil means that of the site
}

// hotList is a list with its report.
type hotList struct {
	List
	named bool // the title is its owner's, not ours
	*beforehand.Report[report.Hot]
}

// newLists makes the lists of a site, that of its page first.
func (v *site) newLists(policy beforehand.Policy) {
	lists := v.Lists
	if len(lists) == 0 || lists[0].Name != HotList {
		lists = append([]List{{Name: HotList}}, lists...)
	}
	for _, l := range lists {
		named := l.Title != ""
		l.Title = cmp.Or(l.Title, web.Word(v.server.Language, "hot_heading"))
		l.Query.Site = v.Name
		if len(l.Query.Pages) == 0 && v.Articles != "" {
			l.Query.Pages = []string{v.Articles}
		}
		p := policy
		if l.Trigger != nil {
			p.Trigger, p.Rules.MaxAge = l.Trigger, 0
		}
		p.Definition = l.definition()
		made := &hotList{List: l, named: named}
		made.Report = beforehand.New(v.server.Reports, v.Name+"/"+l.Name, func(ctx context.Context) (report.Hot, error) {
			return v.rankHot(ctx, l, false)
		}, p)
		draw(v.server, made.Report, func(h report.Hot) chart.Picture { return v.server.pictureHot(l.Title, h) })
		made.Render("html", func(w io.Writer, h report.Hot) error { return web.List(w, v.server.Language, items(h)) })
		made.Render("rss", func(w io.Writer, h report.Hot) error { return writeRSS(w, v, l.Title, h) })
		made.Render("md", writeMarkdown)
		v.lists = append(v.lists, made)
		if l.Trigger == nil {
			v.watch(l.Name, made)
		}
	}
	v.hot = v.lists[0]
}

// definition changes when the list may.
func (l *List) definition() string {
	q := l.Query
	return fmt.Sprintf("%q %s %s %q %q %s %s %d %d", l.Title, q.Method, q.Bots, q.Pages, q.Except, q.Window, q.HalfLife, q.Least, q.Limit)
}

// list is the list of that name, or nil.
func (v *site) list(name string) *hotList {
	for _, l := range v.lists {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// rankHot ranks the pages of a list, from raw rows where that is to be shown,
// and puts in what is known of them.
func (v *site) rankHot(ctx context.Context, l List, raw bool) (report.Hot, error) {
	book := v.known()
	q := l.Query
	q.Raw = raw
	q.Published = func(path string) (time.Time, bool) {
		at, _ := book.Articles[path].Published()
		return at, !at.IsZero()
	}
	h, span, err := report.RankHot(ctx, v.server.Store, q)
	report.Counted(ctx, span)
	for i := range h.Items {
		item := &h.Items[i]
		a := book.Articles[item.Path]
		title, _ := a.Title()
		item.Title = cmp.Or(title, item.Title)
		item.Picture, _ = a.Picture()
		if v.URL != nil {
			item.URL = articles.Address(v.URL, item.Path)
		}
	}
	return h, err
}

func (s *Server) pictureHot(title string, v report.Hot) chart.Picture {
	r := picture.Hot(v)
	r.Title, r.Words, r.Heading = title, web.ChartWords(s.Language), true
	return r
}
