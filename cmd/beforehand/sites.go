package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/pageview"
	"github.com/beforehand-go/beforehand/server"
)

// leaveAfter is how long what is kept of a site that was removed is left alone, so
// that every replica has let go of it: it looks every sitesEvery, its jobs may take
// twelve seconds to end, and its readers linger. leaveAgain is how long after a
// failure it is tried to delete it again.
const leaveAfter, leaveAgain = 30 * time.Second, time.Minute

var _ server.Book = (*generations)(nil)

// findSites puts together the sites of the file and those that were added. Where
// there are none of either, it is the one that the flags describe. One that was
// added and does not go with the others is left out, and stays to be changed.
func (a *app) findSites(ctx context.Context) error {
	kept, err := a.accounts.Sites(ctx)
	if err != nil {
		return fmt.Errorf("read sites: %w", err)
	}
	file := *a.config.file
	file.Sites = slices.Clone(file.Sites)
	if a.config.alone {
		file.Sites = nil
	}
	a.added, a.leaving = versionsOf(kept), nil
	for _, k := range kept {
		if a.config.fixes(k.Name) { // which goes before, and is not deleted here
			continue
		}
		if k.Leaving {
			a.leaving = append(a.leaving, k.Name)
			continue
		}
		site, err := a.config.addedSite(k)
		if err == nil {
			err = file.Take(site)
		}
		if err != nil {
			a.log.Error("a site that was added is left out: change it on the page of sites", "site", k.Name, "error", err)
		}
	}
	if len(file.Sites) == 0 {
		file.Sites = a.config.file.Sites
	}
	a.file = &file
	return nil
}

// fixes tells whether the file has a site of that name.
func (c *appConfig) fixes(name string) bool {
	return !c.alone && slices.ContainsFunc(c.file.Sites, func(s config.Site) bool { return s.Name == name })
}

// written tells whether a site is as who runs the server has it, not as somebody
// said on a page.
func (a *app) written(name string) bool { return len(a.added) == 0 || a.config.fixes(name) }

// versionsOf are the versions of the sites that are to be served.
func versionsOf(kept []account.Site) map[string]int64 {
	all := map[string]int64{}
	for _, k := range kept {
		if !k.Leaving {
			all[k.Name] = k.Version
		}
	}
	return all
}

// addedSite is a site as the configuration would have it.
func (c *appConfig) addedSite(k account.Site) (config.Site, error) {
	var terms config.Terms
	if err := json.Unmarshal(k.Terms, &terms); err != nil {
		return config.Site{}, err
	}
	return terms.Site(c.begun(k.Name))
}

// begun is a site of which nothing is said but what flags say.
func (c *appConfig) begun(name string) config.Site {
	if c.alone && name == c.single.Name {
		return c.single
	}
	return config.Site{Name: name}
}

// sitesChanged tells whether the sites are others by now.
func (a *app) sitesChanged(ctx context.Context) (bool, error) {
	kept, err := a.accounts.Sites(ctx)
	return err == nil && !maps.Equal(a.added, versionsOf(kept)), err
}

// deleteLeaving deletes what is kept of the sites that were removed.
func (a *app) deleteLeaving(ctx context.Context) {
	var pause time.Duration
	if a.config.kept.shared() {
		pause = leaveAfter
	}
	for _, name := range a.leaving {
		for {
			err := a.deleteSite(ctx, name, pause)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
			a.log.Error("delete a site", "site", name, "error", err)
			pause = leaveAgain
		}
		a.log.Info("site deleted", "site", name)
		pause = 0
	}
}

// deleteSite deletes all that is kept of a site, after a while.
func (a *app) deleteSite(ctx context.Context, name string, after time.Duration) error {
	wait := time.NewTimer(after)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return deleteSite(ctx, a.store, a.state, a.accounts, name)
}

// deleteSite deletes all that is kept of a site which nobody serves any more. It
// can be begun again when it was cut off.
func deleteSite(ctx context.Context, store pageviewStore, state stateStore, accounts *account.Desk, name string) error {
	if err := store.Drop(ctx, name); err != nil && !errors.Is(err, pageview.ErrNoSite) {
		return err
	}
	if err := state.Forget(ctx, name); err != nil {
		return err
	}
	return accounts.SiteGone(ctx, name)
}

