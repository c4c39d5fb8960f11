package articles

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/mmcdole/gofeed"
)

const maxFeed = 4 << 20 // bytes unpacked

// feed reads RSS, Atom or JSON Feed.
func feed(body []byte, base *url.URL) ([]entry, error) {
	body, err := unpack(body, maxFeed)
	if err != nil {
		return nil, err
	}
	body = valid(body)
	switch gofeed.DetectFeedType(bytes.NewReader(body)) {
	case gofeed.FeedTypeUnknown:
		return nil, errors.New("neither RSS, Atom nor JSON Feed")
	case gofeed.FeedTypeRSS, gofeed.FeedTypeAtom:
		if err := shallow(body); err != nil {
			return nil, fmt.Errorf("not a feed: %w", err)
		}
	}
	f, err := gofeed.NewParser().Parse(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("not a feed: %w", err)
	}
	var entries []entry
	for _, item := range f.Items {
		if e := feedEntry(item, base); e.url != "" && len(entries) < maxEntries {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func feedEntry(item *gofeed.Item, base *url.URL) entry {
	e := entry{url: absolute(base, item.Link), told: Told{Title: plain(item.Title)}}
	if e.url == "" {
		e.url = absolute(base, item.GUID)
	}
	if t := item.PublishedParsed; t != nil {
		e.told.Published = t.UTC()
		// gofeed takes Atom's updated for published where that is missing.
		e.modified = item.UpdatedParsed != nil && item.Published == item.Updated
	} else if t := item.UpdatedParsed; t != nil {
		e.told.Published, e.modified = t.UTC(), true
	}
	if item.Image != nil {
		e.told.Picture = absolute(base, item.Image.URL)
	}
	for _, enclosure := range item.Enclosures {
		if e.told.Picture == "" && strings.HasPrefix(enclosure.Type, "image/") {
			e.told.Picture = absolute(base, enclosure.URL)
		}
	}
	return e
}
