package main

import (
	"fmt"
	"net/url"
	"runtime"

	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/server"
)

// addLists puts into a site its hot lists and how its articles are read.
func (a *app) addLists(file *config.File, c *config.Site, site *server.Site) error {
	for _, l := range c.HotLists() {
		list := server.List{Name: l.Name, Title: l.Title, Query: l.Query(c)}
		if l.Trigger != "" {
			when, err := a.trigger(site.Site, l.Trigger)
			if err != nil {
				return fmt.Errorf("list %s of site %s: %w", l.Name, c.Name, err)
			}
			list.Trigger = when
		}
		site.Lists = append(site.Lists, list)
	}
	if c.URL != "" {
		u, err := url.Parse(string(c.URL))
		if err != nil {
			return err
		}
		site.URL = u
	}
	if c.Learn == nil {
		return nil
	}
	reader, err := c.Reader()
	if err != nil {
		return fmt.Errorf("learn of site %s: %w", c.Name, err)
	}
	site.Learn = &server.Learn{Config: reader}
	if c.Learn.Trigger != "" {
		site.Learn.Trigger, err = a.trigger(site.Site, c.Learn.Trigger)
	}
	return err
}

// runsAtOnce is how many jobs run at once: one for each core, and one for each
// site whose articles are read, which waits nearly all of the time.
func (a *app) runsAtOnce() int {
	n := runtime.GOMAXPROCS(0)
	for _, s := range a.sites {
		if s.Learn != nil {
			n++
		}
	}
	return n
}
