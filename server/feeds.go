package server

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/beforehand-go/beforehand/internal/number"
	"github.com/beforehand-go/beforehand/report"
)

// rss is a list as RSS 2.0, with Yahoo's extension for pictures.
type rss struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Media   string   `xml:"xmlns:media,attr"`
	Channel channel  `xml:"channel"`
}

type channel struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link"`
	Description string    `xml:"description"`
	Items       []rssItem `xml:"item"`
}

type rssItem struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link,omitempty"`
	Description string    `xml:"description"`
	GUID        guid      `xml:"guid"`
	Published   string    `xml:"pubDate,omitempty"`
	Picture     *rssMedia `xml:"media:content"`
}

type guid struct {
	Permalink bool   `xml:"isPermaLink,attr"`
	Value     string `xml:",chardata"`
}

type rssMedia struct {
	URL    string `xml:"url,attr"`
	Medium string `xml:"medium,attr"`
}

// writeRSS writes a list as a feed. It holds no time of its own, so that a list
// that did not change is the same bytes.
func writeRSS(w io.Writer, v *site, title string, h report.Hot) error {
	c := channel{Title: v.Title + ": " + title, Link: "/", Description: title}
	if v.URL != nil {
		c.Link = v.URL.String()
	}
	for _, i := range h.Items {
		item := rssItem{
			Title: i.Title, Link: i.URL, Description: describe(i),
			GUID: guid{Permalink: i.URL != "", Value: i.URL},
		}
		if i.URL == "" {
			item.GUID.Value = v.Name + ":" + i.Path
		}
		if i.Published != nil {
			item.Published = i.Published.UTC().Format(time.RFC1123Z)
		}
		if i.Picture != "" {
			item.Picture = &rssMedia{i.Picture, "image"}
		}
		c.Items = append(c.Items, item)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(rss{Version: "2.0", Media: "http://search.yahoo.com/mrss/", Channel: c}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// describe says how often a page is read and where it moved.
func describe(i report.HotItem) string {
	moved := "new"
	if i.Change != nil {
		switch n := *i.Change; {
		case n > 0:
			moved = fmt.Sprintf("up %d", n)
		case n < 0:
			moved = fmt.Sprintf("down %d", -n)
		default:
			moved = "unchanged"
		}
	}
	return fmt.Sprintf("#%d, %s: %s pageviews", i.Rank, moved, number.Grouped(i.Pageviews))
}

// writeMarkdown writes a list in CommonMark.
func writeMarkdown(w io.Writer, h report.Hot) error {
	for _, i := range h.Items {
		title := escapeMarkdown(i.Title)
		if i.URL != "" {
			title = "[" + title + "](<" + strings.NewReplacer("<", "%3C", ">", "%3E", "\\", "%5C").Replace(i.URL) + ">)"
		}
		if _, err := fmt.Fprintf(w, "%d. %s (%s)\n", i.Rank, title, number.Grouped(i.Pageviews)); err != nil {
			return err
		}
	}
	return nil
}

// escapeMarkdown keeps every character from meaning anything, HTML included.
func escapeMarkdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r):
			b.WriteByte('\\')
		case r < ' ':
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}
