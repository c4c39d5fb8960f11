package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/beforehand-go/beforehand/articles"
	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/internal/yamlfile"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/report"
)

// HotList is the list that every site has, and that its page shows.
const HotList = "hot"

const (
	maxLists = 200  // of a site
	maxList  = 1000 // pages of a list
	maxFiles = 50   // sitemaps, and feeds
)

// List is what the file says of a hot list.
type List struct {
	Name     string        `yaml:"name,required" help:"its name in URLs, as in /s/SITE/NAME.json; hot is the one that every site has, and that its page shows"`
	Title    string        `yaml:"title" help:"its name for people"`
	Method   HotMethod     `yaml:"method" help:"how pages are ranked: decay, pageviews, visitors, hackernews, reddit or rising; decay unless given"`
	Window   Window        `yaml:"window" help:"how far back pageviews count, such as 24h or 7d, or all; 30d unless given, 7d for rising, all for hackernews and reddit"`
	HalfLife Duration      `yaml:"half_life" help:"of decay: after what time a pageview weighs half; 7d unless given"`
	Articles []PathPattern `yaml:"articles" help:"patterns of the paths on it, in which * is any text and ? one character; those of the site unless given"`
	Exclude  []PathPattern `yaml:"exclude" help:"patterns of paths that are not on it"`
	Category []string      `yaml:"category" help:"categories, each of which gets a list of its own, NAME-CATEGORY; {category} stands for it in articles and title"`
	Limit    int           `yaml:"limit" help:"how many pages it has at most; 20 unless given"`
	Bots     BotsRule      `yaml:"bots" help:"exclude, include or only: what becomes of bots and feed readers; exclude unless given"`
	Trigger  Trigger       `yaml:"trigger" help:"when it is computed; that of the site unless given"`
}

const categoryMark = "{category}"

// Check refuses a list that cannot be made.
func (l *List) Check() error {
	if err := checkWord(l.Name); err != nil {
		return yamlfile.At("name", err)
	}
	method := cmp.Or(report.HotMethod(l.Method), report.HotDecay)
	switch {
	case l.HalfLife != 0 && method != report.HotDecay:
		return yamlfile.At("half_life", fmt.Errorf("it is for the method decay, not for %s", method))
	case l.Window == Window(report.AllTime) && method == report.HotRising:
		return yamlfile.At("window", errors.New("rising compares with the window before, so that it needs one"))
	case l.Limit < 0 || l.Limit > maxList:
		return yamlfile.At("limit", fmt.Errorf("%d: allowed are 1 to %d", l.Limit, maxList))
	}
	marked := slices.ContainsFunc(l.Articles, func(p PathPattern) bool { return strings.Contains(string(p), categoryMark) })
	if marked != (len(l.Category) > 0) {
		return yamlfile.At("articles", errors.New("category and {category} in articles belong together"))
	}
	for i, c := range l.Category {
		if c == "" || len(c) > maxName || strings.ContainsFunc(c, noWord) {
			return yamlfile.At("category", fmt.Errorf("%q: use letters, digits, - and _, at most %d bytes", c, maxName))
		}
		if slices.Contains(l.Category[:i], c) {
			return yamlfile.At("category", fmt.Errorf("%q is in it twice", c))
		}
	}
	return nil
}

// checkWord refuses what does not fit into a URL as a part of it.
func checkWord(s string) error {
	if CheckName(s) != nil || s == "pageviews" || s == "articles" || s == "stats" || s == "collect" || s == "dashboard" || s == "page" {
		return fmt.Errorf("%q: use letters, digits, - and _, at most %d, and none of pageviews, articles, stats and collect", s, maxName)
	}
	return nil
}

