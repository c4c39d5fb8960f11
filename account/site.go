package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Site is a site that somebody added here, beside those of a configuration.
type Site struct {
	Name    string          `json:"name"`
	Terms   json.RawMessage `json:"terms"` // what is said of it, which is no matter of this package
	Created time.Time       `json:"created"`
	Leaving bool            `json:"leaving,omitempty"` // it was removed, and what is kept of it is being deleted

	// Version grows with each change.
	Version int64 `json:"-"`
}

var (
	// ErrSiteExists is returned for the name of a site that is there, or is
	// being deleted.
	ErrSiteExists = errors.New("there is a site of that name")

	// ErrLastSite is returned for what would leave nothing to serve.
	ErrLastSite = errors.New("there would be no site left")

	// ErrNoSite is returned for a site that was not added here, or is gone.
	ErrNoSite = errors.New("there is no such site")
)

func siteChange(s Site) Change { return record(kindSite, s.Name, s.Version, time.Time{}, s) }

// Sites are the sites that were added, in the order in which they were.
func (d *Desk) Sites(ctx context.Context) ([]Site, error) {
	list, err := d.Store.List(ctx, kindSite, "", 0)
	if err != nil {
		return nil, err
	}
	all := make([]Site, len(list))
	for i, r := range list {
		if err := r.decode(&all[i]); err != nil {
			return nil, err
		}
		all[i].Version = r.Version
	}
	slices.SortFunc(all, func(a, b Site) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all, nil
}

// AddSites adds sites: all of them or, with ErrSiteExists, none.
func (d *Desk) AddSites(ctx context.Context, by Actor, sites ...Site) error {
	if !by.Owns(Everywhere) {
		return ErrNotAllowed
	}
	var changes []Change
	for i, s := range sites {
		s.Version, s.Leaving = 0, false
		s.Created = time.Now().UTC().Truncate(time.Microsecond).Add(time.Duration(i) * time.Microsecond) // which keeps their order
		changes = append(changes, siteChange(s), entry(by.didAt(SiteAdded, s.Name)))
	}
	if err := d.Store.Write(ctx, changes); errors.Is(err, ErrChanged) {
		return ErrSiteExists
	} else {
		return err
	}
}

// ChangeSite says something else of a site that was added.
func (d *Desk) ChangeSite(ctx context.Context, by Actor, name string, terms json.RawMessage) error {
	if !by.Owns(name) {
		return ErrNotAllowed
	}
	return d.change(ctx, func() ([]Change, error) {
		s, err := d.site(ctx, name)
		if err == nil && s.Leaving {
			err = ErrNoSite
		}
		s.Terms = terms
		return []Change{siteChange(s), entry(by.didAt(SiteChanged, name))}, err
	})
}

func (d *Desk) site(ctx context.Context, name string) (Site, error) {
	var s Site
	r, err := d.read(ctx, kindSite, name, &s)
	if s.Version = r.Version; errors.Is(err, ErrUnknown) {
		err = ErrNoSite
	}
	return s, err
}

// RemoveSite takes a site from everybody: roles, invitations and share links that
// name it are gone at once. One that was added here is leaving until SiteGone.
func (d *Desk) RemoveSite(ctx context.Context, by Actor, name string) error {
	if name == Everywhere {
		return ErrNoSite
	}
	if !by.Owns(name) {
		return ErrNotAllowed
	}
	err := d.change(ctx, func() ([]Change, error) {
		roster, users, err := d.register(ctx)
		if err != nil {
			return nil, err
		}
		changes := []Change{roster, entry(by.didAt(SiteRemoved, name))}
		for _, u := range users {
			if _, has := u.Roles[name]; has {
				u.Roles = maps.Clone(u.Roles)
				delete(u.Roles, name)
				changes = append(changes, userChange(u))
			}
		}
		links, err := d.links(ctx)
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			if l.Site == name {
				changes = append(changes, gone(l.record()))
			}
		}
		s, err := d.site(ctx, name)
		switch {
		case err == nil:
			s.Leaving = true
			changes = append(changes, siteChange(s))
		case !errors.Is(err, ErrNoSite):
			return nil, err
		}
		return changes, nil
	})
	d.forget()
	return err
}

// SiteGone forgets a site that was leaving, once nothing is kept of it any more.
func (d *Desk) SiteGone(ctx context.Context, name string) error {
	s, err := d.site(ctx, name)
	if errors.Is(err, ErrNoSite) {
		return nil
	}
	if err == nil && !s.Leaving {
		return fmt.Errorf("site %s is not leaving", name)
	}
	if err == nil {
		err = d.Store.Write(ctx, []Change{gone(siteChange(s).Record)})
	}
	if errors.Is(err, ErrChanged) { // another process was faster
		return nil
	}
	return err
}

// didAt is an entry for what an actor has done to a site.
func (a Actor) didAt(what What, site string) Entry {
	e := a.did(what, site)
	e.Site = site
	return e
}
