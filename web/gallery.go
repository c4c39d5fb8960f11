package web

import (
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/chart"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/report"
)

// WidgetsPath is where the galleries of sites are: WidgetsPath/SITE.
const WidgetsPath = "/widgets"

// GalleryPolicy is the Content-Security-Policy to send with a gallery, which
// shows frames of its own server.
const GalleryPolicy = Policy + "; frame-src 'self'"

// Gallery is everything that the page of a site's widgets shows.
type Gallery struct {
	Language language.Language
	Nav      Navigation
	Site     string
	Title    string // of the site, for people
	Base     string // where pages elsewhere reach the server, such as https://stats.example.org
	BadBase  string // what was given for it and is no such address; zero: nothing was
	Guessed  bool   // nobody said it: it is where the reader came from
	Lists    []GalleryList
	Pictures []Picture
	Counts   bool     // there are counters
	Page     string   // a page that was read, whose counter is shown; zero: none is known
	Frames   []string // origins that may frame lists; none: every one
	Limits   []int    // rows that can be chosen; zero is all
	Choice   Choice
}

// GalleryList is a hot list that can be shown elsewhere.
type GalleryList struct {
	Name  string
	Title string // zero: "Hot articles"
	Query report.HotQuery
	Items []Item
}

// Picture is a report whose picture can be shown elsewhere.
type Picture struct {
	Name          string
	Title         string // zero: Name
	Width, Height int    // zero: not drawn yet
	Spark         bool   // it is a line without axes
}

// Choice is what was chosen on a gallery.
type Choice struct {
	List, Picture string // names
	Limit         int    // rows; zero: all
	Theme         chart.Theme
	Words         language.Language // of the widgets
}

// WriteGallery writes the page of a site's widgets.
func WriteGallery(w io.Writer, g Gallery) error {
	return execute(w, "gallery.html", &galleryView{Gallery: g, pen: newPen(g.Language, time.Time{}, nil)})
}

// galleryView is what the template of a gallery sees.
type galleryView struct {
	Gallery
	pen
}

func (v *galleryView) Top() top { return top{v.pen, v.Nav} }

// option is one of several that can be chosen.
type option struct {
	Value, Text string
	Chosen      bool
}

func (v *galleryView) ListOptions() (all []option) {
	for _, l := range v.Lists {
		all = append(all, option{l.Name, l.title(v.words) + ": " + v.about(l.Query), l.Name == v.Choice.List})
	}
	return all
}

func (v *galleryView) LimitOptions() (all []option) {
	for _, n := range v.Limits {
		o := option{"", v.words["gallery_all"], n == v.Choice.Limit}
		if n > 0 {
			o.Value = fmt.Sprint(n)
			o.Text = o.Value
		}
		all = append(all, o)
	}
	return all
}

func (v *galleryView) ThemeOptions() []option {
	return []option{
		{string(chart.Auto), v.words["theme_auto"], v.Choice.Theme == chart.Auto},
		{string(chart.Light), v.words["theme_light"], v.Choice.Theme == chart.Light},
		{string(chart.Dark), v.words["theme_dark"], v.Choice.Theme == chart.Dark},
	}
}

func (v *galleryView) WordsOptions() (all []option) {
	for _, l := range language.All() {
		all = append(all, option{l.String(), catalogues[l]["lang_name"], l == v.Choice.Words})
	}
	return all
}

func (v *galleryView) PictureOptions() (all []option) {
	for _, p := range v.Pictures {
		all = append(all, option{p.Name, p.title(), p.Name == v.Choice.Picture})
	}
	return all
}

func (l *GalleryList) title(w words) string {
	if l.Title != "" {
		return l.Title
	}
	return w["hot_heading"]
}

func (p *Picture) title() string {
	if p.Title != "" {
		return p.Title
	}
	return p.Name
}

// about says in words how a list is ordered.
func (v *galleryView) about(q report.HotQuery) string {
	q = q.Complete()
	var text string
	switch q.Method {
	case report.HotPageviews:
		text = v.words["method_pageviews"]
	case report.HotVisitors:
		text = v.words["method_visitors"]
	case report.HotHackerNews:
		text = v.words["method_hackernews"]
	case report.HotReddit:
		text = v.words["method_reddit"]
	case report.HotRising:
		text = v.words["method_rising"]
	default:
		text = fmt.Sprintf(v.words["method_decay"], v.length(q.HalfLife))
	}
	if q.Window != report.AllTime {
		text += v.words["and"] + fmt.Sprintf(v.words["method_window"], v.length(q.Window))
	}
	return text
}

// length writes a length of time that is whole days or hours as such.
func (v *galleryView) length(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d%day == 0:
		return fmt.Sprintf(v.words["length_days"], fmt.Sprint(int64(d/day)))
	case d%time.Hour == 0:
		return fmt.Sprintf(v.words["length_hours"], fmt.Sprint(int64(d/time.Hour)))
	}
	return v.Span(d)
}

// Snippet is something to paste into a page.
type Snippet struct {
	Name    string // its anchor
	Title   string
	Text    string // what it is good for
	Code    string
	Preview template.HTML // the same on this page; zero: none
	Needs   []string      // what a Content-Security-Policy of the page must allow
}

// Group are snippets of one kind.
type Group struct {
	Name, Title, Text string
	Snippets          []Snippet
}

// Groups are all snippets.
func (v *galleryView) Groups() []Group {
	var all []Group
	if l := v.list(); l != nil {
		all = append(all, Group{"lists", v.words["group_lists"], v.words["group_lists_text"], v.listSnippets(l)})
	}
	if v.Counts {
		all = append(all, Group{"counters", v.words["group_counters"], v.words["group_counters_text"], v.counterSnippets()})
	}
	if s := v.pictureSnippets(); len(s) > 0 {
		all = append(all, Group{"pictures", v.words["group_pictures"], v.words["group_pictures_text"], s})
	}
	return all
}

func (v *galleryView) list() *GalleryList {
	for i := range v.Lists {
		if v.Lists[i].Name == v.Choice.List {
			return &v.Lists[i]
		}
	}
	return nil
}

// Ancestors are the origins that may frame lists, in a line.
func (v *galleryView) Ancestors() string { return strings.Join(v.Frames, " ") }