func noWord(r rune) bool {
	return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// Query is how the list ranks; the site's own patterns are put in where it has
// none.
func (l *List) Query(s *Site) report.HotQuery {
	q := report.HotQuery{
		Site: s.Name, Method: report.HotMethod(l.Method), Window: time.Duration(l.Window), HalfLife: time.Duration(l.HalfLife),
		Limit: l.Limit, Bots: pageview.Bots(l.Bots),
	}
	for _, p := range l.Articles {
		q.Pages = append(q.Pages, string(p))
	}
	for _, p := range l.Exclude {
		q.Except = append(q.Except, string(p))
	}
	if len(q.Pages) == 0 && s.Articles != "" {
		q.Pages = []string{s.Articles}
	}
	return q
}

// HotLists are all lists of a site, one for each category, the one that every
// site has first.
func (s *Site) HotLists() []List {
	lists := []List{{Name: HotList}}
	said := false
	for _, l := range s.Lists {
		switch {
		case l.Name == HotList && len(l.Category) == 0 && !said:
			lists[0], said = l, true
		case len(l.Category) == 0:
			lists = append(lists, l)
		default:
			lists = append(lists, l.categories()...)
		}
	}
	return lists
}

// categories is the list once for each category.
func (l *List) categories() (lists []List) {
	for _, c := range l.Category {
		one := *l
		one.Name += "-" + c
		one.Title = strings.ReplaceAll(one.Title, categoryMark, c)
		one.Articles = nil
		for _, p := range l.Articles {
			one.Articles = append(one.Articles, PathPattern(strings.ReplaceAll(string(p), categoryMark, c)))
		}
		lists = append(lists, one)
	}
	return lists
}

// checkLists refuses lists that are in each other's way.
func (s *Site) checkLists() error {
	names := map[string]bool{}
	for _, r := range s.Reports {
		names[r.Name] = true
	}
	for _, l := range s.HotLists() {
		if names[l.Name] {
			return yamlfile.At("lists", fmt.Errorf("two lists or reports are called %q", l.Name))
		}
		names[l.Name] = true
	}
	if n := len(s.HotLists()); n > maxLists {
		return yamlfile.At("lists", fmt.Errorf("there are %d lists; a site can have %d", n, maxLists))
	}
	if u, err := url.Parse(string(s.URL)); err == nil && u.Host != "" && len(s.Hosts) > 0 && (collect.Sites{s.Collect()}).ForHost(u.Host) == nil {
		return yamlfile.At("url", fmt.Errorf("the host %s is none of hosts", u.Hostname()))
	}
	if s.Learn == nil {
		return nil
	}
	if s.URL == "" {
		return yamlfile.At("learn", errors.New("give the site's url, too"))
	}
	return nil
}

// Learn is what the file says of reading titles, pictures and times of
// publication from the site itself.
type Learn struct {
	Sitemaps []Place  `yaml:"sitemaps" help:"sitemaps or indexes of them, as URLs or paths below url; those that robots.txt names unless given"`
	Feeds    []Place  `yaml:"feeds" help:"feeds in RSS, Atom or JSON Feed, as URLs or paths below url"`
	Pages    *bool    `yaml:"pages" help:"whether pages on a list are asked for their og:title, og:image and article:published_time; true unless given"`
	PerRun   int      `yaml:"pages_per_run" help:"how many pages are asked in one run; 30 unless given, 500 at most"`
	Pause    Duration `yaml:"pause" help:"pause between two requests, at least 100ms; 1s unless given. A Crawl-delay of robots.txt makes it longer"`
	Private  bool     `yaml:"private" help:"true allows addresses that are not public, such as localhost, for the hosts that are written here"`
	Trigger  Trigger  `yaml:"trigger" help:"when it is done; every 1h unless given"`
}

// Check refuses what would not be polite.
func (l *Learn) Check() error {
	switch {
	case len(l.Sitemaps) > maxFiles:
		return yamlfile.At("sitemaps", fmt.Errorf("at most %d are read", maxFiles))
	case len(l.Feeds) > maxFiles:
		return yamlfile.At("feeds", fmt.Errorf("at most %d are read", maxFiles))
	case l.PerRun < 0 || l.PerRun > 500:
		return yamlfile.At("pages_per_run", fmt.Errorf("%d: allowed are 1 to 500", l.PerRun))
	case l.Pause != 0 && l.Pause < Duration(100*time.Millisecond):
		return yamlfile.At("pause", errors.New("at least 100ms"))
	}
	return nil
}

// Reader is how the site's articles are read, where they are.
func (s *Site) Reader() (articles.Config, error) {
	base, err := url.Parse(string(s.URL))
	if err != nil {
		return articles.Config{}, err
	}
	c := articles.Config{
		Base: base, NoPages: s.Learn.Pages != nil && !*s.Learn.Pages, PerRun: s.Learn.PerRun,
		Pause: time.Duration(s.Learn.Pause), Private: s.Learn.Private,
	}
	if c.Sitemaps, err = places(base, s.Learn.Sitemaps); err != nil {
		return c, err
	}
	c.Feeds, err = places(base, s.Learn.Feeds)
	return c, err
}

// places are the URLs of places of a site.
func places(base *url.URL, list []Place) (urls []string, err error) {
	for _, p := range list {
		u, err := base.Parse(string(p))
		if err != nil {
			return nil, err
		}
		urls = append(urls, u.String())
	}
	return urls, nil
}
