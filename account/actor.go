package account

import "slices"

// Actor is who does something.
type Actor struct {
	User *User // nil means the console
	From From
}

// Owns tells whether an actor decides who may what at a site.
func (a Actor) Owns(site string) bool { return a.User == nil || a.User.Role(site) == Owner }

// did is an entry for what an actor has done.
func (a Actor) did(what What, about string) Entry {
	e := Entry{What: what, About: about, Address: a.From.Address}
	if a.User != nil {
		e.Who = a.User.Name
	}
	return e
}

// mayEnd tells whether an actor may end a link.
func (a Actor) mayEnd(l *Link) bool {
	switch {
	case a.User == nil:
		return true
	case l.Kind == Share:
		return a.User.Role(l.Site).AtLeast(Editor)
	case l.Kind == Invitation:
		return a.Owns(l.Site)
	}
	return a.Owns(Everywhere)
}

// Sites are those at which an actor has at least a role, of some.
func (a Actor) Sites(all []string, least Role) []string {
	if a.User == nil {
		return all
	}
	sites, everywhere := a.User.At(least)
	if everywhere {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !slices.Contains(sites, s) })
}