// Added implements server.Book.
func (g *generations) Added(ctx context.Context) ([]server.Added, error) {
	a := g.now.Load()
	kept, err := a.accounts.Sites(ctx)
	if err != nil {
		return nil, err
	}
	var all []server.Added
	for _, k := range kept {
		if a.config.fixes(k.Name) {
			continue
		}
		one := server.Added{Name: k.Name, Leaving: k.Leaving}
		if err := json.Unmarshal(k.Terms, &one.Terms); err != nil {
			return nil, fmt.Errorf("read site %s: %w", k.Name, err)
		}
		all = append(all, one)
	}
	if a.config.alone && len(a.added) == 0 {
		all = append(all, server.Added{Name: a.config.single.Name, Terms: config.Terms{Zone: string(a.config.single.Zone)}})
	}
	return all, nil
}

// Add implements server.Book. Where there was only the site that flags describe,
// that one is kept beside it.
func (g *generations) Add(ctx context.Context, by account.Actor, name string, terms config.Terms) error {
	a := g.now.Load()
	if slices.ContainsFunc(a.file.Sites, func(s config.Site) bool { return s.Name == name }) {
		return account.ErrSiteExists
	}
	if err := a.tryTerms(ctx, name, terms, true); err != nil {
		return err
	}
	sites := []account.Site{recordOf(name, terms)}
	if a.config.alone && len(a.added) == 0 {
		only := a.config.single
		sites = slices.Insert(sites, 0, recordOf(only.Name, config.Terms{Zone: string(only.Zone)}))
	}
	if err := a.accounts.AddSites(ctx, by, sites...); err != nil {
		return err
	}
	return g.taken(ctx)
}

func recordOf(name string, terms config.Terms) account.Site {
	text, err := json.Marshal(terms)
	if err != nil {
		panic(err) // they are texts
	}
	return account.Site{Name: name, Terms: text}
}

// tryTerms refuses what cannot be said of a site, which may be new.
func (a *app) tryTerms(ctx context.Context, name string, terms config.Terms, isNew bool) error {
	site, err := terms.Site(a.config.begun(name))
	if err != nil {
		return err
	}
	file := *a.file
	file.Sites = slices.DeleteFunc(slices.Clone(file.Sites), func(s config.Site) bool { return s.Name == name })
	if err := file.Take(site); err != nil {
		return &config.TermError{Key: "taken", Err: err}
	}
	if !isNew {
		return nil
	}
	zone := cmp.Or(string(site.Zone), machineZone())
	kept, err := a.store.Site(ctx, pageview.Site{Name: name, Zone: zone, Precedence: site.Precedence()})
	if err == nil && kept.Zone != zone {
		err = &config.TermError{Key: "kept_zone", Err: fmt.Errorf("the days of a site of that name are counted in %s", kept.Zone)}
	}
	return err
}

// Change implements server.Book. A site's zone stays.
func (g *generations) Change(ctx context.Context, by account.Actor, name string, terms config.Terms) error {
	a := g.now.Load()
	all, err := g.Added(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(v server.Added) bool { return v.Name == name })
	if i < 0 {
		return account.ErrNoSite
	}
	terms.Zone = all[i].Terms.Zone
	if err := a.tryTerms(ctx, name, terms, false); err != nil {
		return err
	}
	record := recordOf(name, terms)
	if len(a.added) == 0 {
		err = a.accounts.AddSites(ctx, by, record)
	} else {
		err = a.accounts.ChangeSite(ctx, by, name, record.Terms)
	}
	if err != nil {
		return err
	}
	return g.taken(ctx)
}

// Remove implements server.Book.
func (g *generations) Remove(ctx context.Context, by account.Actor, name string) error {
	a := g.now.Load()
	switch {
	case a.added[name] == 0 || a.config.fixes(name):
		return account.ErrNoSite
	case !slices.ContainsFunc(a.file.Sites, func(s config.Site) bool { return s.Name != name }):
		return account.ErrLastSite
	}
	if err := a.accounts.RemoveSite(ctx, by, name); err != nil {
		return err
	}
	return g.taken(ctx)
}

// Size implements server.Book.
func (g *generations) Size(ctx context.Context, name string) (int64, error) {
	return sizeOf(ctx, g.now.Load().store, name)
}

// sizeOf is how many pageviews a store has of a site, bots among them.
func sizeOf(ctx context.Context, store pageviewStore, site string) (n int64, err error) {
	days, err := store.Sources(ctx, site, pageview.FirstDay, pageview.LastDay)
	for _, d := range days {
		n += d.Pageviews + d.Bots
	}
	return n, err
}

// taken waits a while until the sites are taken up as they are kept.
func (g *generations) taken(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sitesTaken)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	select {
	case g.poke <- struct{}{}:
	default:
	}
	for {
		changed, err := g.now.Load().sitesChanged(ctx)
		if err == nil && !changed || ctx.Err() != nil {
			return nil // it is kept; whoever does not wait sees it later
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
